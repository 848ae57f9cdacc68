"""Terms that change in mid-ticket, over HTTP: by a worse report at once, by a duty manager with a reason."""

from datetime import timedelta
from typing import Any

import pytest

from shared.db.port import Tx
from shared.registry.model import Account
from shared.registry.writing import put
from shared.testing.clock import ManualClock
from tests.cases import SEED
from tests.centers import House
from tests.people import Caller, Json, done
from tests.registry import ACCOUNTS, FAR, GRID, PLAIN, SHANGHAI, TWO_PATHS, XIAN
from tests.service.test_keys import caller

HOUR_MS, MINUTE = 3_600_000, timedelta(minutes=1)


async def promise(center: House, ticket: str) -> Json:
    found: Json = done(await center.customer.get(f"/v1/tickets/{ticket}/sla"))["targets"]["restore"]
    return found


async def set_terms(who: Caller, ticket: str, **body: Any) -> Any:
    return await who.post(f"/v1/tickets/{ticket}/terms", {"reason": "agreed with the customer", **body})


async def test_worse_report_shortens_the_target_from_the_first_report_on(any_center: House, clock: ManualClock) -> None:
    ticket = await any_center.report(FAR, "0878", "010", impact="degraded")
    before = await promise(any_center, ticket)
    clock.advance(30 * MINUTE)
    await any_center.customer.report(FAR, impact="down")
    after = await promise(any_center, ticket)
    assert (before["target_ms"], after["target_ms"], after["used_ms"]) == (4 * HOUR_MS, 2 * HOUR_MS, HOUR_MS // 2)
    assert (await any_center.customer.ticket(ticket))["impact"] == "down"
    assert (await any_center.customer.facts(ticket))[-2:] == ["ticket.report_joined", "ticket.terms_changed"]


async def test_both_paths_lost_makes_a_degraded_ticket_down(embedded: House) -> None:
    ticket = await embedded.customer.report(TWO_PATHS)
    assert (await embedded.customer.ticket(ticket))["impact"] == "degraded"
    await embedded.customer.report(TWO_PATHS, both_paths=True)
    assert (await embedded.customer.ticket(ticket))["impact"] == "down"
    assert (await promise(embedded, ticket))["target_ms"] == 2 * HOUR_MS


async def test_better_report_gives_no_more_time(embedded: House) -> None:
    ticket = await embedded.customer.report(FAR, impact="down")
    await embedded.customer.report(FAR, impact="intermittent")
    assert (await embedded.customer.ticket(ticket))["impact"] == "down"
    assert (await promise(embedded, ticket))["target_ms"] == 2 * HOUR_MS


async def test_duty_manager_changes_the_terms_and_the_log_says_who_and_why(any_center: House) -> None:
    ticket = await any_center.report(PLAIN[0], SHANGHAI, XIAN)
    manager = await caller(any_center, "operator", "dm", "duty_manager")
    done(await set_terms(manager, ticket, impact="degraded"))
    entry = (await any_center.customer.log(ticket))[-1]
    assert (entry["type"], entry["actor"], entry["data"]["reason"]) == (
        "ticket.terms_changed", "operator:dm", "agreed with the customer"
    )  # fmt: skip
    assert (await promise(any_center, ticket))["target_ms"] == 4 * HOUR_MS


async def test_pause_is_not_forgotten_when_the_terms_change(any_center: House, clock: ManualClock) -> None:
    ticket = await any_center.accepted(PLAIN[0], SHANGHAI, XIAN)
    await any_center.network(XIAN).suspend(ticket, "no_site_access", evidence="the gate is locked")
    clock.advance(60 * MINUTE)
    done(await set_terms(any_center.operator, ticket, tier="gold"))
    clock.advance(60 * MINUTE)
    await any_center.network(XIAN).resume(ticket)
    clock.advance(10 * MINUTE)
    found = await promise(any_center, ticket)
    assert (found["used_ms"], found["target_ms"]) == (HOUR_MS // 6, 5 * HOUR_MS)


async def test_tier_review_changes_no_open_ticket(embedded: House) -> None:
    ticket = await embedded.customer.report(PLAIN[0], impact="degraded")

    async def demote(tx: Tx) -> None:
        whole = [Account(GRID, "华网电力", "Huawang Power", "other", "crystal"), *ACCOUNTS[1:]]
        await put(tx, whole, [], [], by=SEED)

    await embedded.center.database.transact(demote)
    await embedded.center.follower.refresh()
    await embedded.customer.report(PLAIN[0], impact="down")
    assert (await promise(embedded, ticket))["target_ms"] == 2 * HOUR_MS
    other = await embedded.customer.report(PLAIN[1])
    assert (await promise(embedded, other))["target_ms"] == 8 * HOUR_MS


@pytest.mark.parametrize("duty", ["desk", "noc", "account_manager"])
async def test_nobody_but_a_duty_manager_changes_terms(embedded: House, duty: str) -> None:
    ticket = await embedded.customer.report(PLAIN[0])
    refused = await set_terms(await caller(embedded, "operator", "somebody", duty), ticket, tier="gold")
    assert (refused.status_code, "duty_manager" in refused.text) == (403, True)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"), ({"tier": "ruby"}, "tier"), ({"policy": "1999-1"}, "policy"),
        ({"calendar": "office"}, "calendar"), ({"impact": "dark"}, "impact"),
        ({"tier": "gold", "reason": ""}, "reason"), ({"teer": "gold"}, "teer"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named(embedded: House, body: dict[str, str], field: str) -> None:
    ticket = await embedded.customer.report(PLAIN[0])
    refused = await set_terms(embedded.operator, ticket, **body)
    assert (refused.status_code, [e["field"] for e in refused.json()["errors"]]) == (422, [field])


async def test_same_key_changes_the_terms_once(embedded: House) -> None:
    ticket = await embedded.customer.report(PLAIN[0])
    body = {"reason": "agreed", "tier": "gold"}
    first, second = [await embedded.operator.post(f"/v1/tickets/{ticket}/terms", body, key="once") for _ in "ab"]
    assert (first.status_code, second.status_code, second.headers["Idempotent-Replayed"]) == (200, 200, "true")
    assert (await embedded.customer.facts(ticket)).count("ticket.terms_changed") == 1
