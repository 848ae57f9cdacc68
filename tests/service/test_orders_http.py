"""A local network's HTTP door: its orders, and every verb on them."""

from datetime import timedelta
from typing import Any

import pytest

from shared.clock import rfc3339
from shared.testing.clock import START
from tests.centers import House, live, states
from tests.people import done
from tests.registry import BEIJING, CHUXIONG, DALI, FAR, KUNMING, NEAR, OTHERS, PLAIN, SHANGHAI, TAILED, XIAN

VERBS: dict[str, dict[str, Any]] = {
    "accept": {},
    "decline": {"reason": "no_resources"},
    "progress": {"stage": "on_site"},
    "suspend": {"reason": "spares"},
    "resume": {},
    "assist": {"of": DALI},
    "hand-over": {"to": DALI},
    "restore": {},
}


async def test_order_has_all_that_a_network_needs_to_work(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING, contact="王芳")
    (order,) = await embedded.network(CHUXIONG).orders()
    expected = {
        "id": f"{ticket}.{CHUXIONG}", "ticket": ticket, "network": CHUXIONG, "kind": "repair", "state": "issued",
        "segments": ["a-access", "a-metro"], "circuit": FAR, "impact": "down", "description": "No light at site A",
        "round": 1, "issued_at": rfc3339(START), "accepted_at": None,
    }  # fmt: skip
    assert expected.items() <= order.items()
    assert order["contact"]["name"] == "王芳"
    assert done(await embedded.network(CHUXIONG).get(f"/v1/orders/{order['id']}")) == order


async def test_accepting_starts_the_work(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    expected = rfc3339(START + timedelta(hours=2))
    order = await embedded.network(CHUXIONG).accept(ticket, engineer="李娜", expected_restoration_at=expected)
    assert (order["state"], order["accepted_at"]) == ("accepted", rfc3339(START))
    found = await embedded.customer.ticket(ticket)
    assert (found["status"], found["expected_restoration_at"]) == ("inProgress", expected)


async def test_empty_body_will_do_where_nothing_must_be_said(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    order = done(await embedded.network(CHUXIONG).post(f"/v1/orders/{ticket}.{CHUXIONG}/accept"))
    assert order["state"] == "accepted"


async def test_declined_by_one_the_other_goes_on(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    await embedded.network(CHUXIONG).decline(ticket, "not_our_segment")
    found = await embedded.customer.ticket(ticket)
    assert states(found) == {CHUXIONG: "declined", BEIJING: "issued"}
    assert await embedded.operator.queue() == []


async def test_declined_by_all_the_ticket_waits_in_the_nocs_queue_once(any_center: House) -> None:
    ticket = await any_center.report(FAR, CHUXIONG, BEIJING)
    await any_center.network(CHUXIONG).decline(ticket)
    await any_center.network(BEIJING).accept(ticket)
    await any_center.network(BEIJING).decline(ticket)
    await any_center.all_heard()
    assert await any_center.operator.queue() == [ticket]
    assert (await any_center.operator.facts(ticket)).count("ticket.unroutable") == 1


async def test_progress_tells_the_customer_where_the_fault_is(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    expected = rfc3339(START + timedelta(hours=1))
    said = {"segment": "backbone-1", "note": "no light from Kunming", "expected_restoration_at": expected}
    order = await embedded.network(CHUXIONG).progress(ticket, "diagnosed", **said)
    assert order["stage"] == "diagnosed"
    found = await embedded.customer.ticket(ticket)
    assert (found["fault_segment"], found["expected_restoration_at"]) == ("backbone-1", expected)
    (progressed,) = [e for e in await embedded.customer.log(ticket) if e["type"] == "order.progressed"]
    assert progressed["data"]["note"] == "no light from Kunming"


@pytest.mark.parametrize(
    ("reason", "status"),
    [("customer_unavailable", "pending"), ("no_site_access", "pending"), ("third_party", "held"), ("spares", "held")],
)
async def test_suspended_waits_for_the_customer_or_inside_and_is_resumed(
    embedded: House, reason: str, status: str
) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    await embedded.network(CHUXIONG).suspend(ticket, reason, evidence="gate closed")
    found = await embedded.customer.ticket(ticket)
    assert found["status"] == status
    assert found["suspension"]["reason"] == reason
    await embedded.network(CHUXIONG).resume(ticket)
    resumed = await embedded.customer.ticket(ticket)
    assert (resumed["status"], resumed["suspension"]) == ("inProgress", None)


async def test_network_that_leaves_takes_its_suspension_along(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    await embedded.network(CHUXIONG).suspend(ticket, "customer_unavailable")
    await embedded.network(CHUXIONG).decline(ticket)
    assert (await embedded.customer.ticket(ticket))["status"] == "inProgress"


async def test_assistance_is_an_order_to_the_other_network(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    await embedded.network(CHUXIONG).assist(ticket, of=DALI)
    (order,) = await embedded.network(DALI).orders()
    assert (order["kind"], order["state"], order["ticket"]) == ("assistance", "issued", ticket)
    assert await embedded.network(DALI).accept(ticket)
    assert live(await embedded.customer.ticket(ticket)) == sorted([CHUXIONG, BEIJING, DALI])


async def test_assistance_of_a_network_at_work_already_is_no_second_order(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    await embedded.network(CHUXIONG).assist(ticket, of=BEIJING)
    (order,) = await embedded.network(BEIJING).orders()
    assert (order["kind"], order["state"]) == ("repair", "accepted")
    assert (await embedded.customer.facts(ticket))[-1] == "order.assistance_requested"


@pytest.mark.parametrize(("said", "to"), [({"segment": "backbone-2"}, XIAN), ({"to": DALI}, DALI)])
async def test_handed_over_by_segment_or_by_name(embedded: House, said: dict[str, str], to: str) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    order = await embedded.network(CHUXIONG).hand_over(ticket, **said)
    assert order["state"] == "handed_over"
    assert live(await embedded.customer.ticket(ticket)) == sorted([BEIJING, to])


async def test_handed_over_to_a_network_at_work_already_is_no_second_order(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    await embedded.network(CHUXIONG).hand_over(ticket, segment="z-access")
    assert states(await embedded.customer.ticket(ticket)) == {CHUXIONG: "handed_over", BEIJING: "issued"}
    assert len(await embedded.network(BEIJING).orders()) == 1


async def test_handed_back_the_first_network_is_ordered_again(embedded: House) -> None:
    ticket = await embedded.report(NEAR, KUNMING)
    await embedded.network(KUNMING).hand_over(ticket, to=DALI)
    await embedded.network(DALI).hand_over(ticket, to=KUNMING)
    assert states(await embedded.customer.ticket(ticket)) == {DALI: "handed_over", KUNMING: "issued"}
    (order,) = await embedded.network(KUNMING).orders()
    assert order["state"] == "issued"


async def test_restored_ends_the_time_to_repair_and_stands_the_others_down(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    await embedded.network(BEIJING).suspend(ticket, "spares")
    embedded.clock.advance(timedelta(hours=1))
    at = rfc3339(START + timedelta(minutes=50))
    await embedded.network(CHUXIONG).restore(ticket, cause="fibre", restored_at=at)
    found = await embedded.customer.ticket(ticket)
    assert (found["status"], found["restored_at"], found["suspension"]) == ("resolved", at, None)
    assert states(found) == {CHUXIONG: "restored", BEIJING: "stood_down"}
    sla = done(await embedded.customer.get(f"/v1/tickets/{ticket}/sla"))
    assert (sla["restored_at"], sla["time_to_repair_ms"], sla["held_ms"]) == (at, 50 * 60_000, {"spares": 50 * 60_000})


async def test_restored_by_a_clock_that_is_ahead_is_restored_now(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    await embedded.network(CHUXIONG).restore(ticket, restored_at=rfc3339(START + timedelta(seconds=30)))
    assert (await embedded.customer.ticket(ticket))["restored_at"] == rfc3339(START)


@pytest.mark.parametrize("verb", VERBS)
async def test_order_that_is_at_an_end_moves_no_more(embedded: House, verb: str) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    await embedded.network(CHUXIONG).restore(ticket)
    for code, legal in ((CHUXIONG, ["fault-report"]), (BEIJING, [])):
        answer = await embedded.network(code).say(verb, ticket, **VERBS[verb])
        assert (answer.status_code, answer.json()["code"], answer.json()["legal"]) == (409, "illegal_move", legal)


@pytest.mark.parametrize("verb", ["progress", "suspend", "resume", "assist", "restore"])
async def test_order_must_be_accepted_first(embedded: House, verb: str) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    answer = await embedded.network(CHUXIONG).say(verb, ticket, **VERBS[verb])
    assert (answer.status_code, answer.json()["legal"]) == (409, ["accept", "decline", "hand-over"])


async def test_what_cannot_be_resumed_or_suspended_twice_says_what_can(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    resumed = await embedded.network(CHUXIONG).say("resume", ticket)
    assert (resumed.status_code, "suspend" in resumed.json()["legal"]) == (409, True)
    await embedded.network(CHUXIONG).suspend(ticket, "spares")
    suspended = await embedded.network(BEIJING).say("suspend", ticket, reason="spares")
    assert (suspended.status_code, "resume" in suspended.json()["legal"]) == (409, True)


@pytest.mark.parametrize("verb", VERBS)
async def test_another_networks_order_is_as_unknown_as_one_that_does_not_exist(embedded: House, verb: str) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    before = await embedded.operator.log(ticket)
    unknown = await embedded.network(CHUXIONG).say(verb, "VT261121-7K3QM9XA", **VERBS[verb])
    anothers = await embedded.network(CHUXIONG).post(f"/v1/orders/{ticket}.{BEIJING}/{verb}", VERBS[verb])
    none = await embedded.network(KUNMING).say(verb, ticket, **VERBS[verb])
    assert {(a.status_code, a.content) for a in (unknown, anothers, none)} == {(404, unknown.content)}
    assert await embedded.operator.log(ticket) == before


async def test_orders_of_another_network_are_not_to_be_read(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    anothers = await embedded.network(CHUXIONG).get(f"/v1/orders/{ticket}.{BEIJING}")
    unknown = await embedded.network(CHUXIONG).get("/v1/orders/VT261121-7K3QM9XA.0878")
    assert (anothers.status_code, anothers.content) == (404, unknown.content)
    assert (await embedded.network(CHUXIONG).get(f"/v1/networks/{BEIJING}/orders")).status_code == 404
    assert len(await embedded.operator.items(f"/v1/networks/{BEIJING}/orders")) == 1


async def test_orders_are_listed_oldest_first_by_state_and_page(any_center: House) -> None:
    tickets = []
    for circuit in PLAIN:
        tickets.append(await any_center.report(circuit, SHANGHAI, XIAN))
        any_center.clock.advance(timedelta(minutes=1))
    shanghai = any_center.network(SHANGHAI)
    await shanghai.accept(tickets[1])
    await shanghai.decline(tickets[2])
    await any_center.customer.cancel(tickets[3])
    await any_center.ordered(tickets[3])
    assert [o["ticket"] for o in await shanghai.items(f"/v1/networks/{SHANGHAI}/orders", limit=2)] == tickets
    assert [o["ticket"] for o in await shanghai.orders("live")] == [tickets[n] for n in (0, 1, 4)]
    assert [o["ticket"] for o in await shanghai.orders("declined")] == [tickets[2]]
    assert [o["ticket"] for o in await shanghai.orders("stood_down")] == [tickets[3]]


@pytest.mark.parametrize(
    ("verb", "said", "field"),
    [
        ("decline", {}, "reason"),
        ("decline", {"reason": "tired"}, "reason"),
        ("progress", {"stage": "asleep"}, "stage"),
        ("progress", {"stage": "on_site", "segment": "moon"}, "segment"),
        ("progress", {"stage": "on_site", "colour": "red"}, "colour"),
        ("progress", {"stage": "on_site", "note": "a\x00"}, "note"),
        ("suspend", {"reason": "lunch"}, "reason"),
        ("suspend", {"reason": "spares", "occurred_at": "2026-11-21T09:00:00Z"}, "occurred_at"),
        ("suspend", {"reason": "spares", "occurred_at": "2026-11-20T08:00:00Z"}, "occurred_at"),
        ("suspend", {"reason": "spares", "occurred_at": 7}, "occurred_at"),
        ("assist", {"of": "0999"}, "of"),
        ("assist", {"of": CHUXIONG}, "of"),
        ("assist", {"of": "Beijing"}, "of"),
        ("hand-over", {}, "to"),
        ("hand-over", {"to": CHUXIONG}, "to"),
        ("hand-over", {"to": "0999"}, "to"),
        ("hand-over", {"segment": "moon"}, "segment"),
        ("hand-over", {"segment": "a-access"}, "to"),
        ("restore", {"cause": "magic"}, "cause"),
        ("restore", {"restored_at": "2026-11-21T09:00:00+00:00"}, "restored_at"),
        ("restore", {"restored_at": "2026-11-20T09:00:00+00:00"}, "restored_at"),
        ("restore", {"restored_at": "2026-11-21T08:00:00"}, "restored_at"),
    ],
)
async def test_field_that_is_wrong_is_named_and_nothing_happens(
    embedded: House, verb: str, said: dict[str, Any], field: str
) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    before = await embedded.operator.log(ticket)
    answer = await embedded.network(CHUXIONG).say(verb, ticket, **said)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]
    assert await embedded.operator.log(ticket) == before


async def test_operator_speaks_for_a_network_that_telephones(embedded: House) -> None:
    ticket = await embedded.report(TAILED, "0755", SHANGHAI)
    order = done(await embedded.operator.post(f"/v1/orders/{ticket}.{SHANGHAI}/accept"))
    assert order["state"] == "accepted"
    assert (await embedded.operator.log(ticket))[-1]["actor"] == "operator:noc"


async def test_diamond_reported_later_stands_before_jade(any_center: House) -> None:
    jade = await any_center.bank.report(OTHERS[0])
    await any_center.ordered(jade, BEIJING, SHANGHAI)
    any_center.clock.advance(timedelta(minutes=5))
    diamond = await any_center.report(FAR, CHUXIONG, BEIJING)
    found = await any_center.network(BEIJING).items(f"/v1/networks/{BEIJING}/orders", limit=1, state="live")
    assert [(order["ticket"], order["tier"]) for order in found] == [(diamond, "diamond"), (jade, "jade")]
    assert found[0]["breach_at"] == rfc3339(START + timedelta(hours=2, minutes=5))
