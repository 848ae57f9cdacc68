"""After the restoration the customer is owed cause and remedy: who gives them, what is missing, and when it is late."""

from datetime import timedelta
from typing import Any

from shared.testing.clock import ManualClock
from tests.centers import House
from tests.people import done
from tests.registry import PLAIN, SHANGHAI, XIAN
from tests.waiting import until

SAID = {"cause": "fibre", "remedy_code": "spliced"}


async def restored(center: House, **said: str) -> str:
    ticket = await center.accepted(PLAIN[0], SHANGHAI, XIAN)
    await center.network(XIAN).restore(ticket, **said)
    return ticket


async def targets(center: House, ticket: str) -> Any:
    return done(await center.customer.get(f"/v1/tickets/{ticket}/sla"))["targets"]


async def test_customer_reads_the_report_in_the_ticket_and_in_its_log(any_center: House, clock: ManualClock) -> None:
    ticket = await restored(any_center, **SAID)
    assert (await any_center.customer.ticket(ticket))["fault_report_due_at"] == "2026-11-22T08:00:00.000Z"
    clock.advance(timedelta(hours=3))
    done(await any_center.network(XIAN).report_on(ticket, prevention="Markers were set."))
    found = await any_center.customer.ticket(ticket)
    assert found["fault_report_due_at"] is None
    assert found["fault_report"] == {
        "given_at": "2026-11-21T11:00:00.000Z", **SAID, "text": "A digger cut it.", "prevention": "Markers were set."
    }  # fmt: skip
    assert (await any_center.customer.facts(ticket))[-1] == "ticket.fault_report_given"
    assert (await targets(any_center, ticket))["report"]["verdict"] == "met"


async def test_what_the_restoration_did_not_say_is_asked_for_by_its_name(embedded: House) -> None:
    ticket = await restored(embedded, cause="power")
    refused = await embedded.network(XIAN).report_on(ticket)
    assert (refused.status_code, [error["field"] for error in refused.json()["errors"]]) == (422, ["remedy_code"])
    given = done(await embedded.network(XIAN).report_on(ticket, remedy_code="power_restored"))
    assert (given["cause"], given["remedy_code"]) == ("power", "power_restored")


async def test_correction_is_one_more_entry_and_makes_nothing_late(embedded: House, clock: ManualClock) -> None:
    ticket = await restored(embedded, **SAID)
    await embedded.customer.confirm(ticket)
    done(await embedded.network(XIAN).report_on(ticket))
    clock.advance(timedelta(days=30))
    corrected = done(await embedded.network(XIAN).report_on(ticket, cause="equipment", remedy_code="replaced"))
    assert (corrected["status"], corrected["fault_report"]["cause"]) == ("closed", "equipment")
    assert (await embedded.customer.facts(ticket)).count("ticket.fault_report_given") == 2
    assert (await targets(embedded, ticket))["report"]["verdict"] == "met"


async def test_noc_reports_in_the_place_of_the_network_that_restored(embedded: House) -> None:
    ticket = await restored(embedded)
    body = {**SAID, "text": "They told us by telephone."}
    done(await embedded.operator.post(f"/v1/tickets/{ticket}/fault-report", body))
    assert [e["actor"] for e in await embedded.customer.log(ticket)][-1] == "operator:noc"


async def test_nobody_else_reports_and_not_before_the_restoration(embedded: House) -> None:
    ticket = await embedded.accepted(PLAIN[0], SHANGHAI, XIAN)
    assert (await embedded.network(XIAN).report_on(ticket, **SAID)).status_code == 409
    early = await embedded.operator.post(f"/v1/tickets/{ticket}/fault-report", {"text": "x", **SAID})
    assert early.status_code == 409
    await embedded.network(XIAN).restore(ticket)
    assert (await embedded.network(SHANGHAI).report_on(ticket, **SAID)).status_code == 409
    assert (await embedded.customer.post(f"/v1/tickets/{ticket}/fault-report", {"text": "x"})).status_code == 403


async def test_restoration_that_did_not_hold_owes_a_report_of_its_own(embedded: House, clock: ManualClock) -> None:
    ticket = await restored(embedded, **SAID)
    done(await embedded.network(XIAN).report_on(ticket))
    await embedded.customer.reopen(ticket)
    await embedded.ordered(ticket, XIAN)
    assert (await embedded.network(XIAN).report_on(ticket, **SAID)).status_code == 409
    done(await embedded.network(XIAN).say("accept", ticket))
    await embedded.network(XIAN).restore(ticket)
    found = await embedded.customer.ticket(ticket)
    assert (found["fault_report"], found["fault_report_due_at"]) == (None, "2026-11-22T08:00:00.000Z")


async def test_report_that_does_not_come_is_said_to_be_late_also_on_a_closed_ticket(
    embedded: House, clock: ManualClock
) -> None:
    ticket = await restored(embedded, **SAID)
    await embedded.customer.confirm(ticket)
    clock.advance(timedelta(hours=24, seconds=1))

    async def is_late() -> bool:
        log = await embedded.customer.log(ticket)
        return any(e["type"] == "ticket.deadline_missed" and e["data"]["kind"] == "report" for e in log)

    await until(is_late)
    assert (await targets(embedded, ticket))["report"]["verdict"] == "breached"
