"""Subscriptions have a standing and two secrets while one is replaced; lanes replay; every attempt is kept a while."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LANE = "subscription, ticket, acked_seq, last_seq, attempts, due_at, claim"


def upgrade() -> None:
    with op.batch_alter_table("subscriptions") as table:
        table.add_column(sa.Column("generation", sa.Integer, nullable=False, server_default="1"))
        table.add_column(sa.Column("former_secret", sa.Text, nullable=False, server_default=""))
        for name in ("former_until", "failing_since", "disabled_at"):
            table.add_column(sa.Column(name, sa.BigInteger))
        for name in ("warned", "disabled_for"):
            table.add_column(sa.Column(name, sa.Text))
    _index("ix_subscriptions_trouble", "subscriptions", ["failing_since"], where="failing_since IS NOT NULL")
    _lanes()
    op.add_column("dead_letters", sa.Column("replayed_at", sa.BigInteger))
    op.create_index("ix_dead_letters_subscription", "dead_letters", ["subscription", "at", "ticket", "seq"])
    op.create_index("ix_dead_letters_at", "dead_letters", ["at"])
    _attempts()


def _lanes() -> None:
    """A new key needs a new table: SQLite can't change one."""
    op.create_table(
        "lanes_with_runs",
        sa.Column("subscription", sa.Text, primary_key=True),
        sa.Column("ticket", sa.Text, primary_key=True),
        sa.Column("acked_seq", sa.Integer, nullable=False),
        sa.Column("last_seq", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("claim", sa.Text),
        sa.Column("run", sa.Text, primary_key=True, server_default=""),
    )
    op.execute(f"INSERT INTO lanes_with_runs ({LANE}) SELECT {LANE} FROM lanes")
    op.drop_table("lanes")
    op.rename_table("lanes_with_runs", "lanes")
    _index("ix_lanes_due", "lanes", ["due_at"], where="due_at IS NOT NULL")
    _index("ix_lanes_replays", "lanes", ["subscription", "run"], where="run <> ''")


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("number", POSITION, sa.Identity(always=True), primary_key=True),
        sa.Column("subscription", sa.Text, nullable=False),
        sa.Column("ticket", sa.Text, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("upto", sa.Integer, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("took_ms", sa.Integer, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("reference", sa.Text, nullable=False),
    )
    op.create_index("ix_attempts_subscription", "attempts", ["subscription", "number"])
    op.create_table(
        "notices",
        sa.Column("account", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
    )


def _index(name: str, table: str, columns: list[str], *, where: str) -> None:
    op.create_index(name, table, columns, postgresql_where=sa.text(where), sqlite_where=sa.text(where))
