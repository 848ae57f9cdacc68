"""Whoever asks too often is told so, and when to come again; nobody else notices."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.settings import Settings
from shared.testing.clock import ManualClock
from shared.web.server import Listener
from tests.centers import Embedded, House, house, key_of
from tests.people import Customer
from tests.registry import BANK, FAR, GRID, NEAR
from tests.waiting import until

LIMITS: dict[str, Any] = {
    "rate_account": 2, "burst_account": 3, "rate_operator": 0, "rate_unknown": 0.5, "burst_unknown": 4,
}  # fmt: skip
REPORT = {"circuit": FAR, "impact": "down", "description": "No light"}


async def limited(way: Embedded, clock: ManualClock, **settings: Any) -> AsyncIterator[House]:
    way.settings = Settings.model_validate({**way.settings.model_dump(), **settings})
    async with house(way, clock) as running:
        yield running


@pytest.fixture
async def center(embedded_way: Embedded, clock: ManualClock) -> AsyncIterator[House]:
    async for running in limited(embedded_way, clock, **LIMITS):
        yield running


@pytest.fixture
async def crowded(embedded_way: Embedded, clock: ManualClock) -> AsyncIterator[House]:
    async for running in limited(embedded_way, clock, reports_per_circuit=3):
        yield running


async def statuses(caller: Customer, times: int) -> list[int]:
    return [(await caller.get("/v1/tickets")).status_code for _ in range(times)]


async def test_burst_is_answered_and_then_refused_with_when_to_come_again(center: House) -> None:
    assert await statuses(center.customer, 4) == [200, 200, 200, 429]
    refused = await center.customer.get("/v1/tickets")
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.json()["code"], refused.headers["retry-after"]) == ("too_many_requests", "1")
    assert "Ask again after 1 s" in refused.json()["detail"]


async def test_after_the_time_that_was_named_it_is_answered_again(center: House) -> None:
    await statuses(center.customer, 4)
    center.clock.advance(timedelta(seconds=1))
    assert await statuses(center.customer, 3) == [200, 200, 429]


async def test_answers_say_what_is_left(center: House) -> None:
    answers = [await center.customer.get("/v1/tickets") for _ in range(4)]
    assert {a.headers["ratelimit-policy"] for a in answers} == {'"account";q=3;w=2'}
    assert [a.headers["ratelimit"] for a in answers] == [
        '"account";r=2;t=1', '"account";r=1;t=1', '"account";r=0;t=2', '"account";r=0;t=2',
    ]  # fmt: skip


async def test_report_is_counted_and_refused_before_anything_happened(center: House) -> None:
    answers = [await center.customer.post("/v1/faults", {**REPORT, "circuit": NEAR}) for _ in range(4)]
    assert [a.status_code for a in answers] == [201, 200, 200, 429]
    ticket = await center.operator.ticket(answers[0].json()["id"])
    assert ticket["reports"] == 3


async def test_other_keys_and_other_roles_are_not_held_up(center: House) -> None:
    await statuses(center.customer, 5)
    assert await statuses(center.bank, 3) == [200, 200, 200]
    answer = await center.operator.get("/v1/tickets")
    assert answer.status_code == 200
    assert "ratelimit" not in answer.headers  # a rate of 0 is none


async def test_attempts_without_a_valid_key_are_limited_per_address(center: House) -> None:
    assert await statuses(center.nobody, 5) == [401, 401, 401, 401, 429]
    guess = Customer(center.http, "vrc_0123456789ab_" + "0" * 64)
    refused = await guess.get("/v1/tickets")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    assert await statuses(center.customer, 1) == [200]  # from the same address, with a key that is valid


async def test_what_is_public_stays_so(center: House) -> None:
    await statuses(center.nobody, 6)
    assert (await center.nobody.get("/healthz")).status_code == 200


async def test_refusals_are_counted_by_limit(center: House) -> None:
    await statuses(center.customer, 5)
    await statuses(center.nobody, 5)
    page = (await center.center.metrics.page()).decode()
    assert 'vrc_limit_refusals_total{limit="key"} 2.0' in page
    assert 'vrc_limit_refusals_total{limit="address"} 1.0' in page


async def test_circuit_that_is_reported_again_and_again_is_refused_with_what_to_do(crowded: House) -> None:
    answers = [await crowded.customer.post("/v1/faults", REPORT) for _ in range(5)]
    assert [a.status_code for a in answers] == [201, 200, 200, 200, 429]
    assert (await crowded.bank.get("/v1/tickets")).status_code == 200
    said = answers[4].json()["detail"]
    assert f"POST /v1/tickets/{answers[0].json()['id']}/notes" in said
    assert answers[4].headers["retry-after"] == "3600"
    assert b'limit="circuit"} 1.0' in await crowded.center.metrics.page()


async def test_circuit_may_be_reported_again_when_the_hour_is_over(crowded: House) -> None:
    for _ in range(4):
        await crowded.customer.post("/v1/faults", REPORT)
        crowded.clock.advance(timedelta(minutes=10))
    assert (await crowded.customer.post("/v1/faults", REPORT)).headers["retry-after"] == str(30 * 60)
    crowded.clock.advance(timedelta(minutes=30))
    assert (await crowded.customer.post("/v1/faults", REPORT)).status_code == 200
    assert (await crowded.customer.post("/v1/faults", REPORT)).status_code == 429


async def test_notes_are_no_reports(crowded: House) -> None:
    for _ in range(4):
        ticket = (await crowded.customer.post("/v1/faults", REPORT)).json()["id"]
    crowded.clock.advance(timedelta(minutes=61))
    for number in range(3):
        await crowded.customer.note(ticket, f"note {number}")
    assert (await crowded.customer.post("/v1/faults", REPORT)).status_code == 200


async def test_report_that_is_repeated_with_its_key_never_counts(crowded: House) -> None:
    for number in range(4):
        await crowded.customer.post("/v1/faults", REPORT, key=f"report-{number}")
    for number in (3, 2, 1, 0, 3):
        answer = await crowded.customer.post("/v1/faults", REPORT, key=f"report-{number}")
        assert (answer.is_success, answer.headers["idempotent-replayed"]) == (True, "true")
    assert (await crowded.customer.post("/v1/faults", REPORT, key="another")).status_code == 429


async def test_other_circuits_are_reported_as_before(crowded: House) -> None:
    for _ in range(5):
        await crowded.customer.post("/v1/faults", REPORT)
    assert (await crowded.customer.post("/v1/faults", {**REPORT, "circuit": NEAR})).status_code == 201


async def test_streams_of_one_account_are_limited_and_a_closed_one_makes_room(
    embedded_way: Embedded, clock: ManualClock
) -> None:
    async for running in limited(embedded_way, clock, streams_per_account=2):
        listener = Listener(running.center.app, host="127.0.0.1", port=0)
        await listener.start()
        url = f"http://127.0.0.1:{listener.bound_port}"
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http, AsyncExitStack() as streams:
            first, _ = [await opened(streams, http, GRID) for _ in range(2)]
            refused = await opened(streams, http, GRID)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "30")
            assert (await opened(streams, http, BANK)).status_code == 200
            await first.aclose()
            await until(lambda: has_room(http))
            running.center.end_streams()
        await listener.stop()


async def opened(streams: AsyncExitStack, http: httpx.AsyncClient, account: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {key_of('account', account)}"}
    return await streams.enter_async_context(http.stream("GET", "/v1/stream", headers=headers))


async def has_room(http: httpx.AsyncClient) -> bool:
    async with AsyncExitStack() as streams:
        return (await opened(streams, http, GRID)).status_code == 200
