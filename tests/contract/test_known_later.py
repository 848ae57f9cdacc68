"""A faulty segment that becomes known later has its network ordered once, however often and by whom it is heard."""

import asyncio

import pytest

from services.dispatcher.handlers import OrderDesk
from services.dispatcher.noc.store import queue
from shared.auth.principal import Principal
from shared.contracts import facts as f
from shared.contracts import progress as p
from shared.db.port import Database
from shared.ids import NetworkCode, TicketId
from shared.testing.clock import START, ManualClock
from shared.tickets.store import entries
from tests.cases import accepted, issued
from tests.contract.test_overlooked import happened, orders, ticket
from tests.registry import BEIJING, CHUXIONG, KUNMING

BOTH_ENDS = (issued(network=CHUXIONG), issued(network=BEIJING))
AT_WORK = (*BOTH_ENDS, accepted(network=CHUXIONG), accepted(network=BEIJING))
NAMED = f.ReportJoined("down", "they say it is in Kunming", START, segment="backbone-1")
DIAGNOSED = p.Progressed(stage="diagnosed", segment="backbone-1", note="dark from Kunming on")


async def says(desk: OrderDesk, id: TicketId, network: NetworkCode, said: p.Progress) -> None:
    await desk.progress(id, network, said, by=Principal("network", network), request=None)


async def test_further_report_that_names_the_segment_orders_its_network_once_however_often_it_is_heard(
    store: Database, clock: ManualClock, desk: OrderDesk
) -> None:
    id = await ticket(store, clock, *BOTH_ENDS, NAMED)
    heard = await entries(store, id)
    assert [(await desk.on_events(heard)).issued for _ in range(2)] == [1, 0]
    assert await orders(store, id) == {CHUXIONG: "issued", BEIJING: "issued", KUNMING: "issued"}


async def test_report_and_what_a_further_one_names_heard_together_go_straight_to_the_fault(
    store: Database, clock: ManualClock, desk: OrderDesk
) -> None:
    id = await ticket(store, clock, NAMED)
    await desk.on_events(await entries(store, id))
    assert await orders(store, id) == {KUNMING: "issued"}


async def test_further_report_that_names_no_segment_calls_for_nothing(
    store: Database, clock: ManualClock, desk: OrderDesk
) -> None:
    id = await ticket(store, clock, f.ReportJoined("down", "still dark", START))
    assert (await desk.on_events((await entries(store, id))[1:])).tickets == 0
    assert await orders(store, id) == {}


async def test_two_networks_that_find_it_at_once_have_its_network_ordered_once(
    store: Database, clock: ManualClock, desk: OrderDesk
) -> None:
    id = await ticket(store, clock, *AT_WORK)
    await asyncio.gather(*(says(desk, id, network, DIAGNOSED) for network in (CHUXIONG, BEIJING)))
    assert await orders(store, id) == {CHUXIONG: "accepted", BEIJING: "accepted", KUNMING: "issued"}
    assert (await happened(store, id)).count("order.issued") == len(BOTH_ENDS) + 1


@pytest.mark.parametrize(
    ("segment", "home", "left"),
    [
        ("backbone-1", KUNMING, {CHUXIONG: "accepted", BEIJING: "accepted", KUNMING: "declined"}),
        ("z-lan", BEIJING, {CHUXIONG: "accepted", BEIJING: "declined"}),
    ],
)
async def test_what_was_found_and_declined_waits_for_the_noc_while_who_found_it_is_at_work(
    store: Database, clock: ManualClock, desk: OrderDesk, segment: str, home: NetworkCode, left: dict[str, str]
) -> None:
    id = await ticket(store, clock, *AT_WORK)
    await says(desk, id, CHUXIONG, p.Progressed(stage="diagnosed", segment=segment))
    await says(desk, id, home, p.Declined(reason="not_our_segment"))
    ((waiting, _),) = await queue(store, after=(-(2**62), ""), most=10)
    assert (waiting.id, waiting.unroutable) == (id, f"fault known in {segment}; {home}: not_our_segment")
    assert await orders(store, id) == left
