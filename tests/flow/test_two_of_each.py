"""Several processes of each service on one PostgreSQL and one Kafka do what one alone would do."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.centers import House
from tests.people import Customer
from tests.registry import BEIJING, CHUXIONG, FAR, NEAR, PLAIN, SHANGHAI, XIAN

REPORT = {"circuit": FAR, "impact": "down", "description": "No light"}


@pytest.fixture
async def second(production: House) -> AsyncIterator[House]:
    """Another center beside `production`, on the same servers."""
    house = House(production.way, production.clock)
    await house.start()
    yield house
    await house.stop()
    await house.http.aclose()


async def taken(door: Customer, circuit: str, key: str) -> httpx.Response:
    """The answer to a report, asked again with the same key while it is 503, as the answer says one should."""
    answer = await door.post("/v1/faults", {**REPORT, "circuit": circuit}, key=key)
    for _ in range(20):
        if answer.status_code != 503:
            break
        answer = await door.post("/v1/faults", {**REPORT, "circuit": circuit}, key=key)
    return answer


async def test_same_key_at_both_doors_at_once_is_one_ticket(production: House, second: House) -> None:
    doors = [production.customer, second.customer] * 16
    for number, circuit in enumerate([FAR, NEAR, *PLAIN]):
        answers = await asyncio.gather(*(taken(door, circuit, f"key-{number}") for door in doors))
        assert {a.status_code for a in answers} == {201}
        assert len({a.content for a in answers}) == 1
        assert sum("idempotent-replayed" not in a.headers for a in answers) <= 1


async def test_reports_of_one_outage_at_both_doors_at_once_are_one_ticket(production: House, second: House) -> None:
    doors = [production.customer, second.customer] * 16
    answers = await asyncio.gather(*(taken(door, FAR, f"k{n}") for n, door in enumerate(doors)))
    assert sorted(a.status_code for a in answers) == [200] * 31 + [201]
    assert sorted(a.json()["reports"] for a in answers) == list(range(1, 33))


async def test_storm_of_further_reports_at_both_doors_is_taken_whole(production: House, second: House) -> None:
    circuits = [FAR, NEAR, *PLAIN]
    tickets = [await production.customer.report(circuit) for circuit in circuits]
    storm = [(door, c) for _ in range(10) for door in (production, second) for c in circuits]
    posts = [taken(door.customer, c, f"storm-{n}") for n, (door, c) in enumerate(storm + storm[::-1])]
    assert {answer.status_code for answer in await asyncio.gather(*posts)} == {200}
    assert {(await production.customer.ticket(ticket))["reports"] for ticket in tickets} == {41}


async def test_tickets_of_both_are_ordered_once_also_when_one_of_them_stops(production: House, second: House) -> None:
    tickets = [await door.customer.report(c) for c, door in zip(PLAIN, [production, second] * 3, strict=False)]
    for ticket in tickets:
        await second.ordered(ticket, SHANGHAI, XIAN)
    await production.stop()
    last = await second.report(FAR, CHUXIONG, BEIJING)
    await second.network(BEIJING).accept(last)
    await second.all_heard()
    for ticket in (*tickets, last):
        assert (await second.operator.facts(ticket)).count("order.issued") == 2
