"""When the first thing about a ticket may be due, beside its state. Tickets of before know no terms: nothing is due."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.add_column("tickets", sa.Column("look_at", sa.BigInteger))
    watched = sa.text("look_at IS NOT NULL")
    op.create_index("ix_tickets_look_at", "tickets", ["look_at", "id"], postgresql_where=watched, sqlite_where=watched)
