"""A suspension is disputed and struck out: the figures recompute, also of a closed ticket, and the log keeps both."""

from datetime import timedelta
from typing import Any

from shared.testing.clock import ManualClock
from tests.centers import House
from tests.people import Json, done
from tests.registry import PLAIN, SHANGHAI, XIAN
from tests.service.test_keys import caller
from tests.waiting import until

MIN, MINUTE = 60_000, timedelta(minutes=1)


async def sla(center: House, ticket: str) -> Json:
    found: Json = done(await center.customer.get(f"/v1/tickets/{ticket}/sla"))
    return found


async def suspension_of(center: House, ticket: str) -> int:
    """The entry of the last one."""
    return int([entry["seq"] for entry in await center.customer.log(ticket) if entry["type"] == "ticket.suspended"][-1])


async def say(who: Any, ticket: str, suspension: int, verb: str, reason: str = "the gate was open") -> Any:
    return await who.post(f"/v1/tickets/{ticket}/suspensions/{suspension}/{verb}", {"reason": reason})


async def undecided(center: House) -> list[tuple[str, str]]:
    return [(item["ticket"], item["cause"]) for item in await center.operator.items("/v1/noc/suspensions")]


async def closed_after_a_pause(center: House, clock: ManualClock) -> str:
    """An hour of work, two hours of pause, an hour of work: within the two hours of a diamond ticket."""
    ticket = await center.accepted(PLAIN[0], SHANGHAI, XIAN)
    clock.advance(60 * MINUTE)
    await center.network(XIAN).suspend(ticket, "no_site_access", evidence="the gate is locked")
    clock.advance(120 * MINUTE)
    await center.network(XIAN).resume(ticket)
    clock.advance(60 * MINUTE)
    await center.network(XIAN).restore(ticket)
    await center.customer.confirm(ticket)
    return ticket


async def test_struck_out_suspension_of_a_closed_ticket_breaks_the_promise_after_all(
    any_center: House, clock: ManualClock
) -> None:
    ticket = await closed_after_a_pause(any_center, clock)
    before = await sla(any_center, ticket)
    assert (before["time_to_repair_ms"], before["targets"]["restore"]["verdict"]) == (120 * MIN, "met")
    suspension = await suspension_of(any_center, ticket)
    done(await say(any_center.customer, ticket, suspension, "dispute"))
    assert await undecided(any_center) == [(ticket, "disputed")]
    done(await say(any_center.operator, ticket, suspension, "strike-out", "the guard's book says so"))
    after = await sla(any_center, ticket)
    assert (after["time_to_repair_ms"], after["targets"]["restore"]["verdict"]) == (240 * MIN, "breached")
    assert (after["pending_ms"], [i["reason"] for i in after["intervals"] if i["struck"]]) == ({}, ["no_site_access"])
    assert (await any_center.customer.facts(ticket))[-2:] == [
        "ticket.suspension_disputed", "ticket.suspension_struck_out"
    ]  # fmt: skip
    assert (await any_center.customer.ticket(ticket))["status"] == "closed"
    assert await undecided(any_center) == []


async def test_upheld_suspension_stands(any_center: House, clock: ManualClock) -> None:
    ticket = await closed_after_a_pause(any_center, clock)
    suspension = await suspension_of(any_center, ticket)
    done(await say(any_center.customer, ticket, suspension, "dispute"))
    done(await say(any_center.operator, ticket, suspension, "uphold", "there is a photograph"))
    assert (await sla(any_center, ticket))["time_to_repair_ms"] == 120 * MIN
    assert await undecided(any_center) == []
    assert (await say(any_center.customer, ticket, suspension, "dispute")).status_code == 409


async def test_ticket_whose_current_suspension_is_struck_out_runs_on_from_where_it_was_stopped(
    any_center: House, clock: ManualClock
) -> None:
    ticket = await any_center.accepted(PLAIN[1], SHANGHAI, XIAN)
    clock.advance(10 * MINUTE)
    await any_center.network(XIAN).suspend(ticket, "customer_power", evidence="dark room")
    clock.advance(30 * MINUTE)
    struck = done(await say(any_center.operator, ticket, await suspension_of(any_center, ticket), "strike-out"))
    assert (struck["status"], struck["suspension"]) == ("inProgress", None)
    clock.advance(5 * MINUTE)
    found = await sla(any_center, ticket)
    assert (found["state"], found["time_to_repair_ms"]) == ("running", 45 * MIN)
    await any_center.network(XIAN).restore(ticket)


async def test_clock_stopped_without_evidence_is_listed_until_somebody_decides(
    any_center: House, clock: ManualClock
) -> None:
    ticket = await any_center.accepted(PLAIN[2], SHANGHAI, XIAN)
    await any_center.network(XIAN).suspend(ticket, "no_site_access")
    await until(lambda: listed(any_center, ticket))
    (item,) = await any_center.operator.items("/v1/noc/suspensions")
    assert (item["network"], item["reason"], item["evidence"], item["cause"], item["suspended_by"]) == (
        XIAN, "no_site_access", None, "no_evidence", f"network:{XIAN}"
    )  # fmt: skip
    done(await say(any_center.operator, ticket, item["suspension"], "uphold", "seen on the camera"))
    await any_center.all_heard()
    assert await undecided(any_center) == []


async def test_cancelled_ticket_leaves_nothing_to_be_decided(any_center: House) -> None:
    ticket = await any_center.accepted(PLAIN[2], SHANGHAI, XIAN)
    await any_center.network(XIAN).suspend(ticket, "no_site_access")
    await until(lambda: listed(any_center, ticket))
    await any_center.customer.cancel(ticket)
    await any_center.all_heard()
    assert await undecided(any_center) == []


async def listed(center: House, ticket: str) -> bool:
    return (ticket, "no_evidence") in await undecided(center)


async def test_events_that_come_again_list_nothing_that_was_decided(any_center: House, clock: ManualClock) -> None:
    ticket = await any_center.accepted(PLAIN[3], SHANGHAI, XIAN)
    await any_center.network(XIAN).suspend(ticket, "no_site_access")
    await until(lambda: listed(any_center, ticket))
    done(await say(any_center.operator, ticket, await suspension_of(any_center, ticket), "strike-out"))
    await any_center.hear_everything_again()
    assert await undecided(any_center) == []


async def test_only_a_duty_manager_decides_and_a_customer_only_disputes_its_own(
    embedded: House, clock: ManualClock
) -> None:
    ticket = await closed_after_a_pause(embedded, clock)
    suspension = await suspension_of(embedded, ticket)
    noc = await caller(embedded, "operator", "night", "noc")
    assert [(await say(noc, ticket, suspension, verb)).status_code for verb in ("strike-out", "uphold")] == [403, 403]
    assert (await say(embedded.customer, ticket, suspension, "strike-out")).status_code == 403
    assert (await say(embedded.network(XIAN), ticket, suspension, "dispute")).status_code == 403
    strange = await say(embedded.bank, ticket, suspension, "dispute")
    unknown = await say(embedded.bank, "VT000101-00000000", suspension, "dispute")
    assert (strange.status_code, strange.json()["detail"]) == (404, unknown.json()["detail"])
    done(await say(noc, ticket, suspension, "dispute"))
