"""What the customer reads of the clock is what happened, on either way to run the center; and it is the log's."""

from datetime import timedelta
from typing import Any

from shared.clock import rfc3339, to_ms
from shared.testing.clock import ManualClock
from tests.centers import House
from tests.independent_clock import compute, ms
from tests.people import done
from tests.registry import PLAIN, SHANGHAI, XIAN

MIN = 60_000


async def sla(center: House, ticket: str) -> dict[str, Any]:
    found: dict[str, Any] = (await center.customer.get(f"/v1/tickets/{ticket}/sla")).raise_for_status().json()
    return found


async def test_clock_stops_for_the_customer_and_the_verdict_is_by_what_counts(
    any_center: House, clock: ManualClock
) -> None:
    ticket = await any_center.accepted(PLAIN[0], SHANGHAI, XIAN)
    clock.advance(timedelta(minutes=30))
    await any_center.network(XIAN).suspend(ticket, "no_site_access")
    clock.advance(timedelta(hours=3))
    waiting = await sla(any_center, ticket)
    restore = waiting["targets"]["restore"]
    assert (waiting["state"], waiting["time_to_repair_ms"], restore["due_at"]) == ("pending", 30 * MIN, None)
    await any_center.network(XIAN).resume(ticket)
    clock.advance(timedelta(minutes=45))
    await any_center.network(XIAN).restore(ticket)
    clock.advance(timedelta(hours=9))
    found = await sla(any_center, ticket)
    assert (found["time_to_repair_ms"], found["within_2_hours"], found["targets"]["restore"]["verdict"]) == (
        75 * MIN,
        True,
        "met",
    )
    assert found["pending_ms"] == {"no_site_access": 180 * MIN}


async def test_open_ticket_says_when_its_target_is_broken_and_then_that_it_is(
    any_center: House, clock: ManualClock
) -> None:
    ticket = await any_center.report(PLAIN[1], SHANGHAI, XIAN)
    running = (await sla(any_center, ticket))["targets"]["restore"]
    assert ms(running["due_at"]) - to_ms(clock.now()) == running["target_ms"] == running["left_ms"]
    clock.advance(timedelta(milliseconds=running["target_ms"] + 1))
    broken = (await sla(any_center, ticket))["targets"]["restore"]
    assert (broken["verdict"], broken["left_ms"], broken["due_at"]) == ("breached", -1, running["due_at"])


async def test_figures_are_those_of_a_second_implementation_over_the_public_log(
    any_center: House, clock: ManualClock
) -> None:
    ticket = await any_center.accepted(PLAIN[2], SHANGHAI, XIAN)
    for minutes, step in ((7, "suspend"), (21, "resume"), (50, "restore")):
        clock.advance(timedelta(minutes=minutes, milliseconds=3))
        await any_center.network(XIAN).say(step, ticket, **({"reason": "spares"} if step == "suspend" else {}))
    await any_center.customer.reopen(ticket)
    await any_center.ordered(ticket, XIAN)
    clock.advance(timedelta(minutes=11))
    found, expected = await sla(any_center, ticket), compute(await any_center.customer.log(ticket), to_ms(clock.now()))
    assert found["time_to_repair_ms"] == expected["time_to_repair"]
    assert found["held_ms"] == expected["held"]
    assert found["stages_ms"] == expected["stages"]
    assert {kind: (t["target_ms"], t["used_ms"], t["verdict"], due(t)) for kind, t in found["targets"].items()} == {
        kind: tuple(promise[name] for name in ("target", "used", "verdict", "due_at"))
        for kind, promise in expected["promises"].items()
    }
    assert [(i["state"], ms(i["start"]), ms(i["end"])) for i in found["intervals"]] == [
        (i["state"], i["start"], i["end"]) for i in expected["intervals"]
    ]
    assert [(s["order"], s["counted_ms"]) for s in found["orders"]] == [
        (s["order"], s["counted"]) for s in expected["spells"]
    ]


def due(target: dict[str, Any]) -> int | None:
    return None if target["due_at"] is None else ms(target["due_at"])


async def test_service_that_was_back_before_the_pause_is_so_wherever_it_is_read(any_center: House) -> None:
    ticket = await any_center.accepted(PLAIN[0], SHANGHAI, XIAN)
    back, paused = (rfc3339(any_center.clock.now() + timedelta(minutes=n)) for n in (10, 60))
    any_center.clock.advance(timedelta(minutes=90))
    await any_center.network(XIAN).suspend(ticket, "awaiting_customer_test", occurred_at=paused)
    await any_center.network(SHANGHAI).restore(ticket, restored_at=back)
    clock = await sla(any_center, ticket)
    statement = done(await any_center.customer.get(f"/v1/tickets/{ticket}/statement"))
    told = [await any_center.customer.ticket(ticket), clock, statement["figures"], statement["restorations"][0]]
    assert [one["restored_at"] for one in told] == [back] * 4
    assert (clock["time_to_repair_ms"], statement["suspensions"][0]["length_ms"]) == (10 * MIN, 0)
