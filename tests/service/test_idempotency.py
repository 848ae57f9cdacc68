"""The same Idempotency-Key and body get the same answer again, marked as replayed; another body is refused."""

import asyncio
from typing import Any

import pytest

from tests.centers import House
from tests.people import Caller, done
from tests.registry import BEIJING, CHUXIONG, DALI, FAR, NEAR, OTHERS, PLAIN, SHANGHAI, XIAN

REPORT = {"circuit": FAR, "impact": "down", "description": "No light", "contact": {"name": "王芳"}, "segment": None}


async def test_same_report_again_gets_the_same_answer_marked_as_replayed(any_center: House) -> None:
    first = await any_center.customer.post("/v1/faults", REPORT, key="one")
    again = await any_center.customer.post("/v1/faults", REPORT, key="one")
    assert (again.status_code, again.content) == (201, first.content)
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len(await any_center.customer.items("/v1/tickets")) == 1


async def test_answer_is_the_same_after_the_ticket_moved_on_and_was_closed(any_center: House) -> None:
    first = await any_center.customer.post("/v1/faults", REPORT, key="one")
    ticket = done(first)["id"]
    await any_center.ordered(ticket, CHUXIONG, BEIJING)
    await any_center.network(BEIJING).accept(ticket)
    assert (await any_center.customer.post("/v1/faults", REPORT, key="one")).content == first.content
    await any_center.network(BEIJING).restore(ticket)
    await any_center.customer.confirm(ticket)
    closed = await any_center.customer.post("/v1/faults", REPORT, key="one")
    assert (closed.status_code, closed.content, closed.headers["idempotent-replayed"]) == (201, first.content, "true")
    assert len(await any_center.customer.items("/v1/tickets")) == 1


async def test_same_key_from_32_clients_at_once_is_one_ticket(any_center: House) -> None:
    answers = await asyncio.gather(*(any_center.customer.post("/v1/faults", REPORT, key="one") for _ in range(32)))
    assert {a.status_code for a in answers} == {201}
    assert len({a.content for a in answers}) == 1
    assert sum("idempotent-replayed" not in a.headers for a in answers) == 1
    (ticket,) = await any_center.customer.items("/v1/tickets")
    assert ticket["reports"] == 1


async def test_same_key_with_two_bodies_at_once_is_one_ticket(any_center: House) -> None:
    bodies = [REPORT, {**REPORT, "circuit": NEAR}] * 8
    answers = await asyncio.gather(*(any_center.customer.post("/v1/faults", body, key="one") for body in bodies))
    assert sorted(a.status_code for a in answers) == [201] * 8 + [422] * 8
    assert len(await any_center.customer.items("/v1/tickets")) == 1


async def test_same_key_with_another_body_is_refused(any_center: House) -> None:
    await any_center.customer.post("/v1/faults", REPORT, key="one")
    for other in ({**REPORT, "impact": "degraded"}, {**REPORT, "circuit": NEAR}):
        answer = await any_center.customer.post("/v1/faults", other, key="one")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_two_keys_in_one_request_are_refused_wherever_one_is_taken(embedded: House) -> None:
    paths = done(await embedded.nobody.get("/openapi.json"))["paths"]
    callers: dict[str, Caller] = {"account": embedded.customer, "operator": embedded.operator}
    callers["network"] = embedded.network(BEIJING)
    for path, operations in paths.items():
        parameters = operations.get("post", {}).get("parameters", ())
        if any(parameter["name"] == "idempotency-key" for parameter in parameters):
            key = callers[operations["post"]["x-roles"][0]].key
            headers = [("Authorization", f"Bearer {key}"), ("Idempotency-Key", "one"), ("Idempotency-Key", "two")]
            answer = await embedded.http.post(path, headers=headers, json={})
            (error,) = answer.json()["errors"]
            assert (answer.status_code, error["field"]) == (422, "header:idempotency-key"), path


async def test_white_space_and_order_of_fields_make_no_other_body(embedded: House) -> None:
    first = await embedded.customer.post("/v1/faults", REPORT, key="one")
    spaced = b"""{ "impact":"down",  "description":"No light", "segment":null,
        "contact":{"name":"\\u738b\\u82b3"},"circuit":"SG-0878-010"}"""
    headers = {"Content-Type": "application/json", "Idempotency-Key": "one"}
    again = await embedded.customer.send("POST", "/v1/faults", spaced, headers)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")


async def test_joining_report_again_gets_its_own_answer_again(any_center: House) -> None:
    ticket = await any_center.customer.report(FAR)
    joined = await any_center.customer.post("/v1/faults", REPORT, key="two")
    await any_center.customer.note(ticket, "a note in between")
    again = await any_center.customer.post("/v1/faults", REPORT, key="two")
    assert (again.status_code, again.content, again.headers["idempotent-replayed"]) == (200, joined.content, "true")
    assert (await any_center.customer.ticket(ticket))["reports"] == 2


async def test_key_belongs_to_whoever_used_it(embedded: House) -> None:
    mine = await embedded.customer.post("/v1/faults", REPORT, key="one")
    theirs = await embedded.bank.post("/v1/faults", {**REPORT, "circuit": OTHERS[0]}, key="one")
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert "idempotent-replayed" not in theirs.headers


async def test_refused_report_leaves_its_key_free(embedded: House) -> None:
    refused = await embedded.customer.post("/v1/faults", {**REPORT, "circuit": "SG-NONE"}, key="one")
    assert refused.status_code == 422
    assert (await embedded.customer.post("/v1/faults", REPORT, key="one")).status_code == 201


async def test_command_again_gets_the_same_answer_and_is_done_once(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    path, body = f"/v1/tickets/{ticket}/notes", {"text": "Ask for Wang"}
    first = await embedded.customer.post(path, body, key="note")
    await embedded.customer.cancel(ticket)
    again = await embedded.customer.post(path, body, key="note")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert (await embedded.customer.facts(ticket)).count("ticket.noted") == 1


async def test_cancelling_again_with_the_same_key_is_no_illegal_move(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    path = f"/v1/tickets/{ticket}/cancel"
    first = await embedded.customer.post(path, key="cancel")
    again = await embedded.customer.post(path, {}, key="cancel")
    assert (again.status_code, again.content) == (200, first.content)
    assert (await embedded.customer.post(path)).status_code == 409


async def test_key_of_one_command_is_refused_for_another(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    await embedded.customer.post(f"/v1/tickets/{ticket}/notes", {"text": "x"}, key="one")
    for path in (f"/v1/tickets/{ticket}/cancel", "/v1/faults"):
        answer = await embedded.customer.post(path, REPORT if "faults" in path else None, key="one")
        assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


async def test_local_network_that_retries_is_answered_as_the_first_time(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    first = await embedded.network(BEIJING).say("accept", ticket, key="one", engineer="Li Na")
    await embedded.network(BEIJING).progress(ticket, "on_site")
    again = await embedded.network(BEIJING).say("accept", ticket, key="one", engineer="Li Na")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    other = await embedded.network(BEIJING).say("accept", ticket, key="one", engineer="Wu")
    assert other.json()["code"] == "idempotency_key_reused"


@pytest.mark.parametrize(
    ("who", "path", "body"),
    [
        ("customer", "tickets/{}/cancel", {"reason": "gone"}),
        ("customer", "tickets/{}/notes", {"text": "Ask for Wang"}),
        ("network", "orders/{}.029/accept", {}),
        ("operator", "tickets/{}/route", {"networks": [DALI]}),
        ("operator", "tickets/{}/reject", {"reason": "not ours"}),
    ],
)
async def test_key_of_one_ticket_is_refused_for_another_and_changes_nothing(
    embedded: House, who: str, path: str, body: Any
) -> None:
    one, other = [await embedded.report(circuit, SHANGHAI, XIAN) for circuit in PLAIN[:2]]
    caller = embedded.network(XIAN) if who == "network" else getattr(embedded, who)
    done(await caller.post(f"/v1/{path}".format(one), body, key="one"))
    before = await embedded.operator.log(other)
    answer = await caller.post(f"/v1/{path}".format(other), body, key="one")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert await embedded.operator.log(other) == before


@pytest.mark.parametrize("verb", ["dispute", "strike-out", "uphold"])
async def test_key_of_one_tickets_suspension_is_refused_for_anothers(embedded: House, verb: str) -> None:
    one, other = [await embedded.accepted(circuit, SHANGHAI, XIAN) for circuit in PLAIN[:2]]
    for ticket in (one, other):
        await embedded.network(XIAN).suspend(ticket, "no_site_access")
    before = await embedded.operator.log(other)
    paths = [f"/v1/tickets/{ticket}/suspensions/{before[-1]['seq']}/{verb}" for ticket in (one, other)]
    done(await embedded.operator.post(paths[0], {"reason": "the gate was open"}, key="one"))
    answer = await embedded.operator.post(paths[1], {"reason": "the gate was open"}, key="one")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert await embedded.operator.log(other) == before
