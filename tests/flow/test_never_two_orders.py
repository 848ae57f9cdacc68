"""One repair order per network and ticket, never two, however often an event is delivered."""

from tests.centers import House
from tests.registry import BEIJING, CHUXIONG, FAR, PLAIN, SHANGHAI, XIAN


async def test_event_that_is_delivered_again_orders_nothing(any_center: House) -> None:
    far, plain = await any_center.report(FAR, CHUXIONG, BEIJING), await any_center.report(PLAIN[0], SHANGHAI, XIAN)
    before = [await any_center.operator.log(ticket) for ticket in (far, plain)]
    await any_center.hear_everything_again()
    assert [await any_center.operator.log(ticket) for ticket in (far, plain)] == before


async def test_further_report_of_the_same_outage_orders_nothing(any_center: House) -> None:
    ticket = await any_center.report(FAR, CHUXIONG, BEIJING)
    assert await any_center.customer.report(FAR) == ticket
    await any_center.all_heard()
    assert [order["ticket"] for order in await any_center.network(BEIJING).orders()] == [ticket]
    assert (await any_center.operator.facts(ticket)).count("order.issued") == 2


async def test_everything_delivered_again_after_a_whole_life_changes_nothing(any_center: House) -> None:
    ticket = await any_center.accepted(FAR, CHUXIONG, BEIJING)
    await any_center.network(BEIJING).restore(ticket)
    await any_center.customer.reopen(ticket)
    await any_center.ordered(ticket, BEIJING)
    before = await any_center.operator.log(ticket)
    await any_center.hear_everything_again()
    assert await any_center.operator.log(ticket) == before
