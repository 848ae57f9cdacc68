"""Whoever finds the fault goes on; the network whose segment it is has its order in the same moment."""

from tests.centers import House, states
from tests.people import done
from tests.registry import BEIJING, CHUXIONG, FAR, KUNMING
from tests.wire import Wire, progress

FOUND = {"stage": "diagnosed", "segment": "backbone-1", "note": "light is fine up to Kunming"}
ORDERED = {CHUXIONG: "accepted", BEIJING: "accepted", KUNMING: "issued"}


async def test_network_of_the_segment_that_another_found_is_ordered_with_what_was_found(any_center: House) -> None:
    ticket = await any_center.accepted(FAR, CHUXIONG, BEIJING)
    await any_center.network(CHUXIONG).progress(ticket, **FOUND)
    assert states(await any_center.operator.ticket(ticket)) == ORDERED
    (order,) = await any_center.network(KUNMING).orders()
    assert (order["kind"], order["segments"]) == ("repair", ["backbone-1"])
    assert order["reason"] == f"fault known in backbone-1; found by {CHUXIONG}: light is fine up to Kunming"
    for network in (KUNMING, BEIJING):
        await any_center.network(network).say("accept", ticket)
    await any_center.network(KUNMING).restore(ticket)
    assert states(await any_center.operator.ticket(ticket)) == {
        CHUXIONG: "stood_down", BEIJING: "stood_down", KUNMING: "restored",
    }  # fmt: skip


async def test_what_is_found_over_kafka_orders_its_network_too(production: House, wire: Wire) -> None:
    ticket = await production.accepted(FAR, CHUXIONG, BEIJING)
    said = progress(CHUXIONG, "progressed", f"{ticket}.{CHUXIONG}", **FOUND)
    await wire.publish(said, said)
    await production.all_heard()
    assert states(await production.operator.ticket(ticket)) == ORDERED
    assert (await production.operator.facts(ticket)).count("order.issued") == 3


async def test_segment_that_a_further_report_names_has_its_network_ordered(any_center: House) -> None:
    ticket = await any_center.report(FAR, CHUXIONG, BEIJING)
    assert await any_center.customer.report(FAR, segment="backbone-1") == ticket
    found = await any_center.ordered(ticket, CHUXIONG, BEIJING, KUNMING)
    assert (found["segment"], found["fault_segment"]) == ("backbone-1", None)
    await any_center.hear_everything_again()
    assert (await any_center.operator.facts(ticket)).count("order.issued") == 3


async def test_noc_sees_what_two_networks_leave_to_each_other_and_leaves_it_to_one(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    await embedded.network(CHUXIONG).decline(ticket, "not_our_segment")
    await embedded.network(BEIJING).progress(ticket, "diagnosed", segment="a-metro")
    assert await embedded.operator.queue() == [ticket]
    assert states(await embedded.operator.ticket(ticket)) == {CHUXIONG: "declined", BEIJING: "accepted"}
    route = {"networks": [BEIJING], "reason": "Chuxiong has no crew tonight: go there"}
    done(await embedded.operator.post(f"/v1/tickets/{ticket}/route", route))
    assert await embedded.operator.queue() == []
    (order,) = await embedded.network(BEIJING).orders()
    assert (order["state"], order["reason"]) == ("issued", route["reason"])
