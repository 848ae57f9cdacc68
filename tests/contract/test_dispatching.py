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


async def test_events_that_met_a_database_that_was_away_come_again(sqlite_path: Path, clock: ManualClock) -> None:
    store = SqliteDatabase(sqlite_path, patience_s=0.5)
    id = await ticket(store, clock, issued(network=BEIJING), f.TicketCancelled("a mistake"))
    events = await entries(store, id)
    desk = OrderDesk(store, await loaded(store), clock, history=History)
    with closing(sqlite3.connect(sqlite_path)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await desk.on_events(events[-1:])
    await desk.on_events(events[-1:])
    assert await orders(store, id) == {BEIJING: "stood_down"}
    await desk.close()
    await store.close()
