"""A ticket that can't be routed lands in the NOC's queue, once, and can be routed by hand."""

import pytest

from tests.centers import House
from tests.registry import BEIJING, FOREIGN, KUNMING, LOST
from tests.waiting import until


@pytest.mark.parametrize("circuit", [LOST, FOREIGN])
async def test_unroutable_ticket_waits_in_the_nocs_queue_once(any_center: House, circuit: str) -> None:
    ticket = await any_center.customer.report(circuit)
    await until(lambda: _is_queued(any_center, ticket))
    await any_center.hear_everything_again()
    assert await any_center.operator.queue() == [ticket]
    assert await any_center.operator.facts(ticket) == ["ticket.reported", "ticket.unroutable"]


async def test_routed_by_hand_it_is_ordered_and_leaves_the_queue(any_center: House) -> None:
    ticket = await any_center.customer.report(LOST)
    await until(lambda: _is_queued(any_center, ticket))
    await any_center.operator.route(ticket, BEIJING, KUNMING)
    await any_center.ordered(ticket, BEIJING, KUNMING)
    assert await any_center.operator.queue() == []
    assert (await any_center.network(KUNMING).orders())[0]["id"] == f"{ticket}.{KUNMING}"


async def _is_queued(center: House, ticket: str) -> bool:
    return ticket in await center.operator.queue()
