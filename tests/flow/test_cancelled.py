"""Cancelling a ticket stands every network down."""

from tests.centers import House, states
from tests.registry import BEIJING, CHUXIONG, FAR


async def test_cancelling_stands_all_networks_down(any_center: House) -> None:
    ticket = await any_center.report(FAR, CHUXIONG, BEIJING)
    await any_center.network(BEIJING).accept(ticket)
    assert (await any_center.customer.cancel(ticket))["status"] == "cancelled"
    cancelled = await any_center.ordered(ticket)
    assert states(cancelled) == {CHUXIONG: "stood_down", BEIJING: "stood_down"}
    assert await any_center.network(BEIJING).orders(state="live") == []


async def test_cancelled_before_it_was_dispatched_it_is_never_ordered(any_center: House) -> None:
    ticket = await any_center.customer.report(FAR)
    await any_center.customer.cancel(ticket)
    await any_center.all_heard()
    assert await any_center.ordered(ticket)
    assert [order for order in await any_center.network(BEIJING).orders() if order["state"] != "stood_down"] == []
