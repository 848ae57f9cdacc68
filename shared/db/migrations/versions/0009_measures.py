"""What was measured of each ticket. Empty at first: the dispatcher walks through all tickets and measures them."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "measures",
        sa.Column("ticket", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("head", sa.LargeBinary, nullable=False),
        sa.Column("rules", sa.Integer, nullable=False),
        *(_text(name) for name in ("account", "circuit")),
        sa.Column("service", sa.Text),
        *(_text(name) for name in ("tier", "impact", "status")),
        *(
            sa.Column(name, sa.Text)
            for name in ("network", "province", "segment", "segment_kind", "cause", "remedy_code", "policy")
        ),
        *(_number(name) for name in ("opened_at", "reported_at")),
        *(sa.Column(name, sa.BigInteger) for name in ("accepted_at", "restored_at", "over_at")),
        *(sa.Column(name, sa.BigInteger) for name in ("time_to_repair", "counted", "restore_target")),
        sa.Column("verdict", sa.Text),
        *(sa.Column(name, sa.BigInteger) for name in ("response", "response_target")),
        sa.Column("response_verdict", sa.Text),
        *(_number(name) for name in ("pending", "held")),
        *(
            sa.Column(name, sa.BigInteger)
            for name in ("take_in", "dispatch", "acceptance", "diagnosis", "repair", "confirmation")
        ),
        *(sa.Column(name, sa.Integer, nullable=False) for name in ("reports", "reopened", "chases", "escalations")),
        sa.Column("unacknowledged", sa.Text),
        sa.Column("fault_report_at", sa.BigInteger),
    )
    restored = sa.text("restored_at IS NOT NULL")
    for name, columns in (("restored_at", ["restored_at"]), ("account", ["account", "restored_at"])):
        op.create_index(f"ix_measures_{name}", "measures", columns, postgresql_where=restored, sqlite_where=restored)
    op.create_table(
        "network_shares",
        sa.Column("ticket", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        *(_text(name) for name in ("order", "network")),
        _number("began_at"),
        sa.Column("accepted_at", sa.BigInteger),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("ended_by", sa.Text),
        _number("counted"),
    )
    op.create_index("ix_network_shares_network", "network_shares", ["network", "ended_at"])
    op.create_table(
        "measured_counts",
        *(sa.Column(name, sa.Text, primary_key=True) for name in ("ticket", "kind", "which")),
        sa.Column("n", sa.Integer, nullable=False),
        _number("ms"),
    )
    op.create_table("measuring", sa.Column("name", sa.Text, primary_key=True), _text("walked_to"), _number("due_at"))


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)
