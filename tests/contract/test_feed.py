"""The feed: every event once, at positions that a reader's cursor can trust, however many processes feed it."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from services.notifier.store import feed, feeding
from services.notifier.store.feed import Scope
from shared.contracts.event import Event
from shared.db.port import Database
from shared.db.postgres import PostgresDatabase
from shared.testing.clock import ManualClock
from tests.cases import notes
from tests.notifying import Notifier, Tickets, notifier
from tests.waiting import until


async def follow(store: Database, count: int) -> list[Event]:
    """What a cursor sees that only ever goes forward."""
    seen: list[Event] = []
    after, _ = await feed.bounds(store)
    after = max(after - 1, 0)
    while len(seen) < count:
        for placed in await feed.page(store, Scope(), after=after, most=7):
            assert placed.position is not None
            seen.append(placed.event)
            after = placed.position
        await asyncio.sleep(0)
    return seen


async def test_cursor_misses_nothing_while_several_processes_feed(store: Database, clock: ManualClock) -> None:
    happens = Tickets(store, clock)
    firsts = [await happens.open() for _ in range(8)]
    logs = [[first, *await happens.happen(first.ticket, *notes(19))] for first in firsts]
    async with AsyncExitStack() as stack:
        feeders = [await stack.enter_async_context(notifier(store, clock)) for _ in firsts]
        reading = asyncio.create_task(follow(store, 160))
        await asyncio.gather(*(_feed_one_by_one(f, log) for f, log in zip(feeders, logs, strict=True)))
        seen = await reading
    assert len({event.id for event in seen}) == 160
    for first in firsts:
        assert [e.seq for e in seen if e.ticket == first.ticket] == list(range(1, 21))


async def test_same_events_fed_by_two_processes_at_once_are_there_once(store: Database, clock: ManualClock) -> None:
    happens = Tickets(store, clock)
    first = await happens.open()
    log = [first, *await happens.happen(first.ticket, *notes(9))]
    async with notifier(store, clock) as one, notifier(store, clock) as other:
        await asyncio.gather(one.feed(*log), other.feed(*log))
        assert await one.fed() == [(first.ticket, seq) for seq in range(1, 11)]


@pytest.mark.parametrize("mark", [0, 1])
async def test_mark_that_rises_while_a_process_waits_for_its_turn_is_not_passed_over(
    mark: int, postgres_store: PostgresDatabase, clock: ManualClock
) -> None:
    happens = Tickets(postgres_store, clock)
    first = await happens.open()
    log = [first, *await happens.happen(first.ticket, *notes(3))]
    other = await postgres_store.connect()
    async with notifier(postgres_store, clock) as feeder:
        await feeder.feed(*log[:mark])
        await other.execute("BEGIN")
        await other.execute("SELECT pg_advisory_xact_lock($1)", feeding.LOCK_KEY)
        feeds = asyncio.create_task(feeder.feed(*log[mark:]))
        await until(lambda: _somebody_waits(other))
        for event in log[mark : mark + 2]:
            row = (event.ticket, event.seq)
            await other.execute("INSERT INTO feed (ticket, seq, account, at) VALUES ($1, $2, 'a', 0)", *row)
            await other.execute(
                "INSERT INTO feed_marks VALUES ($1, $2) ON CONFLICT (ticket) DO UPDATE SET seq = $2", *row
            )
        await other.execute("COMMIT")
        await feeds
        assert await feeder.fed() == [(first.ticket, seq) for seq in range(1, 5)]
    await other.close()


async def test_feeding_that_is_cancelled_is_finished_all_the_same(store: Database, clock: ManualClock) -> None:
    first = await Tickets(store, clock).open()
    async with notifier(store, clock) as one:
        feeds = asyncio.create_task(one.feed(first))
        for _ in range(3):
            await asyncio.sleep(0)  # its transaction is under way
        feeds.cancel()
        with pytest.raises(asyncio.CancelledError):
            await feeds
        await one.feeder.finish()
        assert await one.fed() == [(first.ticket, 1)]


async def _somebody_waits(connection: Any) -> bool:
    waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted"
    return bool(await connection.fetchval(waiting, feeding.LOCK_KEY))


async def _feed_one_by_one(feeder: Notifier, log: list[Event]) -> None:
    for event in log:
        await feeder.feed(event)
