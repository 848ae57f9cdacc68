"""The list of suspensions that a duty manager has to decide on. Those of before are on it once they are disputed."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "disputed_suspensions",
        sa.Column("ticket", sa.Text, primary_key=True),
        sa.Column("suspension", sa.Integer, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_index("ix_disputed_suspensions_at", "disputed_suspensions", ["at", "ticket", "suspension"])
