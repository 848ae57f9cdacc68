"""Tiers: what the queues are sorted by, tier reviews, early warnings, signs of life of local networks.

Tickets and orders there are already get the targets of the policy that ships with this version, counted from their
opening. The defaults stay: an instance of the version before may still write rows while this one starts.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
# Tier → hours to restore when down, hours otherwise, minutes of head start: the default policy of this version.
TARGETS = {
    "diamond": (2, 4, 60), "jade": (2, 4, 50), "platinum": (4, 8, 40), "gem": (4, 8, 30), "gold": (5, 12, 15),
}  # fmt: skip
OTHERS = (8, 24, 0)


def upgrade() -> None:
    for table in ("tickets", "repair_orders"):
        op.add_column(table, sa.Column("tier", sa.Text, nullable=False, server_default="crystal"))
        op.add_column(table, sa.Column("breach_at", sa.BigInteger, nullable=False, server_default="0"))
        op.add_column(table, sa.Column("rank_at", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("repair_orders", sa.Column("restored_at", sa.BigInteger))
    _rank_what_is_there()
    _indexes()
    _tables()


def _rank_what_is_there() -> None:
    for tier, (down, otherwise, head_start) in {**TARGETS, "crystal": OTHERS}.items():
        whose = f"account IN (SELECT id FROM accounts WHERE tier = '{tier}')" if tier in TARGETS else "breach_at = 0"
        target = f"CASE WHEN impact = 'down' THEN {down * HOUR_MS} ELSE {otherwise * HOUR_MS} END"
        op.execute(
            f"UPDATE tickets SET tier = '{tier}', breach_at = opened_at + {target}, "
            f"rank_at = opened_at + {target} - {head_start * MINUTE_MS} WHERE {whose}"
        )
    of_ticket = ", ".join(
        f"{name} = coalesce((SELECT {name} FROM tickets t WHERE t.id = repair_orders.ticket), {name})"
        for name in ("tier", "breach_at", "rank_at")
    )
    op.execute(f"UPDATE repair_orders SET {of_ticket}")
    op.execute("UPDATE repair_orders SET restored_at = updated_at WHERE state = 'restored'")


def _indexes() -> None:
    unroutable = sa.text("unroutable IS NOT NULL")
    op.drop_index("ix_tickets_unroutable", "tickets")
    op.create_index(
        "ix_tickets_unroutable", "tickets", ["rank_at", "id"], postgresql_where=unroutable, sqlite_where=unroutable
    )
    op.create_index("ix_tickets_circuit", "tickets", ["circuit", "opened_at"])
    op.drop_index("ix_repair_orders_network", "repair_orders")
    op.create_index("ix_repair_orders_network", "repair_orders", ["network", "rank_at", "id"])
    live = sa.text("state IN ('issued', 'accepted')")
    op.create_index(
        "ix_repair_orders_live", "repair_orders", ["network", "rank_at", "id"], postgresql_where=live, sqlite_where=live
    )
    restored = sa.text("restored_at IS NOT NULL")
    op.create_index(
        "ix_repair_orders_restored", "repair_orders", ["restored_at"], postgresql_where=restored, sqlite_where=restored
    )


def _tables() -> None:
    op.create_table(
        "tier_reviews",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("at", sa.BigInteger, primary_key=True),
        sa.Column("as_of", sa.Text, nullable=False),
        sa.Column("scheme", sa.Text, nullable=False),
        sa.Column("spend", sa.Text),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("verdict", "before", "after", "why", "actor")),
    )
    op.create_table(
        "sweeps",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("looked_until", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "warnings",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("kind", "subject", "mark")),
        sa.Column("account", sa.Text),
        sa.Column("raised_at", sa.BigInteger, nullable=False),
        sa.Column("quiet_until", sa.BigInteger, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )
    op.create_index("ix_warnings_raised_at", "warnings", ["raised_at", "kind", "subject"])
    op.create_table(
        "network_signs",
        sa.Column("network", sa.Text, primary_key=True),
        sa.Column("looked_at", sa.BigInteger),
        sa.Column("spoke_at", sa.BigInteger),
    )
