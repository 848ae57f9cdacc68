"""Measures added up, and when a running ticket breaks its target. Filled by the dispatcher from what is on record."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "measure_totals",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("name", "labels")),
        sa.Column("bound", sa.BigInteger, primary_key=True, autoincrement=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("n", "ms")),
    )
    op.add_column("measuring", sa.Column("version", sa.Integer, nullable=False, server_default="0"))
    op.add_column("measures", sa.Column("breach_at", sa.BigInteger))
    runs = sa.text("breach_at IS NOT NULL")
    op.create_index(
        "ix_measures_breach_at", "measures", ["breach_at", "tier"], postgresql_where=runs, sqlite_where=runs
    )
