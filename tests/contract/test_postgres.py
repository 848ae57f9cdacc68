"""What PostgreSQL must do beyond the contract: wake other processes, and never keep a caller waiting while it hangs."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from services.dispatcher.projection import KeptOrders
from services.notifier.store import feeding, lanes
from shared.db.port import Tx
from shared.db.postgres import PostgresDatabase
from shared.db.statement import Query
from shared.errors import Unavailable
from shared.testing.servers import Postgres
from shared.tickets.saving import Saving
from shared.tickets.store import LOCK, open_new
from shared.tickets.tables import tickets
from tests.cases import new_ticket
from tests.stores import STORE
from tests.waiting import until

ALL = Query(select(tickets))
ENDED = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename <> 'postgres'"
SAVING = Saving(KeptOrders())
NAMING_THEIR_ROWS = (
    SAVING.one,
    SAVING.several,
    feeding.PUT_POSTGRESQL,
    lanes.CLAIM_POSTGRESQL,
    lanes.RECORD_POSTGRESQL,
)


@pytest.fixture
async def elsewhere(postgres_dsn: str) -> AsyncIterator[PostgresDatabase]:
    """The same database as another process has it open."""
    store = PostgresDatabase(postgres_dsn)
    yield store
    await store.close()


async def announce(store: PostgresDatabase, channel: str) -> None:
    async def body(tx: Tx) -> None:
        tx.announce(channel)

    with suppress(Unavailable):
        await store.transact(body)


async def test_transaction_plans_a_statement_once_whatever_it_is_given(postgres_store: PostgresDatabase) -> None:
    async def body(tx: Tx) -> tuple[int, int]:
        for number in range(20):
            await tx.fetch(LOCK, ids=[f"VT-{number}"] * (1 + number % 3))
        (planned,) = await tx.raw.fetch("""
            SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE 'SELECT tickets.id%'""")
        return planned["generic_plans"], planned["custom_plans"]

    assert await postgres_store.transact(body) == (20, 0)


async def test_plan_made_while_a_table_is_nearly_empty_will_do_when_it_is_not(
    postgres: Postgres, postgres_store: PostgresDatabase
) -> None:
    """A plan is kept until the statistics change: a scan that is cheap for one ticket would be run among thousands."""
    new = new_ticket()
    await postgres_store.transact(lambda tx: open_new(tx, [new]))
    owner = await asyncpg.connect(postgres.dsn(STORE))
    await owner.execute("VACUUM (FULL, ANALYZE) tickets")  # what other tests left in its indexes moves the costs
    await owner.close()

    async def body(tx: Tx) -> str:
        explained = await tx.raw.fetch(f"EXPLAIN {LOCK.postgresql.sql}", [new.ticket.id])
        return "\n".join(row[0] for row in explained)

    plan = await postgres_store.transact(body)
    assert "pk_tickets" in plan
    assert "Seq Scan" not in plan


@pytest.mark.parametrize("statement", NAMING_THEIR_ROWS)
async def test_rows_that_a_statement_names_are_looked_for_by_their_key_in_a_young_database_too(
    statement: str, postgres_store: PostgresDatabase
) -> None:
    parameters = ", ".join(["NULL"] * max(int(number) for number in re.findall(r"\$(\d+)", statement)))

    async def body(tx: Tx) -> dict[str, Any]:
        await tx.raw.execute(f"PREPARE planned AS {statement}")
        (row,) = await tx.raw.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE planned ({parameters})")
        await tx.raw.execute("DEALLOCATE planned")
        return json.loads(row[0])[0]["Plan"]  # type: ignore[no-any-return]

    looks = [node for node in _nodes(await postgres_store.transact(body)) if "Index Name" in node]
    assert looks
    assert [node["Index Name"] for node in looks if "Index Cond" not in node] == []


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All but what the second wall would look into for a tenant: nobody asks it here."""
    yield plan
    for inner in plan.get("Plans", ()):
        if inner["Parent Relationship"] != "SubPlan":
            yield from _nodes(inner)


async def test_listeners_in_other_processes_are_woken(
    hurried_store: PostgresDatabase, elsewhere: PostgresDatabase
) -> None:
    heard: set[str] = set()

    async def both_heard() -> bool:
        await announce(hurried_store, "first")
        await announce(hurried_store, "second")
        return heard == {"first", "second"}

    elsewhere.listen("first", lambda: heard.add("first"))
    elsewhere.listen("second", lambda: heard.add("second"))
    await until(both_heard)


async def test_other_processes_are_not_told_of_what_is_needed_here_only(
    hurried_store: PostgresDatabase, elsewhere: PostgresDatabase
) -> None:
    needed_here_only = True
    heard: set[str] = set()

    async def other_is_heard() -> bool:
        await announce(hurried_store, "here")
        await announce(hurried_store, "other")
        return "other" in heard

    async def here_is_heard() -> bool:
        return await other_is_heard() and "here" in heard

    hurried_store.needed_here_only("here", lambda: needed_here_only)
    elsewhere.listen("here", lambda: heard.add("here"))
    elsewhere.listen("other", lambda: heard.add("other"))
    await until(other_is_heard)
    heard.clear()
    await until(other_is_heard)
    assert "here" not in heard
    needed_here_only = False
    await until(here_is_heard)


async def test_listeners_are_woken_again_after_a_restart(
    hurried_store: PostgresDatabase, elsewhere: PostgresDatabase, postgres: Postgres
) -> None:
    heard = asyncio.Event()

    async def is_heard() -> bool:
        await announce(hurried_store, "news")
        return heard.is_set()

    elsewhere.listen("news", heard.set)
    await until(is_heard)
    await asyncio.to_thread(postgres.kill)
    await asyncio.to_thread(postgres.start)
    heard.clear()
    await until(is_heard)


async def test_reads_are_refused_within_a_second_while_postgres_hangs(
    hurried_store: PostgresDatabase, postgres: Postgres
) -> None:
    await asyncio.gather(*(hurried_store.fetch(ALL) for _ in range(8)))
    postgres.pause()
    try:
        async with asyncio.timeout(1.2):
            answers = await asyncio.gather(*(hurried_store.fetch(ALL) for _ in range(30)), return_exceptions=True)
    finally:
        postgres.resume()
    assert {type(answer) for answer in answers} == {Unavailable}
    assert await hurried_store.fetch(ALL) == []


async def test_no_read_is_refused_because_of_connections_that_a_restart_broke(
    hurried_store: PostgresDatabase, postgres: Postgres
) -> None:
    await asyncio.gather(*(hurried_store.fetch(ALL) for _ in range(8)))
    postgres.kill()
    postgres.start()
    await until(lambda: hurried_store._pool.idle == 0)
    for _ in range(8):
        assert await hurried_store.fetch(ALL) == []


async def test_connections_ended_under_load_are_nothing_but_a_database_that_is_away(
    postgres_store: PostgresDatabase, postgres: Postgres
) -> None:
    """Whatever they were in the middle of: a caller that may come again is told so."""

    async def body(tx: Tx) -> None:
        for number in range(20):
            await tx.fetch(LOCK, ids=[f"VT-{number}"])

    async def work() -> list[BaseException | None]:
        found: list[BaseException | None] = []
        while not over.is_set():
            found += await asyncio.gather(postgres_store.transact(body), return_exceptions=True)
        return found

    over = asyncio.Event()
    working = [asyncio.create_task(work()) for _ in range(8)]
    for _ in range(30):
        await asyncio.to_thread(postgres.sql, ENDED)
    over.set()
    failures = [error for found in await asyncio.gather(*working) for error in found if error is not None]
    assert failures
    assert [error for error in failures if not isinstance(error, Unavailable)] == []


async def test_closing_does_not_wait_for_a_postgres_that_hangs(
    hurried_store: PostgresDatabase, postgres: Postgres
) -> None:
    await asyncio.gather(*(hurried_store.fetch(ALL) for _ in range(3)))
    postgres.pause()
    try:
        async with asyncio.timeout(3):
            await hurried_store.close()
    finally:
        postgres.resume()


async def test_host_that_vanishes_is_noticed_within_half_a_minute(elsewhere: PostgresDatabase) -> None:
    connection = await elsewhere.connect()
    raw = connection._transport.get_extra_info("socket")
    names = socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT
    idle, interval, count, unacknowledged_ms = (raw.getsockopt(socket.IPPROTO_TCP, name) for name in names)
    connection.terminate()
    assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert idle + interval * count <= 30
    assert 0 < unacknowledged_ms <= 30_000
