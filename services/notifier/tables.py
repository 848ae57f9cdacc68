"""The notifier's tables: what went into the streams, who wants what by which channel, how far each has got."""

from sqlalchemy import BigInteger, Column, Identity, Index, Integer, Table, Text, UniqueConstraint, text

from shared.db.schema import Position, metadata, partial

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
# writes, `secret` is sealed under the master key; so is `former_secret`, which is good until `former_until`.
# `generation` counts the secrets. `failing_since`: nothing was taken since then; `warned`: what its account was told.
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
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("former_secret", Text, nullable=False, server_default=""),
    Column("former_until", BigInteger),
    Column("failing_since", BigInteger),
    Column("warned", Text),
    Column("disabled_at", BigInteger),
    Column("disabled_for", Text),
)
subscriptions_of_account = Index(
    "ix_subscriptions_account", subscriptions.c.account, subscriptions.c.created_at, subscriptions.c.id
)

is_in_trouble = text("failing_since IS NOT NULL")
subscriptions_in_trouble = partial(
    "ix_subscriptions_trouble",
    subscriptions.c.failing_since,
    where=is_in_trouble,
)

# A cursor of one subscription over one ticket's log, or its account's notices (`notices.<account>`): `acked_seq` is
# delivered (or not wanted, or given up), up to `last_seq` is owed. `due_at` says when to look at it next, NULL when
# nothing is owed; `claim` is its worker's token. `run` is empty for what happens; a replay is a lane beside that one.
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
    Column("run", Text, primary_key=True, server_default=""),
)
is_replay = text("run <> ''")
replays = partial("ix_lanes_replays", lanes.c.subscription, lanes.c.run, where=is_replay)
due_lanes = partial(
    "ix_lanes_due",
    lanes.c.due_at,
    where=text("due_at IS NOT NULL"),
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
    Column("replayed_at", BigInteger),
)
dead_letters_of_subscription = Index(
    "ix_dead_letters_subscription",
    dead_letters.c.subscription,
    dead_letters.c.at,
    dead_letters.c.ticket,
    dead_letters.c.seq,
)
dead_letters_by_age = Index("ix_dead_letters_at", dead_letters.c.at)

# Every attempt, in the order in which they were recorded: `seq` to `upto` went out as one message, the `attempt`th
# time; `answer` is the beginning of what came back. Pruned from the oldest on.
attempts = Table(
    "attempts",
    metadata,
    Column("number", Position, Identity(always=True), primary_key=True),
    Column("subscription", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("upto", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("run", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("status", Integer),
    Column("answer", Text, nullable=False),
    Column("reference", Text, nullable=False),
)
attempts_of_subscription = Index("ix_attempts_subscription", attempts.c.subscription, attempts.c.number)

# What an account is told of its subscriptions themselves, numbered by account: told by its other subscriptions.
notices = Table(
    "notices",
    metadata,
    Column("account", Text, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", Text, nullable=False),
)

SUBSCRIPTION_COLUMNS = (
    "id", "account", "channel", "target", "preferences", "created_at", "secret", "generation", "former_secret",
    "former_until", "failing_since", "warned", "disabled_at", "disabled_for",
)  # fmt: skip
ATTEMPT_COLUMNS = tuple(name for name in attempts.c.keys() if name != "number")  # noqa: SIM118  a collection of columns
