"""The notifier's tables: what went into the streams, who wants what by which channel, how far each has got."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, Table, Text, UniqueConstraint, text

from shared.db.schema import Position, metadata

# Every event once, in the order in which streams show it; `at` is when it got here. Pruned from the oldest on.
feed = Table(
    "feed",
    metadata,
    Column("position", Position, Identity(always=True), primary_key=True),
    Column("ticket", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("account", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("ticket", "seq", name="uq_feed_ticket"),
)
feed_of_account = Index("ix_feed_account", feed.c.account, feed.c.position)

# The last entry of each ticket that is in the feed (or was, before it was pruned): what makes a repeat recognisable.
feed_marks = Table(
    "feed_marks",
    metadata,
    Column("ticket", Text, primary_key=True),
    Column("seq", Integer, nullable=False),
)

# `target` is what `channel` understands: a URL, a mail address. `preferences` is what `model.preferences` reads and
# writes, `secret` is sealed under the master key.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("secret", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    Column("channel", Text, nullable=False, server_default="webhook"),
    Column("preferences", Text, nullable=False, server_default="{}"),
)
subscriptions_of_account = Index(
    "ix_subscriptions_account", subscriptions.c.account, subscriptions.c.created_at, subscriptions.c.id
)

# A cursor of one subscription over one ticket's log: `acked_seq` is delivered (or not wanted, or given up), up to
# `last_seq` is owed. `due_at` says when to look at it next, NULL when nothing is owed; `claim` is its worker's token.
lanes = Table(
    "lanes",
    metadata,
    Column("subscription", Text, primary_key=True),
    Column("ticket", Text, primary_key=True),
    Column("acked_seq", Integer, nullable=False),
    Column("last_seq", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", BigInteger),
    Column("claim", Text),
)
due_lanes = Index(
    "ix_lanes_due",
    lanes.c.due_at,
    postgresql_where=text("due_at IS NOT NULL"),
    sqlite_where=text("due_at IS NOT NULL"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("subscription", Text, primary_key=True),
    Column("ticket", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
)

SUBSCRIPTION_COLUMNS = ("id", "account", "channel", "target", "preferences", "created_at", "secret")
