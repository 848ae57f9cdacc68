"""One of two paths lost is a degraded service; what was reported and what was recorded both stand in the log."""

from typing import Any

import pytest

from tests.centers import House
from tests.people import done
from tests.registry import FAR, SHANGHAI, TWO_PATHS, XIAN


async def reported(center: House, circuit: str, **more: Any) -> tuple[str, str, str | None]:
    """Impact of the ticket, of the log's last report, and what was reported where that is another."""
    body = {"circuit": circuit, "impact": "down", "description": "No light", **more}
    ticket = done(await center.customer.post("/v1/faults", body))
    entries = await center.customer.log(ticket["id"])
    last = next(e["data"] for e in reversed(entries) if "report" in e["type"])
    return ticket["impact"], last["impact"], last["reported_impact"]


async def test_protected_circuit_that_is_down_is_degraded(any_center: House) -> None:
    assert await reported(any_center, TWO_PATHS) == ("degraded", "degraded", "down")


@pytest.mark.parametrize(
    ("circuit", "more", "recorded"),
    [
        (TWO_PATHS, {"both_paths": True}, "down"),
        (TWO_PATHS, {"impact": "intermittent"}, "intermittent"),
        (FAR, {}, "down"),
        (FAR, {"both_paths": False}, "down"),
    ],
)
async def test_otherwise_it_is_recorded_as_reported(
    embedded: House, circuit: str, more: dict[str, Any], recorded: str
) -> None:
    assert await reported(embedded, circuit, **more) == (recorded, recorded, None)


async def test_further_report_of_a_protected_circuit_too(embedded: House) -> None:
    await reported(embedded, TWO_PATHS)
    assert await reported(embedded, TWO_PATHS) == ("degraded", "degraded", "down")
    assert await reported(embedded, TWO_PATHS, both_paths=True) == ("down", "down", None)


async def test_circuit_and_order_say_how_far_the_service_reaches(any_center: House) -> None:
    circuits = {circuit["id"]: circuit for circuit in await any_center.customer.items("/v1/circuits")}
    assert (circuits[TWO_PATHS]["scope"], circuits[TWO_PATHS]["domain"]) == ("with-customer-lan", "data")
    await any_center.report(TWO_PATHS, SHANGHAI, XIAN)
    (order,) = await any_center.network(SHANGHAI).orders("live")
    assert order["scope"] == "with-customer-lan"


async def test_order_says_by_which_version_of_the_registry_it_was_routed(any_center: House) -> None:
    ticket = await any_center.report(TWO_PATHS, SHANGHAI, XIAN)
    versions = {e["data"]["registry_version"] for e in await any_center.customer.log(ticket) if "issued" in e["type"]}
    assert versions == {any_center.center.registry.version}


async def test_reopened_ticket_is_ordered_again_with_all_that_is_known(embedded: House) -> None:
    ticket = await embedded.accepted(TWO_PATHS, SHANGHAI, XIAN)
    await embedded.network(XIAN).restore(ticket)
    await embedded.customer.reopen(ticket)
    await embedded.ordered(ticket, XIAN)
    (order,) = await embedded.network(XIAN).orders("live")
    assert (order["round"], order["scope"]) == (2, "with-customer-lan")


async def test_waiting_for_a_lan_that_is_ours_does_not_stop_the_clock(embedded: House) -> None:
    for circuit, status in ((TWO_PATHS, "held"), (FAR, "pending")):
        ticket = await embedded.customer.report(circuit)
        network = "021" if circuit == TWO_PATHS else "0878"
        await embedded.all_heard()
        await embedded.network(network).accept(ticket)  # type: ignore[arg-type]
        suspended = await embedded.network(network).suspend(ticket, "customer_lan")  # type: ignore[arg-type]
        assert suspended["state"] == "accepted"
        assert (await embedded.operator.ticket(ticket))["status"] == status


async def test_network_that_tests_up_to_a_demarcation_is_told_where_and_whom_to_call(embedded: House) -> None:
    await embedded.report(TWO_PATHS, XIAN, segment="z-tail")
    (order,) = await embedded.network(XIAN).orders("live")
    assert order["reason"].endswith("up to the demarcation (ODF 3, contact Partner's desk +86 21 5550 0134)")
