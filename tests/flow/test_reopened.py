"""A restoration that did not hold: the network that restored is ordered again, by the same order."""

from tests.centers import House, states
from tests.registry import BEIJING, CHUXIONG, FAR


async def test_reopening_orders_the_restoring_network_again(any_center: House) -> None:
    ticket = await any_center.accepted(FAR, CHUXIONG, BEIJING)
    await any_center.network(CHUXIONG).restore(ticket)
    assert (await any_center.customer.reopen(ticket))["status"] == "inProgress"
    again = await any_center.ordered(ticket, CHUXIONG)
    assert states(again) == {CHUXIONG: "issued", BEIJING: "stood_down"}
    (order,) = await any_center.network(CHUXIONG).orders(state="live")
    assert (order["id"], order["round"]) == (f"{ticket}.{CHUXIONG}", 2)
    issued = [e["data"] for e in await any_center.operator.log(ticket) if e["type"] == "order.issued"]
    first, second = (data["scope"] for data in issued if data["network"] == CHUXIONG)
    assert first == second is not None


async def test_report_before_the_restoration_is_confirmed_reopens(any_center: House) -> None:
    ticket = await any_center.accepted(FAR, CHUXIONG, BEIJING)
    await any_center.network(CHUXIONG).restore(ticket)
    assert await any_center.customer.report(FAR) == ticket
    assert (await any_center.ordered(ticket, CHUXIONG))["reopened"] == 1
