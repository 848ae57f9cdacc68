"""Database down: 503 with Retry-After within a second, never a 201; and everything works when it is back."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import httpx
import pytest

from shared.settings import Settings
from shared.testing.servers import Postgres
from tests.centers import Embedded, House, Production
from tests.people import done
from tests.registry import BEIJING, CHUXIONG, FAR, PLAIN, SHANGHAI, XIAN

W = TypeVar("W", Embedded, Production)
REPORT = {"circuit": FAR, "impact": "down", "description": "No light"}


def hurried(way: W) -> W:
    """As it is set up by default."""
    way.settings = way.settings.model_copy(update={"database_patience": Settings().database_patience})
    return way


@pytest.fixture
def production_way(production_way: Production) -> Production:
    return hurried(production_way)


@pytest.fixture
def embedded_way(embedded_way: Embedded) -> Embedded:
    return hurried(embedded_way)


@pytest.fixture
def revived(postgres: Postgres) -> Iterator[Postgres]:
    """The server, running again after the test whatever became of it."""
    yield postgres
    postgres.resume()
    postgres.start()


async def refused_within_a_second(request: Callable[[], Awaitable[httpx.Response]], *, at_once: int = 1) -> None:
    """The quickest of three tries counts: what else the machine does must not."""
    took = []
    for _ in range(3):
        began = time.monotonic()
        answers = await asyncio.gather(*(request() for _ in range(at_once)))
        took.append(time.monotonic() - began)
        assert {answer.status_code for answer in answers} == {503}
        assert all(answer.headers["retry-after"] == "1" for answer in answers)
    assert min(took) < 1.0


async def test_postgresql_killed_is_503_and_the_same_report_is_taken_when_it_is_back(
    production: House, revived: Postgres
) -> None:
    ticket = await production.report(PLAIN[0], SHANGHAI, XIAN)
    revived.kill()
    await refused_within_a_second(lambda: production.customer.post("/v1/faults", REPORT, key="one"))
    await refused_within_a_second(lambda: production.customer.get(f"/v1/tickets/{ticket}"))
    await refused_within_a_second(lambda: production.network(SHANGHAI).say("accept", ticket))
    revived.start()
    later = done(await production.customer.post("/v1/faults", REPORT, key="one"))["id"]
    await production.ordered(later, CHUXIONG, BEIJING)


async def test_postgresql_that_hangs_is_503_and_makes_one_ticket_of_all_tries(
    production: House, revived: Postgres
) -> None:
    revived.pause()
    await refused_within_a_second(lambda: production.customer.post("/v1/faults", REPORT, key="one"), at_once=3)
    await refused_within_a_second(lambda: production.customer.get("/v1/tickets"), at_once=20)
    revived.resume()
    ticket = done(await production.customer.post("/v1/faults", REPORT, key="one"))["id"]
    await production.ordered(ticket, CHUXIONG, BEIJING)
    assert [t["id"] for t in await production.customer.items("/v1/tickets")] == [ticket]


async def test_sqlite_that_another_program_holds_is_503_and_the_same_report_is_taken_later(embedded: House) -> None:
    other = sqlite3.connect(embedded.way.settings.sqlite_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await refused_within_a_second(lambda: embedded.customer.post("/v1/faults", REPORT, key="one"))
    other.execute("ROLLBACK")
    other.close()
    ticket = done(await embedded.customer.post("/v1/faults", REPORT, key="one"))["id"]
    await embedded.ordered(ticket, CHUXIONG, BEIJING)
    assert [t["id"] for t in await embedded.customer.items("/v1/tickets")] == [ticket]
