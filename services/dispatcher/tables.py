"""The dispatcher's own tables: what each local network has to do, and what was refused."""

from sqlalchemy import BigInteger, Column, Index, Table, Text, text

from shared.db.schema import metadata

# One row an order, a projection of the ticket's facts; `data` is the latest OrderIssued as JSON. `tier`, `breach_at`
# and `rank_at` are the ticket's; `restored_at` is when the service came back, where this order brought it back.
repair_orders = Table(
    "repair_orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("ticket", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("issued_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("accepted_at", BigInteger),
    Column("data", Text, nullable=False),
    Column("tier", Text, nullable=False, server_default="crystal"),
    Column("breach_at", BigInteger, nullable=False, server_default="0"),
    Column("rank_at", BigInteger, nullable=False, server_default="0"),
    Column("restored_at", BigInteger),
)
by_network = Index("ix_repair_orders_network", repair_orders.c.network, repair_orders.c.rank_at, repair_orders.c.id)
is_live = text("state IN ('issued', 'accepted')")  # spelled as in the queries: SQLite compares the words
live = Index(
    "ix_repair_orders_live",
    repair_orders.c.network,
    repair_orders.c.rank_at,
    repair_orders.c.id,
    postgresql_where=is_live,
    sqlite_where=is_live,
)
has_restored = text("restored_at IS NOT NULL")
by_restoration = Index(
    "ix_repair_orders_restored", repair_orders.c.restored_at, postgresql_where=has_restored, sqlite_where=has_restored
)

# Progress that was not taken, once a message: who sent it, about what, and why it was refused.
refused_progress = Table(
    "refused_progress",
    metadata,
    Column("source", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("network", Text, nullable=False),
    Column("order_id", Text),
    Column("type", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
by_age = Index("ix_refused_progress_at", refused_progress.c.at, refused_progress.c.source, refused_progress.c.id)

# When each sweep is due, and up to which instant it has looked.
sweeps = Table(
    "sweeps",
    metadata,
    Column("name", Text, primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    Column("looked_until", BigInteger, nullable=False),
)

# What the center noticed, once a subject and `mark`: the newest ticket, or the day, that made it be noticed. Until
# `quiet_until` the same subject is not warned of again. `account` is whose it is, NULL where it is several accounts'.
warnings = Table(
    "warnings",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("mark", Text, primary_key=True),
    Column("account", Text),
    Column("raised_at", BigInteger, nullable=False),
    Column("quiet_until", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
)
by_raising = Index("ix_warnings_raised_at", warnings.c.raised_at, warnings.c.kind, warnings.c.subject)

# The last signs of life of each local network, by door: it looked at its orders over HTTP; it said something.
network_signs = Table(
    "network_signs",
    metadata,
    Column("network", Text, primary_key=True),
    Column("looked_at", BigInteger),
    Column("spoke_at", BigInteger),
)

ORDER_COLUMNS = ("id", "ticket", "network", "state", "issued_at", "updated_at", "data")
WARNING_COLUMNS = tuple(warnings.c.keys())
SIGN_COLUMNS = tuple(network_signs.c.keys())
REFUSED_COLUMNS = tuple(refused_progress.c.keys())
