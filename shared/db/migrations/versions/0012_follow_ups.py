"""Follow-ups of closed tickets, and surveys. Tickets that were closed before are not asked about."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "follow_ups",
        sa.Column("ticket", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("tier", sa.Text, nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=False),
        sa.Column("look_at", sa.BigInteger),
        sa.Column("answer", sa.Text),
        sa.Column("score", sa.Integer),
        sa.Column("owner", sa.Text),
        sa.Column("case_due_at", sa.BigInteger),
    )
    watched, case = sa.text("look_at IS NOT NULL"), sa.text("case_due_at IS NOT NULL")
    op.create_index(
        "ix_follow_ups_look_at", "follow_ups", ["look_at", "ticket"], postgresql_where=watched, sqlite_where=watched
    )
    op.create_index(
        "ix_follow_ups_case", "follow_ups", ["case_due_at", "ticket"], postgresql_where=case, sqlite_where=case
    )
    op.create_index("ix_follow_ups_closed_at", "follow_ups", ["closed_at"])
    op.create_table(
        "surveys",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("quarter", sa.Text, primary_key=True),
        sa.Column("ticket", sa.Text, nullable=False),
        sa.Column("asked_at", sa.BigInteger, nullable=False),
        sa.Column("answer_by", sa.BigInteger, nullable=False),
        sa.Column("answered_at", sa.BigInteger),
        sa.Column("score", sa.Integer),
        sa.Column("comment", sa.Text),
    )
