"""What Kafka lost after it had acknowledged it: customers are told all the same, once, and in the ticket's order."""

from datetime import timedelta

import pytest

from services.notifier.handlers.lost import BATCH, STRETCH, TOLD_WITHIN, Lost
from shared.contracts import facts as f
from shared.db.postgres import PostgresDatabase
from shared.testing.clock import ManualClock
from shared.testing.receiver import Receiver
from tests.cases import notes
from tests.notifying import Notifier, Tickets, notifier

CANCELLED = f.TicketCancelled("reported by mistake")


@pytest.fixture
def happens(postgres_store: PostgresDatabase, clock: ManualClock) -> Tickets:
    return Tickets(postgres_store, clock)


def lost(one: Notifier, *, stretch: int = STRETCH) -> Lost:
    return Lost(one.database, one.feeder, one.clock, one.counts, stretch=stretch)


async def test_what_no_event_told_of_is_delivered_in_order(
    postgres_store: PostgresDatabase, clock: ManualClock, happens: Tickets
) -> None:
    async with Receiver() as customer, notifier(postgres_store, clock) as one:
        await one.subscribe(customer)
        unheard = await happens.open()
        told = await happens.open()
        await one.feed(told)
        await happens.happen(unheard.ticket, *notes(1))
        await happens.happen(told.ticket, *notes(2))
        clock.advance(TOLD_WITHIN)
        await lost(one).feed()
        await customer.until(lambda: len(customer.hooks) == 5)
        await one.settle()
        assert one.count("vrc_feed_overlooked_total") == 4
    assert customer.seqs(unheard.ticket) == [1, 2]
    assert customer.seqs(told.ticket) == [1, 2, 3]


async def test_what_comes_after_all_is_not_told_twice(
    postgres_store: PostgresDatabase, clock: ManualClock, happens: Tickets
) -> None:
    async with notifier(postgres_store, clock) as one:
        first = await happens.open()
        clock.advance(TOLD_WITHIN)
        await lost(one).feed()
        await one.feed(first)
        assert await one.fed() == [(first.ticket, 1)]


async def test_what_may_be_on_its_way_is_left_to_the_bus(
    postgres_store: PostgresDatabase, clock: ManualClock, happens: Tickets
) -> None:
    async with notifier(postgres_store, clock) as one:
        await happens.open()
        clock.advance(TOLD_WITHIN - timedelta(milliseconds=1))
        await lost(one).feed()
        assert await one.fed() == []


async def test_end_of_a_ticket_is_told_too(
    postgres_store: PostgresDatabase, clock: ManualClock, happens: Tickets
) -> None:
    """It is open no more: found by the walk through all tickets, a stretch at a time, which then begins anew."""
    async with notifier(postgres_store, clock) as one:
        looking = lost(one, stretch=2)
        over = [await happens.open() for _ in range(5)]
        for ticket in over:
            await one.feed(ticket, *await happens.happen(ticket.ticket, CANCELLED))
        fed = len(await one.fed())
        unheard = [await happens.open() for _ in range(2)]
        for ticket in unheard:
            await happens.happen(ticket.ticket, CANCELLED)
        clock.advance(TOLD_WITHIN)
        for _ in range(4):
            await looking.feed()
        assert sorted((await one.fed())[fed:]) == sorted((ticket.ticket, seq) for ticket in unheard for seq in (1, 2))
        late = await happens.open()
        await happens.happen(late.ticket, CANCELLED)
        clock.advance(TOLD_WITHIN)
        for _ in range(4):
            await looking.feed()
        assert (await one.fed())[-2:] == [(late.ticket, 1), (late.ticket, 2)]


async def test_all_of_many_lost_tickets_are_fed_at_one_look(
    postgres_store: PostgresDatabase, clock: ManualClock, happens: Tickets
) -> None:
    async with notifier(postgres_store, clock) as one:
        await happens.open_many(BATCH + 2)
        clock.advance(TOLD_WITHIN)
        await lost(one).feed()
        assert len(await one.fed()) == BATCH + 2
