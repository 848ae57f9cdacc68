"""When a service was first foretold to be back, beside what was measured of the ticket. Nothing was foretold yet."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("measures", sa.Column("foretold_basis", sa.Text))
    for name in ("foretold_from", "foretold_at", "foretold_to"):
        op.add_column("measures", sa.Column(name, sa.BigInteger))
