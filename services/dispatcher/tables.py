"""What each local network has to do, and what the dispatcher has to look for."""

from sqlalchemy import BigInteger, Column, Index, Table, Text, text

from shared.db.schema import metadata, partial

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
live = partial(
    "ix_repair_orders_live",
    repair_orders.c.network,
    repair_orders.c.rank_at,
    repair_orders.c.id,
    where=is_live,
)
recent = partial(
    "ix_repair_orders_recent",
    repair_orders.c.network,
    repair_orders.c.issued_at,
    where=is_live,
)
has_restored = text("restored_at IS NOT NULL")
by_restoration = partial("ix_repair_orders_restored", repair_orders.c.restored_at, where=has_restored)

# When each sweep is due, and up to which instant it has looked.
sweeps = Table(
    "sweeps",
    metadata,
    Column("name", Text, primary_key=True),
    Column("due_at", BigInteger, nullable=False),
    Column("looked_until", BigInteger, nullable=False),
)
