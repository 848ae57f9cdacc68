"""The dispatcher's own tables: what each local network has to do, and what was refused."""

from sqlalchemy import BigInteger, Column, Index, Table, Text

from shared.db.schema import metadata

# One row an order, a projection of the ticket's facts; `data` is the latest OrderIssued as JSON.
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
)
by_network = Index("ix_repair_orders_network", repair_orders.c.network, repair_orders.c.issued_at, repair_orders.c.id)

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

ORDER_COLUMNS = ("id", "ticket", "network", "state", "issued_at", "updated_at", "data")
REFUSED_COLUMNS = tuple(refused_progress.c.keys())
