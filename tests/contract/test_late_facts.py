"""While the broker is away, customers follow from the outbox; what the bus brings in the end is not told twice."""

from datetime import timedelta

import pytest

from services.notifier.handlers.late import BATCH, LATE, Late
from shared.db.postgres import PostgresDatabase
from shared.testing.clock import ManualClock
from shared.testing.receiver import Receiver
from tests.cases import notes
from tests.notifying import Notifier, Tickets, notifier


@pytest.fixture
def happens(postgres_store: PostgresDatabase, clock: ManualClock) -> Tickets:
    return Tickets(postgres_store, clock)


def late(one: Notifier) -> Late:
    return Late(one.database, one.feeder, one.clock, one.counts)


async def test_what_is_not_published_in_time_is_delivered_all_the_same(
    postgres_store: PostgresDatabase, clock: ManualClock, happens: Tickets
) -> None:
    async with Receiver() as customer, notifier(postgres_store, clock) as one:
        await one.subscribe(customer)
        first = await happens.open()
        more = await happens.happen(first.ticket, *notes(3))
        clock.advance(LATE)
        await late(one).feed()
        await customer.until(lambda: len(customer.hooks) == 4)
        await one.feed(first, *more)
        await one.settle()
    assert customer.seqs(first.ticket) == [1, 2, 3, 4]


async def test_what_is_on_its_way_is_left_to_the_bus(
    postgres_store: PostgresDatabase, clock: ManualClock, happens: Tickets
) -> None:
    async with notifier(postgres_store, clock) as one:
        await happens.open()
        clock.advance(LATE - timedelta(milliseconds=1))
        await late(one).feed()
        assert await one.fed() == []


async def test_backlog_of_many_batches_is_fed_once_and_in_order(
    postgres_store: PostgresDatabase, clock: ManualClock, happens: Tickets
) -> None:
    async with notifier(postgres_store, clock) as one:
        first = await happens.open()
        await happens.happen(first.ticket, *notes(2 * BATCH))
        clock.advance(LATE)
        feeding = late(one)
        await feeding.feed()
        await happens.happen(first.ticket, *notes(1))
        clock.advance(LATE)
        await feeding.feed()
        assert await one.fed() == [(first.ticket, seq) for seq in range(1, 2 * BATCH + 3)]


async def test_what_the_bus_brought_before_is_not_fed_again(
    postgres_store: PostgresDatabase, clock: ManualClock, happens: Tickets
) -> None:
    """Published, and not deleted yet."""
    async with notifier(postgres_store, clock) as one:
        first = await happens.open()
        await one.feed(first)
        clock.advance(LATE)
        await late(one).feed()
        assert await one.fed() == [(first.ticket, 1)]
