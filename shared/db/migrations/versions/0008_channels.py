"""A subscription says its channel, and what it wants is one document. Webhooks of before are what they were.

Their secrets are sealed by the notifier at its next start: a migration has no master key.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    with op.batch_alter_table("subscriptions") as table:
        table.alter_column("url", new_column_name="target")
        table.add_column(sa.Column("channel", sa.Text, nullable=False, server_default="webhook"))
        table.add_column(sa.Column("preferences", sa.Text, nullable=False, server_default="{}"))
    op.execute("""UPDATE subscriptions SET preferences = '{"events":' || events || '}' WHERE events <> '[]'""")
    with op.batch_alter_table("subscriptions") as table:
        table.drop_column("events")
