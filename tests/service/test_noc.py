"""The NOC: the queue of what can't be routed, routing by hand, rejecting, and what was refused."""

from datetime import timedelta

import pytest

from shared.clock import rfc3339
from shared.testing.clock import START
from tests.centers import House, live, states
from tests.people import done
from tests.registry import BEIJING, CHUXIONG, FAR, FOREIGN, KUNMING, LOST, NEAR
from tests.waiting import until


async def unroutable(center: House, circuit: str = LOST) -> str:
    ticket = await center.customer.report(circuit)
    await until(lambda: _is_queued(center, ticket))
    return ticket


async def test_queue_is_oldest_first_by_page_and_says_why(any_center: House) -> None:
    first = await unroutable(any_center, FOREIGN)
    any_center.clock.advance(timedelta(minutes=1))
    second = await unroutable(any_center, LOST)
    queue = await any_center.operator.items("/v1/noc/queue", limit=1)
    assert [ticket["id"] for ticket in queue] == [first, second]
    assert "responsible" in queue[0]["awaiting_routing"]
    assert "0999" in queue[1]["awaiting_routing"]


async def test_cancelled_ticket_leaves_the_queue(embedded: House) -> None:
    ticket = await unroutable(embedded)
    await embedded.customer.cancel(ticket)
    assert await embedded.operator.queue() == []


async def test_rejected_ticket_leaves_the_queue_and_is_over(embedded: House) -> None:
    ticket = await unroutable(embedded)
    rejected = done(await embedded.operator.post(f"/v1/tickets/{ticket}/reject", {"reason": "not our service"}))
    assert (rejected["status"], await embedded.operator.queue()) == ("rejected", [])
    assert await embedded.customer.report(LOST) != ticket


async def test_rejecting_stands_the_ordered_networks_down(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    done(await embedded.operator.post(f"/v1/tickets/{ticket}/reject", {"reason": "planned work"}))
    assert states(await embedded.ordered(ticket)) == {CHUXIONG: "stood_down", BEIJING: "stood_down"}


async def test_ticket_under_repair_can_not_be_rejected(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    answer = await embedded.operator.post(f"/v1/tickets/{ticket}/reject", {"reason": "planned work"})
    assert answer.status_code == 409
    assert "cancel" in answer.json()["legal"]


async def test_routing_by_hand_adds_to_those_at_work(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    routed = await embedded.operator.route(ticket, BEIJING, KUNMING, KUNMING)
    assert states(routed) == {CHUXIONG: "accepted", BEIJING: "accepted", KUNMING: "issued"}
    (order,) = await embedded.network(KUNMING).orders()
    assert (order["segments"], order["reason"]) == (["backbone-1"], "routed by hand")


async def test_routing_by_hand_orders_a_network_again_that_declined(embedded: House) -> None:
    ticket = await embedded.report(NEAR, KUNMING)
    await embedded.network(KUNMING).decline(ticket)
    await embedded.operator.route(ticket, KUNMING)
    assert await embedded.operator.queue() == []
    assert live(await embedded.customer.ticket(ticket)) == [KUNMING]


async def test_routing_to_those_at_work_only_is_no_move_and_says_what_is(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    answer = await embedded.operator.post(f"/v1/tickets/{ticket}/route", {"networks": [BEIJING]})
    assert answer.status_code == 409
    assert answer.json()["legal"] == ["accept", "cancel", "reject"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"networks": []}, "networks"),
        ({"networks": ["0999"]}, "networks.0"),
        ({"networks": [BEIJING, "Kunming"]}, "networks.1"),
        ({"networks": "010"}, "networks"),
        ({}, "networks"),
        ({"networks": [BEIJING], "reason": ""}, "reason"),
        ({"networks": [BEIJING], "reason": "x", "colour": 1}, "colour"),
    ],
)
async def test_routing_that_is_wrong_names_the_field(embedded: House, body: object, field: str) -> None:
    ticket = await unroutable(embedded)
    answer = await embedded.operator.post(f"/v1/tickets/{ticket}/route", body)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/noc/queue"),
        ("GET", "/v1/noc/refused-progress"),
        ("POST", "/v1/tickets/VT261121-7K3QM9XA/route"),
        ("POST", "/v1/tickets/VT261121-7K3QM9XA/reject"),
    ],
)
async def test_nocs_doors_are_the_operators_only(embedded: House, method: str, path: str) -> None:
    for caller, status in ((embedded.customer, 403), (embedded.network(BEIJING), 403), (embedded.nobody, 401)):
        assert (await caller.send(method, path, json={"networks": [BEIJING], "reason": "x"})).status_code == status


async def _is_queued(center: House, ticket: str) -> bool:
    return ticket in await center.operator.queue()


async def test_queue_shows_tier_and_breach_time(embedded: House) -> None:
    await unroutable(embedded)
    (ticket,) = await embedded.operator.items("/v1/noc/queue")
    assert (ticket["tier"], ticket["breach_at"]) == ("diamond", rfc3339(START + timedelta(hours=2)))
