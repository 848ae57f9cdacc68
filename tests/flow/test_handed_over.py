"""A network whose segment it is not hands the order over: it goes to the right network directly."""

from tests.centers import House, states
from tests.registry import BEIJING, CHUXIONG, FAR, KUNMING


async def test_handed_over_by_segment_the_order_goes_directly_to_its_network(any_center: House) -> None:
    ticket = await any_center.report(FAR, CHUXIONG, BEIJING)
    await any_center.network(CHUXIONG).hand_over(ticket, segment="backbone-1", reason="light is fine up to Kunming")
    found = await any_center.ordered(ticket, BEIJING, KUNMING)
    assert states(found) == {CHUXIONG: "handed_over", BEIJING: "issued", KUNMING: "issued"}
    (order,) = await any_center.network(KUNMING).orders()
    assert (order["segments"], order["kind"]) == (["backbone-1"], "repair")
    await any_center.network(KUNMING).accept(ticket)


async def test_helper_that_is_handed_the_repair_has_an_order_to_repair(any_center: House) -> None:
    ticket = await any_center.report(FAR, CHUXIONG, BEIJING)
    for network in (CHUXIONG, BEIJING):
        await any_center.network(network).accept(ticket)
    await any_center.network(BEIJING).assist(ticket, of=KUNMING)
    await any_center.ordered(ticket, BEIJING, CHUXIONG, KUNMING)
    await any_center.network(KUNMING).accept(ticket)
    await any_center.network(BEIJING).hand_over(ticket, to=KUNMING, reason="it is dark from you on")
    (order,) = await any_center.network(KUNMING).orders()
    assert (order["kind"], order["state"]) == ("repair", "issued")
    assert order["reason"] == f"handed over by {BEIJING}: it is dark from you on"
    await any_center.network(KUNMING).accept(ticket)
