"""A report whose faulty segment is not known goes to both ends' networks at once."""

from tests.centers import House, states
from tests.registry import BEIJING, CHUXIONG, FAR, KUNMING, NEAR


async def test_report_is_ordered_from_both_ends_networks_at_once(any_center: House) -> None:
    ticket = await any_center.customer.report(FAR)
    found = await any_center.ordered(ticket, CHUXIONG, BEIJING)
    assert states(found) == {CHUXIONG: "issued", BEIJING: "issued"}


async def test_network_that_has_both_ends_gets_one_order(any_center: House) -> None:
    ticket = await any_center.customer.report(NEAR)
    (order,) = (await any_center.ordered(ticket, KUNMING))["orders"]
    assert order["segments"] == ["a-access", "a-metro", "z-metro", "z-access"]
