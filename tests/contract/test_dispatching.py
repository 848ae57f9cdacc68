"""Events that could not be dispatched because the database was away are not passed over."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from services.dispatcher.handlers import OrderDesk
from services.dispatcher.prediction.history import History
from shared.contracts import facts as f
from shared.db.sqlite import SqliteDatabase
from shared.errors import Unavailable
from shared.registry.following import loaded
from shared.testing.clock import ManualClock
from shared.tickets.store import entries
from tests.cases import issued
from tests.contract.test_overlooked import orders, ticket
from tests.registry import BEIJING


async def test_events_that_met_a_database_that_was_away_come_again(
    sqlite_store: SqliteDatabase, sqlite_path: Path, clock: ManualClock
) -> None:
    id = await ticket(sqlite_store, clock, issued(network=BEIJING), f.TicketCancelled("a mistake"))
    events, registry = await entries(sqlite_store, id), await loaded(sqlite_store)
    patient = OrderDesk(sqlite_store, registry, clock, history=History)
    sqlite_store.patience_s = 0.2
    hurried = OrderDesk(sqlite_store, registry, clock, history=History)
    with closing(sqlite3.connect(sqlite_path)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await hurried.on_events(events[-1:])
    await patient.on_events(events[-1:])
    assert await orders(sqlite_store, id) == {BEIJING: "stood_down"}
    await hurried.close()
    await patient.close()
