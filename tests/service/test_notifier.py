"""The notifier as a running part: from the log to the receiver by itself, through stops, crashes and bad moments."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from services.notifier import service
from services.notifier.service import NotifierService
from shared.bus.embedded import EmbeddedEvents, Tail
from shared.bus.port import Events
from shared.contracts.event import Event
from shared.db.sqlite import SqliteDatabase
from shared.errors import Unavailable
from shared.health import Health
from shared.metrics import Metrics
from shared.testing.clock import ManualClock
from shared.testing.receiver import Answer, Receiver
from tests.cases import notes
from tests.keys import only_its_own
from tests.notifying import NAMES, SECRET, SETTINGS, Tickets, subscribe
from tests.waiting import until


def log_of(store: SqliteDatabase) -> EmbeddedEvents:
    return EmbeddedEvents(store, "notifier", Tail(store))


@asynccontextmanager
async def running(
    store: SqliteDatabase, clock: ManualClock, *, events: Events | None = None, metrics: Metrics | None = None
) -> AsyncIterator[NotifierService]:
    one = NotifierService(
        store, clock, events=events or log_of(store), readers=only_its_own, names=NAMES,
        secrets=SECRET, settings=SETTINGS, metrics=metrics or Metrics(), health=Health(),
    )  # fmt: skip
    await one.start()
    yield one
    await one.stop()


async def test_report_becomes_a_webhook_by_itself(sqlite_store: SqliteDatabase, clock: ManualClock) -> None:
    happens = Tickets(sqlite_store, clock)
    async with Receiver() as receiver, running(sqlite_store, clock):
        await subscribe(sqlite_store, clock, receiver)
        first = await happens.open()
        await happens.happen(first.ticket, *notes(3))
        await receiver.until(4)
        assert receiver.seqs(first.ticket) == [1, 2, 3, 4]
        assert all(hook.signed for hook in receiver.hooks)


async def test_what_happened_while_it_was_stopped_is_delivered_later(
    sqlite_store: SqliteDatabase, clock: ManualClock
) -> None:
    happens = Tickets(sqlite_store, clock)
    async with Receiver() as receiver:
        async with running(sqlite_store, clock):
            await subscribe(sqlite_store, clock, receiver)
            first = await happens.open()
            await receiver.until(1)
        await happens.happen(first.ticket, *notes(2))
        async with running(sqlite_store, clock):
            await receiver.until(3)
        assert receiver.seqs(first.ticket) == [1, 2, 3]


async def test_after_a_crash_nothing_waits_for_the_claims_of_before(
    sqlite_store: SqliteDatabase, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STOP_WITHIN_S", 0.05)
    happens = Tickets(sqlite_store, clock)
    async with Receiver("hang") as receiver, running(sqlite_store, clock):
        await subscribe(sqlite_store, clock, receiver)
        event = await happens.open()
        await receiver.until(1)
        async with running(sqlite_store, clock):  # the clock stands still: no claim runs out
            await receiver.until(2)
        assert receiver.ids == [event.id, event.id]


async def test_stopping_waits_for_attempts_under_way(sqlite_store: SqliteDatabase, clock: ManualClock) -> None:
    happens = Tickets(sqlite_store, clock)
    metrics = Metrics()
    async with Receiver(Answer(delay_s=0.1)) as receiver:
        async with running(sqlite_store, clock, metrics=metrics):
            await subscribe(sqlite_store, clock, receiver)
            await happens.open()
            await receiver.until(1)
        async with running(sqlite_store, clock):
            pass
        assert len(receiver.hooks) == 1
    labels = {"channel": "webhook", "outcome": "delivered", "reason": "ok"}
    assert metrics.registry.get_sample_value("vrc_delivery_attempts_total", labels) == 1


async def test_stopping_does_not_wait_for_a_receiver_that_hangs(
    sqlite_store: SqliteDatabase, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "STOP_WITHIN_S", 0.05)
    happens = Tickets(sqlite_store, clock)
    async with asyncio.timeout(10), Receiver("hang") as receiver, running(sqlite_store, clock):
        await subscribe(sqlite_store, clock, receiver)
        await happens.open()
        await receiver.until(1)


class Flaky:
    """A bus that has bad moments."""

    def __init__(self, events: Events, *moments: Exception) -> None:
        self._events = events
        self._moments = list(moments)

    async def poll(self) -> Sequence[Event]:
        if self._moments:
            raise self._moments.pop()
        return await self._events.poll()

    async def done(self) -> None:
        await self._events.done()

    async def close(self) -> None:
        await self._events.close()


async def test_bad_moments_of_the_bus_pass(sqlite_store: SqliteDatabase, clock: ManualClock) -> None:
    happens = Tickets(sqlite_store, clock)
    bus = Flaky(log_of(sqlite_store), RuntimeError("a defect"), Unavailable("away"))
    async with Receiver() as receiver, running(sqlite_store, clock, events=bus):
        await subscribe(sqlite_store, clock, receiver)
        await happens.open()
        await receiver.until(1)


async def test_scrape_counts_what_is_due_from_the_record(sqlite_store: SqliteDatabase, clock: ManualClock) -> None:
    happens, metrics = Tickets(sqlite_store, clock), Metrics()
    async with Receiver(otherwise=Answer(500)) as receiver, running(sqlite_store, clock, metrics=metrics):
        await subscribe(sqlite_store, clock, receiver)
        await happens.open()
        await until(lambda: metrics.registry.get_sample_value("vrc_feed_events_total") == 1)
        page = (await metrics.page()).decode()
    assert "vrc_feed_events_total 1.0" in page
    assert "vrc_delivery_lanes_due 0.0" in page
    assert "vrc_streams_open 0.0" in page
