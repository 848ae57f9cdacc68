"""The first schema: ticket log and state, inbox, outbox, registry, orders, subscriptions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _tickets()
    _transport()
    _registry()
    _orders()
    _progress_out()


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("circuit", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("impact", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("over_at", sa.BigInteger),
        sa.Column("unroutable", sa.Text),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    is_open = sa.text("over_at IS NULL")
    op.create_index(
        "ux_tickets_open_circuit", "tickets", ["circuit"], unique=True, postgresql_where=is_open, sqlite_where=is_open
    )
    unroutable = sa.text("unroutable IS NOT NULL")
    op.create_index(
        "ix_tickets_unroutable",
        "tickets",
        ["opened_at", "id"],
        postgresql_where=unroutable,
        sqlite_where=unroutable,
    )
    op.create_index("ix_tickets_account", "tickets", ["account", "opened_at", "id"])
    op.create_index("ix_tickets_opened_at", "tickets", ["opened_at", "id"])
    op.create_table(
        "ticket_log",
        sa.Column("ticket", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
    )


def _transport() -> None:
    op.create_table(
        "inbox",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("ticket", sa.Text),
        sa.Column("seq", sa.Integer),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_inbox_at", "inbox", ["at"])
    op.create_table(
        "outbox",
        sa.Column("position", POSITION, sa.Identity(always=True), primary_key=True),
        sa.Column("ticket", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
    )
    op.create_table(
        "bus_positions",
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("position", POSITION, nullable=False),
    )


def _registry() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name_zh", "name_en", "sector", "tier")),
    )
    op.create_table(
        "networks",
        sa.Column("code", sa.Text, primary_key=True),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("name_zh", "name_en", "province_zh", "province_en")),
    )
    op.create_table(
        "circuits",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("service", sa.Text, nullable=False),
        sa.Column("bandwidth_mbps", sa.Integer, nullable=False),
        sa.Column("protected", sa.Boolean, nullable=False),
        *(
            sa.Column(name, sa.Text, nullable=False)
            for name in ("a_network", "a_site", "z_network", "z_site", "segments")
        ),
    )
    op.create_index("ix_circuits_account", "circuits", ["account", "id"])
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
    )
    op.create_table(
        "registry_version",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
    )


def _orders() -> None:
    op.create_table(
        "repair_orders",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("ticket", sa.Text, nullable=False),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("issued_at", sa.BigInteger, nullable=False),
        sa.Column("updated_at", sa.BigInteger, nullable=False),
        sa.Column("accepted_at", sa.BigInteger),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_index("ix_repair_orders_network", "repair_orders", ["network", "issued_at", "id"])
    op.create_table(
        "refused_progress",
        sa.Column("source", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("network", sa.Text, nullable=False),
        sa.Column("order_id", sa.Text),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_refused_progress_at", "refused_progress", ["at", "source", "id"])


def _progress_out() -> None:
    op.create_table(
        "feed",
        sa.Column("position", POSITION, sa.Identity(always=True), primary_key=True),
        sa.Column("ticket", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("ticket", "seq", name="uq_feed_ticket"),
    )
    op.create_index("ix_feed_account", "feed", ["account", "position"])
    op.create_table(
        "feed_marks",
        sa.Column("ticket", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
    )
    op.create_index("ix_subscriptions_account", "subscriptions", ["account", "created_at", "id"])
    op.create_table(
        "lanes",
        sa.Column("subscription", sa.Text, primary_key=True),
        sa.Column("ticket", sa.Text, primary_key=True),
        sa.Column("acked_seq", sa.Integer, nullable=False),
        sa.Column("last_seq", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("claim", sa.Text),
    )
    is_due = sa.text("due_at IS NOT NULL")
    op.create_index("ix_lanes_due", "lanes", ["due_at"], postgresql_where=is_due, sqlite_where=is_due)
    op.create_table(
        "dead_letters",
        sa.Column("subscription", sa.Text, primary_key=True),
        sa.Column("ticket", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
