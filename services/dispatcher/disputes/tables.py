"""The suspensions that a duty manager has to decide on."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from shared.db.schema import metadata

# A row a suspension, by its entry, while it is undecided: a projection of the ticket's `doubts`. `data` is the
# suspension and what is said against it, as it is shown.
disputed_suspensions = Table(
    "disputed_suspensions",
    metadata,
    Column("ticket", Text, primary_key=True),
    Column("suspension", Integer, primary_key=True),
    Column("account", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("data", Text, nullable=False),
)
by_age = Index(
    "ix_disputed_suspensions_at", disputed_suspensions.c.at, disputed_suspensions.c.ticket,
    disputed_suspensions.c.suspension,
)  # fmt: skip

DISPUTED_COLUMNS = tuple(disputed_suspensions.c.keys())
