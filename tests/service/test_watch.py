"""What the center notices by itself, as the NOC reads it: silent networks, early warnings, and their metrics."""

from datetime import timedelta

from shared.clock import rfc3339
from shared.testing.clock import START
from tests.centers import House
from tests.people import Json, Operator
from tests.registry import BEIJING, CHUXIONG, FAR, KUNMING, NEAR, PLAIN
from tests.waiting import until

MINUTE = timedelta(minutes=1)


async def silent(operator: Operator) -> dict[str, Json]:
    return {found["network"]: found for found in await operator.items("/v1/noc/silent-networks", limit=1)}


async def warned(operator: Operator) -> list[str]:
    return [found["kind"] for found in await operator.items("/v1/noc/warnings", limit=1)]


async def test_network_that_does_not_accept_in_time_is_named_with_what_waits(any_center: House) -> None:
    await any_center.report(FAR, CHUXIONG, BEIJING)
    any_center.clock.advance(16 * MINUTE)
    found = await silent(any_center.operator)
    assert list(found) == [BEIJING, CHUXIONG]
    assert found[CHUXIONG] == {
        "network": CHUXIONG, "name_zh": "楚雄", "name_en": "Chuxiong", "since": rfc3339(START + 15 * MINUTE),
        "reasons": [{"reason": "unaccepted", "since": rfc3339(START + 15 * MINUTE)}], "last_sign_at": None,
        "unaccepted": 1, "live": 1, "next_breach_at": rfc3339(START + 120 * MINUTE),
    }  # fmt: skip
    assert b"vrc_silent_networks 2.0" in await any_center.center.metrics.page()


async def test_network_that_accepts_is_no_longer_silent(any_center: House) -> None:
    ticket = await any_center.report(FAR, CHUXIONG, BEIJING)
    any_center.clock.advance(16 * MINUTE)
    await any_center.network(CHUXIONG).accept(ticket)
    assert list(await silent(any_center.operator)) == [BEIJING]


async def test_network_at_work_that_gives_no_sign_becomes_silent_until_it_looks_again(embedded: House) -> None:
    await embedded.accepted(NEAR, KUNMING)
    embedded.clock.advance(61 * MINUTE)
    (found,) = (await silent(embedded.operator)).values()
    assert [reason["since"] for reason in found["reasons"]] == [rfc3339(START)]
    await embedded.network(KUNMING).orders()
    await until(lambda: _is_silent(embedded, 0))


async def test_operator_who_looks_at_a_networks_orders_is_no_sign_of_life(embedded: House) -> None:
    await embedded.accepted(NEAR, KUNMING)
    embedded.clock.advance(61 * MINUTE)
    await embedded.operator.items(f"/v1/networks/{KUNMING}/orders")
    await embedded.network(BEIJING).orders()
    await until(lambda: _is_silent(embedded, 1))
    assert list(await silent(embedded.operator)) == [KUNMING]


async def test_repeated_fault_is_listed_for_the_noc_and_told_in_the_accounts_log(any_center: House) -> None:
    for _ in range(2):
        ticket = await any_center.report(PLAIN[0], "021", "029")
        await any_center.customer.cancel(ticket)
    for _ in range(2):
        any_center.clock.advance(2 * MINUTE)
        ticket = await any_center.accepted(PLAIN[0], "021", "029")
        await any_center.network("021").restore(ticket)
        await any_center.customer.confirm(ticket)
    any_center.clock.advance(2 * MINUTE)
    await until(lambda: _is_warned(any_center, ["unprotected"]))
    (found,) = await any_center.operator.items("/v1/noc/warnings")
    assert (found["subject"], found["account"], found["faults"], found["days"]) == (PLAIN[0], "hw-power", 2, 90)
    assert found["tickets"][0] == ticket
    assert (await any_center.customer.facts(ticket)).count("ticket.repeated") == 1
    assert b'vrc_early_warnings{kind="unprotected"} 1.0' in await any_center.center.metrics.page()


async def test_only_operators_may_look(embedded: House) -> None:
    for path in ("/v1/noc/warnings", "/v1/noc/silent-networks"):
        assert (await embedded.customer.get(path)).status_code == 403
        assert (await embedded.network(BEIJING).get(path)).status_code == 403


async def _is_silent(center: House, networks: int) -> bool:
    return len(await silent(center.operator)) == networks


async def _is_warned(center: House, kinds: list[str]) -> bool:
    return await warned(center.operator) == kinds
