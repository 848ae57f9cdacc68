"""A report on a circuit with an open ticket joins that ticket, and its log shows it."""

import asyncio
from dataclasses import replace

from shared.registry.model import Circuit
from shared.registry.writing import put
from tests.cases import SEED
from tests.centers import House
from tests.people import done
from tests.registry import BANK, BEIJING, CHUXIONG, CIRCUITS, FAR, NEAR

AGAIN = {"circuit": FAR, "impact": "degraded", "description": "Still no light", "reference": "INC-8"}


async def test_second_report_of_same_outage_joins_the_open_ticket(any_center: House) -> None:
    ticket = await any_center.customer.report(FAR)
    answer = await any_center.customer.post("/v1/faults", AGAIN)
    assert (answer.status_code, answer.headers["location"]) == (200, f"/v1/tickets/{ticket}")
    assert (answer.json()["id"], answer.json()["reports"]) == (ticket, 2)
    (joined,) = [e for e in await any_center.customer.log(ticket) if e["type"] == "ticket.report_joined"]
    assert {n: joined["data"][n] for n in AGAIN if n != "circuit"} == {n: AGAIN[n] for n in AGAIN if n != "circuit"}


async def test_joining_report_leaves_what_the_first_one_said(embedded: House) -> None:
    ticket = await embedded.customer.report(FAR, reference="INC-7")
    joined = done(await embedded.customer.post("/v1/faults", AGAIN))
    assert (joined["impact"], joined["description"], joined["reference"]) == ("down", "No light at site A", "INC-7")
    assert joined["id"] == ticket


async def test_reports_of_one_outage_from_32_clients_at_once_are_one_ticket(any_center: House) -> None:
    keys = [f"client-{n}" for n in range(32)]
    answers = await asyncio.gather(*(any_center.customer.post("/v1/faults", AGAIN, key=key) for key in keys))
    assert sorted(a.status_code for a in answers) == [200] * 31 + [201]
    assert len({a.json()["id"] for a in answers}) == 1
    assert sorted(a.json()["reports"] for a in answers) == list(range(1, 33))


async def test_reports_of_another_circuit_do_not_join(embedded: House) -> None:
    assert await embedded.customer.report(FAR) != await embedded.customer.report(NEAR)


async def test_operators_report_joins_the_customers(embedded: House) -> None:
    ticket = await embedded.customer.report(FAR)
    assert await embedded.operator.report(FAR) == ticket


async def test_report_after_the_restoration_says_that_it_did_not_hold(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    await embedded.network(BEIJING).restore(ticket)
    joined = done(await embedded.customer.post("/v1/faults", AGAIN))
    assert (joined["id"], joined["status"], joined["reopened"]) == (ticket, "inProgress", 1)
    facts = await embedded.customer.facts(ticket)
    assert facts[facts.index("ticket.report_joined") :][1] == "ticket.reopened"


async def test_report_of_who_has_the_circuit_now_does_not_join_the_former_accounts_ticket(any_center: House) -> None:
    """An import refuses to move such a circuit; a report of before the move can still come a second after it."""
    mine = await any_center.customer.report(FAR)
    (circuit,) = (circuit for circuit in CIRCUITS if circuit.id == FAR)
    await move(any_center, replace(circuit, account=BANK))
    answer = await any_center.bank.post("/v1/faults", AGAIN)
    await move(any_center, circuit)
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_move")
    assert mine not in answer.text


async def move(center: House, circuit: Circuit) -> None:
    await center.center.database.transact(lambda tx: put(tx, (), (), [circuit], by=SEED))
    await center.center.follower.refresh()
