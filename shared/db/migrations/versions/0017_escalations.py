"""The level of an open escalation beside the ticket's state. Nothing was escalated before."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("tickets", sa.Column("escalated", sa.Text))
    waits = sa.text("escalated IS NOT NULL")
    op.create_index("ix_tickets_escalated", "tickets", ["rank_at", "id"], postgresql_where=waits, sqlite_where=waits)
