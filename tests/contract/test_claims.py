"""Lanes that several want at once: what was due first goes first, and nobody waits for somebody who waits for him."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from services.notifier.handlers.recording import Recorder, Writing
from services.notifier.handlers.room import TOTAL
from services.notifier.model.lane import Claim, DeadLetter, Record, waiting
from services.notifier.pipeline.job import Settled
from services.notifier.store import lanes
from services.notifier.store.lanes import Kept, Stale
from shared.db.port import Database, Tx
from shared.db.postgres import PostgresDatabase
from shared.testing.clock import ManualClock
from shared.testing.receiver import Receiver
from tests.notifying import CLAIM_FOR, Notifier, Tickets, notifier
from tests.waiting import somebody_waits_for, until

MINUTE = timedelta(minutes=1)


async def two_claims(one: Notifier, happens: Tickets, receiver: Receiver) -> list[Claim]:
    """In the order in which lanes are locked; `receiver` answers nobody."""
    receiver.otherwise = "hang"
    subscription = await one.subscribe(receiver)
    await one.feed(*[await happens.open() for _ in range(2)])
    return [Claim(subscription, row["ticket"], row["claim"], 0, 1) for row in await one.lanes()]


async def test_what_was_due_first_is_taken_up_first(
    one: Notifier, store: Database, happens: Tickets, receiver: Receiver
) -> None:
    now = one.clock.now()
    late, early = await two_claims(one, happens, receiver)
    for claim, due_in in (late, 30 * MINUTE), (early, MINUTE):
        record = waiting(claim, now + due_in)
        await store.transact(lambda tx, record=record: lanes.record(tx, [record], now))
    (first,) = await lanes.due(store, now + 60 * MINUTE, full=(), most=1)
    assert first.key == early.key


async def test_claims_that_are_void_are_due_at_once_and_what_waits_waits_on(
    one: Notifier, store: Database, happens: Tickets, receiver: Receiver
) -> None:
    now = one.clock.now()
    held, waits = await two_claims(one, happens, receiver)
    await store.transact(lambda tx: lanes.record(tx, [waiting(waits, now + MINUTE)], now))
    await store.transact(lambda tx: lanes.free_all(tx, now))
    assert [due.key for due in await lanes.due(store, now, full=(), most=9)] == [held.key]


async def test_records_of_several_lanes_at_once_never_lock_each_other_out(
    postgres_store: PostgresDatabase, clock: ManualClock, receiver: Receiver
) -> None:
    now, happens = clock.now(), Tickets(postgres_store, clock)
    async with notifier(postgres_store, clock) as one:
        first, last = (waiting(claim, now) for claim in await two_claims(one, happens, receiver))

        async def record_while_they_wait(tx: Tx) -> asyncio.Task[Sequence[Kept | Stale]]:
            await lanes.record(tx, [first], now)
            both = asyncio.create_task(postgres_store.transact(lambda other: lanes.record(other, [last, first], now)))
            await until(lambda: somebody_waits_for(tx))
            await lanes.record(tx, [last], now)
            return both

        assert await (await postgres_store.transact(record_while_they_wait)) == [Stale(), Stale()]


async def test_look_does_not_wait_for_a_lane_that_somebody_is_writing(
    postgres_store: PostgresDatabase, clock: ManualClock, receiver: Receiver
) -> None:
    happens = Tickets(postgres_store, clock)
    async with notifier(postgres_store, clock) as one:
        await one.subscribe(receiver, digest_min=1)
        await one.feed(*[await happens.open() for _ in range(2)])

        async def look_meanwhile(tx: Tx) -> int:
            await tx.raw.execute("SELECT FROM lanes ORDER BY ticket LIMIT 1 FOR UPDATE")
            return await one.look(MINUTE)

        assert await postgres_store.transact(look_meanwhile) == 1
        await one.settle()
        assert one.deliveries.room().free == TOTAL  # also that of the lane which it did not get


async def test_record_and_its_dead_letters_are_written_together_or_not_at_all(
    one: Notifier, store: Database, happens: Tickets, receiver: Receiver
) -> None:
    claim, _ = await two_claims(one, happens, receiver)
    recorder = Recorder(store, one.clock, one.counts, claim_for=CLAIM_FOR)
    nameless: Any = None
    record = Record(claim, 1, 0, one.clock.now(), keep=True, dead=[DeadLetter(1, nameless, 9)])
    with pytest.raises(Exception, match=r"(?i)null"):
        await recorder.write(Writing(Settled(record), reads_on=False))
    assert [lane["acked_seq"] for lane in await one.lanes()] == [0, 0]
