"""Mass faults and their tickets, and the index of late orders among which they are found."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "mass_faults",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("latest_at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_mass_faults_network", "mass_faults", ["network", "latest_at"])
    op.create_index("ix_mass_faults_began_at", "mass_faults", ["began_at", "id"])
    op.create_table(
        "mass_fault_tickets",
        sa.Column("ticket", sa.Text, primary_key=True),
        sa.Column("fault", sa.Text, nullable=False),
    )
    op.create_index("ix_mass_fault_tickets_fault", "mass_fault_tickets", ["fault", "ticket"])
    live = sa.text("state IN ('issued', 'accepted')")
    op.create_index(
        "ix_repair_orders_recent", "repair_orders", ["network", "issued_at"], postgresql_where=live, sqlite_where=live
    )
