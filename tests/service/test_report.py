"""A key account reports a fault once and holds a ticket number, durable before the answer."""

import sqlite3
from datetime import timedelta

import pytest

from shared.clock import rfc3339
from shared.testing.clock import START
from tests.centers import House
from tests.people import done
from tests.registry import FAR, GRID, OTHERS, PLAIN

REPORT = {"circuit": FAR, "impact": "down", "description": "站点 A 无光"}


async def test_report_is_answered_with_a_ticket_and_its_address(embedded: House) -> None:
    answer = await embedded.customer.post("/v1/faults", REPORT)
    assert answer.status_code == 201
    ticket = answer.json()
    assert answer.headers["location"] == f"/v1/tickets/{ticket['id']}"
    assert answer.headers["content-type"] == "application/json"
    assert {
        **REPORT,
        "status": "acknowledged",
        "account": GRID,
        "orders": [],
        "restored_at": None,
    }.items() <= ticket.items()
    assert ticket["reported_at"] == ticket["opened_at"] == rfc3339(START)


async def test_ticket_is_in_the_database_before_the_answer(embedded: House) -> None:
    ticket = await embedded.customer.report(FAR)
    with sqlite3.connect(embedded.way.settings.sqlite_path) as other_program:
        rows = other_program.execute(
            "SELECT id, seq FROM tickets JOIN ticket_log ON ticket = id ORDER BY seq"
        ).fetchall()
    other_program.close()
    assert rows[0] == (ticket, 1)


async def test_all_that_the_customer_says_is_kept(embedded: House) -> None:
    contact = {"name": "王芳", "phone": "+86 10 6000 0000", "email": "wang@example.com"}
    said = {"impact": "degraded", "reference": "INC-7", "contact": contact, "segment": "a-access"}
    ticket = await embedded.customer.report(FAR, reported_at="2026-11-21T15:30:00.250+08:00", **said)
    found = await embedded.customer.ticket(ticket)
    assert {name: found[name] for name in said} == said
    assert found["reported_at"] == "2026-11-21T07:30:00.250Z"


async def test_contact_given_as_a_string_is_a_name(embedded: House) -> None:
    ticket = await embedded.customer.report(FAR, contact="王芳")
    assert (await embedded.customer.ticket(ticket))["contact"] == {"name": "王芳", "phone": None, "email": None}


async def test_clock_that_is_a_little_fast_reports_now(embedded: House) -> None:
    ticket = await embedded.customer.report(FAR, reported_at=rfc3339(START + timedelta(seconds=60)))
    assert (await embedded.customer.ticket(ticket))["reported_at"] == rfc3339(START)


async def test_operator_reports_for_the_account_whose_circuit_it_is(embedded: House) -> None:
    ticket = await embedded.operator.report(OTHERS[0])
    assert (await embedded.bank.ticket(ticket))["account"] == "beiyuan-bank"
    (first, *_) = await embedded.bank.log(ticket)
    assert first["actor"] == "operator:noc"


@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
async def test_media_type_may_be_spelled_as_http_allows(embedded: House, media_type: str) -> None:
    body = b'{"circuit": "SG-0878-010", "impact": "down", "description": "No light"}'
    answer = await embedded.customer.send("POST", "/v1/faults", body, {"Content-Type": media_type})
    assert answer.status_code == 201


async def test_body_of_exactly_64_kib_is_taken(embedded: House) -> None:
    body = b'{"circuit": "SG-0878-010", "impact": "down", "description": "No light"}'.ljust(64 * 1024)
    answer = await embedded.customer.send("POST", "/v1/faults", body, {"Content-Type": "application/json"})
    assert answer.status_code == 201


async def test_circuits_that_can_be_reported_are_listed_with_ends_and_segments(embedded: House) -> None:
    circuits = {c["id"]: c for c in await embedded.customer.items("/v1/circuits", limit=2)}
    assert set(PLAIN) < set(circuits)
    assert not set(OTHERS) & set(circuits)
    far = circuits[FAR]
    assert (far["a_end"]["network"], far["z_end"]["network"]) == ("0878", "010")
    assert [s["id"] for s in far["segments"]] == [
        "a-lan", "a-access", "a-metro", "backbone-1", "backbone-2", "z-metro", "z-access", "z-lan",
    ]  # fmt: skip
    assert len(await embedded.operator.items("/v1/circuits")) == len(circuits) + len(OTHERS)


async def test_report_after_the_ticket_is_over_opens_another(embedded: House) -> None:
    first = await embedded.customer.report(FAR)
    await embedded.customer.cancel(first)
    answer = await embedded.customer.post("/v1/faults", REPORT)
    assert answer.status_code == 201
    assert done(answer)["id"] != first
