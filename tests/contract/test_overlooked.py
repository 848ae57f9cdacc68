"""Tickets that no event told the dispatcher of are found in the database, ordered or stood down, by one dispatcher."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from services.dispatcher.follow_up.desk import FollowUps
from services.dispatcher.follow_up.rules import read_follow_up
from services.dispatcher.handlers import Dispatched, OrderDesk
from services.dispatcher.overlooked import CLOSINGS, EVERY, ORDERS, TOLD_WITHIN, WITHOUT_NETWORK, Overlooked
from services.dispatcher.projection import KeptOrders
from services.dispatcher.turns import take_turn
from shared.clock import to_ms
from shared.contracts import facts as f
from shared.contracts.satisfaction import SatisfactionAnswered
from shared.db.port import Database, Tx
from shared.db.postgres import PostgresDatabase
from shared.ids import CircuitId, TicketId, new_ticket_id
from shared.testing.clock import ManualClock
from shared.tickets import store as tickets
from shared.tickets.log import append, open_ticket
from shared.tickets.store import NewTicket
from tests.cases import ACTOR, STANDING, accepted, issued, reported, restored, save
from tests.registry import BEIJING, CHUXIONG, FAR, GRID, NEAR
from tests.waiting import somebody_waits_for, until

NOTHING = Dispatched(0, 0, 0)


@pytest.fixture
async def follow_ups(store: Database, clock: ManualClock) -> AsyncIterator[FollowUps]:
    follow_ups = FollowUps(store, clock, read_follow_up())
    yield follow_ups
    await follow_ups.close()


@pytest.fixture
def overlooked(store: Database, clock: ManualClock, desk: OrderDesk, follow_ups: FollowUps) -> Overlooked:
    return Overlooked(store, clock, desk, follow_ups)


async def ticket(store: Database, clock: ManualClock, *facts: f.Fact, circuit: str = FAR) -> TicketId:
    """Reported just now, and what happened then: the log and the state, and no event."""
    now = clock.now()
    id = new_ticket_id(now)
    opened, first = open_ticket(
        id, reported(account=GRID, circuit=CircuitId(circuit), reported_at=now), at=now, actor=ACTOR
    )
    own = [replace(fact, order=f"{id}.{fact.network}") if isinstance(fact, _OF_ORDERS) else fact for fact in facts]

    async def body(tx: Tx) -> None:
        await tickets.open_new(tx, [NewTicket(opened, first, None, STANDING)])
        if own:
            after, entries = append(opened, first.hash, own, at=now, actor=ACTOR)
            await save(tx, [after], entries, kept=KeptOrders())

    await store.transact(body)
    return id


_OF_ORDERS = (f.OrderIssued, f.OrderAccepted, f.ServiceRestored, f.OrderDeclined)


async def orders(store: Database, id: TicketId) -> dict[str, str]:
    return {order.network: order.state for order in (await tickets.get(store, id)).orders}


async def happened(store: Database, id: TicketId) -> Sequence[str]:
    return [entry.type for entry in await tickets.entries(store, id)]


async def test_ticket_that_no_event_told_of_is_ordered(
    store: Database, clock: ManualClock, overlooked: Overlooked
) -> None:
    id = await ticket(store, clock)
    clock.advance(TOLD_WITHIN)
    assert await overlooked.look_due() == Dispatched(tickets=1, issued=2, failed=0)
    assert await orders(store, id) == {BEIJING: "issued", CHUXIONG: "issued"}


async def test_what_was_said_a_moment_ago_is_left_to_its_event(
    store: Database, clock: ManualClock, overlooked: Overlooked
) -> None:
    id = await ticket(store, clock)
    clock.advance(TOLD_WITHIN - timedelta(milliseconds=1))
    assert await overlooked.look_due() == NOTHING
    assert await happened(store, id) == ["ticket.reported"]


async def test_reopened_ticket_is_ordered_again(store: Database, clock: ManualClock, overlooked: Overlooked) -> None:
    done = issued(network=BEIJING), accepted(network=BEIJING), restored(network=BEIJING, at=clock.now())
    id = await ticket(store, clock, *done, f.TicketReopened("it is down again"))
    clock.advance(TOLD_WITHIN)
    assert await overlooked.look_due() == Dispatched(tickets=1, issued=1, failed=0)
    assert await orders(store, id) == {BEIJING: "issued"}


@pytest.mark.parametrize("end", [f.TicketCancelled("a mistake"), f.TicketRejected("not ours")], ids=repr)
async def test_networks_of_a_cancelled_or_rejected_ticket_stand_down(
    store: Database, clock: ManualClock, overlooked: Overlooked, end: f.Fact
) -> None:
    id = await ticket(store, clock, issued(network=BEIJING), end)
    clock.advance(TOLD_WITHIN)
    assert await overlooked.look_due() == Dispatched(tickets=1, issued=0, failed=0)
    assert await orders(store, id) == {BEIJING: "stood_down"}


@pytest.mark.parametrize(
    "facts",
    [
        (issued(network=BEIJING),),
        (issued(network=BEIJING), accepted(network=BEIJING)),
        (f.TicketUnroutable("nobody is responsible"),),
        (issued(network=BEIJING), accepted(network=BEIJING), restored(network=BEIJING)),
        (f.TicketCancelled("a mistake"),),
    ],
)
async def test_what_waits_for_somebody_else_is_left_alone(
    store: Database, clock: ManualClock, overlooked: Overlooked, facts: Sequence[f.Fact]
) -> None:
    id = await ticket(store, clock, *facts)
    before = await happened(store, id)
    clock.advance(timedelta(days=1))
    assert await overlooked.look_due() == NOTHING
    assert await happened(store, id) == before


async def test_networks_that_were_told_a_moment_ago_are_left_to_the_event(
    store: Database, clock: ManualClock, overlooked: Overlooked
) -> None:
    id = await ticket(store, clock, issued(network=BEIJING), f.TicketCancelled("a mistake"))
    clock.advance(TOLD_WITHIN - timedelta(milliseconds=1))
    assert await overlooked.look_due() == NOTHING
    assert await orders(store, id) == {BEIJING: "issued"}


async def test_restored_tickets_are_not_even_looked_at(store: Database, clock: ManualClock) -> None:
    """There may be more of them than of all others, and each one would be locked for nothing."""
    await ticket(store, clock, issued(network=BEIJING), accepted(network=BEIJING), restored(network=BEIJING))
    waits = await ticket(store, clock, circuit=NEAR)
    rows = await store.fetch(WITHOUT_NETWORK, before=to_ms(clock.now()))
    assert [row["id"] for row in rows] == [waits]


async def test_two_dispatchers_order_once(
    store: Database, clock: ManualClock, desk: OrderDesk, follow_ups: FollowUps
) -> None:
    id = await ticket(store, clock)
    clock.advance(TOLD_WITHIN)
    found = await asyncio.gather(*(Overlooked(store, clock, desk, follow_ups).look_due() for _ in range(4)))
    assert sum(one.issued for one in found) == 2
    assert (await happened(store, id)).count("order.issued") == 2


async def test_it_is_looked_for_once_a_minute(store: Database, clock: ManualClock, overlooked: Overlooked) -> None:
    await overlooked.look_due()
    await ticket(store, clock)
    clock.advance(EVERY[ORDERS] - timedelta(milliseconds=1))
    assert await overlooked.look_due() == NOTHING
    clock.advance(timedelta(milliseconds=1))
    assert (await overlooked.look_due()).tickets == 1


DONE = issued(network=BEIJING), accepted(network=BEIJING), restored(network=BEIJING), f.TicketClosed("confirmed")


async def test_closed_ticket_that_no_event_told_of_is_asked_about_once(
    store: Database, clock: ManualClock, follow_ups: FollowUps, overlooked: Overlooked
) -> None:
    id = await ticket(store, clock, *DONE)
    for passed in (timedelta(days=2), EVERY[CLOSINGS]):
        clock.advance(passed)
        await overlooked.look_due()
        await follow_ups.look_due()
    assert (await happened(store, id)).count("ticket.follow_up_asked") == 1


async def test_ticket_that_was_closed_a_moment_ago_is_left_to_its_event(
    store: Database, clock: ManualClock, follow_ups: FollowUps, overlooked: Overlooked
) -> None:
    id = await ticket(store, clock, *DONE)
    await overlooked.look_due()
    clock.advance(timedelta(days=2))
    await follow_ups.look_due()
    assert "ticket.follow_up_asked" not in await happened(store, id)


async def test_answer_to_a_closed_ticket_is_no_reason_to_ask_again(
    store: Database, clock: ManualClock, follow_ups: FollowUps, overlooked: Overlooked
) -> None:
    id = await ticket(store, clock, *DONE, SatisfactionAnswered(satisfied=True))
    clock.advance(timedelta(days=2))
    await overlooked.look_due()
    await follow_ups.look_due()
    assert "ticket.follow_up_asked" not in await happened(store, id)


async def test_of_two_that_take_a_turn_at_once_one_has_it(postgres_store: PostgresDatabase, clock: ManualClock) -> None:
    async def take(tx: Tx) -> bool:
        return await take_turn(tx, ORDERS, clock.now(), every=EVERY[ORDERS])

    async def take_while_another_waits(tx: Tx) -> asyncio.Task[bool]:
        assert await take(tx)
        another = asyncio.create_task(postgres_store.transact(take))
        await until(lambda: somebody_waits_for(tx))
        return another

    assert await postgres_store.transact(take)
    clock.advance(EVERY[ORDERS])
    assert not await (await postgres_store.transact(take_while_another_waits))
