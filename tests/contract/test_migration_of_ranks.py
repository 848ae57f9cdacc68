"""Tickets and orders that were there before ranks were kept have one afterwards: by their opening, tier and impact."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine

from shared.clock import to_ms
from shared.db.migrate import config, migrate
from shared.testing.clock import START

HOUR, MINUTE = 3_600_000, 60_000
OPENED = to_ms(START)
TICKET = "INSERT INTO tickets VALUES (?, ?, ?, 'acknowledged', ?, ?, ?, NULL, NULL, x'00', '{}')"
ORDER = "INSERT INTO repair_orders VALUES (?, ?, '010', ?, ?, ?, NULL, '{}')"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """As the first version left it: a diamond's, a crystal's and an unknown account's ticket, and their orders."""
    path = tmp_path / "vrc.sqlite3"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(config(connection), "0001")
    engine.dispose()
    connection = sqlite3.connect(path)
    for account, tier in (("a", "diamond"), ("b", "crystal")):
        connection.execute("INSERT INTO accounts VALUES (?, '', '', 'other', ?)", (account, tier))
    for number, (account, impact) in enumerate([("a", "down"), ("b", "degraded"), ("gone", "down")]):
        connection.execute(TICKET, (f"T{number}", account, f"C{number}", impact, OPENED, OPENED))
        connection.execute(ORDER, (f"T{number}.010", f"T{number}", "restored" if number else "issued", OPENED, OPENED))
    connection.commit()
    connection.close()
    return path


def test_what_was_there_before_has_a_rank(old: Path) -> None:
    migrate(f"sqlite:///{old}")
    connection = sqlite3.connect(old)
    columns = f"tier, (breach_at - {OPENED}) / {MINUTE}, (rank_at - {OPENED}) / {MINUTE}"
    found = connection.execute(f"SELECT {columns} FROM tickets ORDER BY id").fetchall()
    assert found == [("diamond", 120, 60), ("crystal", 1440, 1440), ("crystal", 480, 480)]
    assert connection.execute(f"SELECT {columns} FROM repair_orders ORDER BY id").fetchall() == found
    assert connection.execute("SELECT restored_at FROM repair_orders ORDER BY id").fetchall() == [
        (None,), (OPENED,), (OPENED,)
    ]  # fmt: skip
    connection.close()
