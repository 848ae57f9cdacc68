"""Of each ticket, whether the customer heard in time, and whether the fault report was given in time."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    for promise in ("update", "report"):
        op.add_column("measures", sa.Column(f"{promise}_verdict", sa.Text))
