"""What the embedded bus does beyond the contract: the consumers of a center read its log together."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.bus import embedded
from shared.bus.embedded import AFTER, LAST, MOST, POSITION, EmbeddedEvents, Tail
from shared.contracts.event import Event
from shared.db.sqlite import SqliteDatabase
from shared.db.statement import Query
from shared.ids import TicketId
from tests.buses import EmbeddedBus
from tests.cases import notes

CONSUMERS = 3


class Reads:
    """How often a database was asked for the log."""

    def __init__(self, store: SqliteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        self._fetch = store.fetch
        monkeypatch.setattr(store, "fetch", self._counted)

    async def _counted(self, query: Query, **params: Any) -> Any:
        self.count += query is AFTER
        return await self._fetch(query, **params)


async def test_log_is_read_once_for_all_consumers(
    sqlite_store: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    bus = EmbeddedBus(sqlite_store)
    readers = [bus.reader(str(number)) for number in range(CONSUMERS)]
    (id,) = await bus.open()
    for reader in readers:
        await reader.read(1)
    reads = Reads(sqlite_store, monkeypatch)
    for number in range(2, 12):
        await bus.append(id)
        for reader in readers:
            await reader.read(number)
    assert [reader.seen for reader in readers] == [{id: list(range(1, 12))}] * CONSUMERS
    assert reads.count == 10


async def test_all_that_was_said_at_once_is_there_without_another_word(sqlite_store: SqliteDatabase) -> None:
    bus, events = EmbeddedBus(sqlite_store), EmbeddedEvents(sqlite_store, "one", Tail(sqlite_store))
    (id,) = await bus.open()
    await bus.append(id, *notes(2 * MOST))
    async with asyncio.timeout(0.5):
        assert [len(await events.poll()) for _ in range(3)] == [MOST, MOST, 1]


async def test_where_a_consumer_is_gets_durable_while_it_waits_and_never_goes_back(
    sqlite_store: SqliteDatabase,
) -> None:
    bus, tail = EmbeddedBus(sqlite_store), Tail(sqlite_store)
    await bus.open(3)
    before = EmbeddedEvents(sqlite_store, "one", tail)
    assert len(await before.poll()) == 3
    await before.done()
    assert [len(await before.poll()) for _ in range(2)] == [0, 0]
    assert await _saved(sqlite_store, 3)
    after = EmbeddedEvents(sqlite_store, "one", tail)
    assert await after.poll() == []
    assert await after.behind() == 0
    await after.close()
    assert await _saved(sqlite_store, 3)


async def _saved(store: SqliteDatabase, position: int) -> bool:
    return [row["position"] for row in await store.fetch(POSITION, consumer="one")] == [position]


class Walk:
    """A consumer that is polled only while the log has something for it."""

    def __init__(self, events: EmbeddedEvents) -> None:
        self._events = events
        self.seen: list[tuple[TicketId, int]] = []

    async def on(self) -> Sequence[Event]:
        events = await self._events.poll()
        self.seen += [(event.ticket, event.seq) for event in events]
        await self._events.done()
        return events

    async def to(self, length: int) -> None:
        while len(self.seen) < length:
            await self.on()


@pytest.mark.parametrize("held", [1, 7, embedded.HELD])
@given(steps=st.lists(st.integers(0, CONSUMERS), max_size=40))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_each_is_given_everything_once_and_in_order_however_they_take_turns(
    sqlite_store: SqliteDatabase, monkeypatch: pytest.MonkeyPatch, held: int, steps: list[int]
) -> None:
    """Step 0 adds to the log, any other lets that consumer poll; `held` is how much of the log is kept for the rest."""
    monkeypatch.setattr(embedded, "HELD", held)
    bus, tail = EmbeddedBus(sqlite_store), Tail(sqlite_store)
    before = (await sqlite_store.fetch(LAST))[0]["position"] or 0
    walks = [Walk(EmbeddedEvents(sqlite_store, f"walk-{before}-{number}", tail)) for number in range(CONSUMERS)]
    (id,) = await bus.open()
    written = [(id, 1)]
    for walk in walks:
        await walk.to(1 + before)
        walk.seen.clear()
    for step in steps:
        if step == 0:
            await bus.append(id)
            written.append((id, len(written) + 1))
        elif len(walks[step - 1].seen) < len(written) - 1:
            await walks[step - 1].on()
    for walk in walks:
        await walk.to(len(written) - 1)
        assert walk.seen == written[1:]
