"""The registry's details, and every change of it as one appended row."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    has_parent = sa.text("parent IS NOT NULL")
    op.add_column("accounts", sa.Column("parent", sa.Text))
    op.add_column("accounts", sa.Column("parent_may_read", sa.Boolean, nullable=False, server_default=sa.text("false")))
    op.create_index("ix_accounts_parent", "accounts", ["parent"], postgresql_where=has_parent, sqlite_where=has_parent)
    for table in ("accounts", "networks", "circuits"):
        op.add_column(table, sa.Column("details", sa.Text))
        op.add_column(table, sa.Column("version", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.create_table(
        "registry_changes",
        sa.Column("kind", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("previous", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
    )
    op.create_index("ix_registry_changes_version", "registry_changes", ["version"])
