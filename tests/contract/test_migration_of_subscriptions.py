"""Webhooks of before there were channels go on as they were, and their secrets do not stay in the clear."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import create_engine

from services.notifier.model.preferences import EVERYTHING, Preferences
from services.notifier.store import subscriptions
from shared.db.migrate import config, migrate
from shared.db.sqlite import SqliteDatabase
from shared.testing.clock import ManualClock
from tests.cases import ACCOUNT
from tests.notifying import VAULT, subscription_desk

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Two subscriptions as version 0007 wrote them: one to everything, one to two types."""
    path = tmp_path / "vrc.sqlite3"
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        command.upgrade(config(connection), "0007")
    engine.dispose()
    connection = sqlite3.connect(path)
    for number, events in enumerate(["[]", '["order.issued","ticket.restored"]']):
        row = (f"sub_{number}", ACCOUNT, "https://example.com/hook", SECRET, events, 1)
        connection.execute("INSERT INTO subscriptions VALUES (?, ?, ?, ?, ?, ?, NULL)", row)
    connection.commit()
    connection.close()
    return path


async def test_webhooks_of_before_are_what_they_were(old: Path, clock: ManualClock) -> None:
    migrate(f"sqlite:///{old}")
    store = SqliteDatabase(old)
    found = await subscriptions.by_ids(store, ["sub_0", "sub_1"])
    assert {s.channel for s in found.values()} == {"webhook"}
    assert {s.target for s in found.values()} == {"https://example.com/hook"}
    assert found["sub_0"].preferences is EVERYTHING
    assert found["sub_1"].preferences == Preferences(events=frozenset({"order.issued", "ticket.restored"}))
    await store.close()


async def test_secrets_of_before_are_sealed_when_the_notifier_starts(old: Path, clock: ManualClock) -> None:
    migrate(f"sqlite:///{old}")
    store = SqliteDatabase(old)
    for _ in range(2):
        await subscription_desk(store, clock).seal_former_secrets()
    found = await subscriptions.by_ids(store, ["sub_0"])
    assert VAULT.open(found["sub_0"].keys.secret, of="sub_0") == SECRET
    await store.close()
    connection = sqlite3.connect(old)
    assert SECRET not in "".join(connection.iterdump())
    connection.close()
