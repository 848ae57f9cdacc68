"""The mark of the master key that a database is under; a center writes it at its next start: a migration has no key."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "master_key",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("mark", sa.LargeBinary, nullable=False),
    )
