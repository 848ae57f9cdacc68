"""What PostgreSQL must do beyond the contract: wake other processes, and never keep a caller waiting while it hangs."""

import asyncio

from sqlalchemy import select

from shared.db.port import Tx
from shared.db.postgres import PostgresDatabase
from shared.db.statement import Query
from shared.errors import Unavailable
from shared.testing.servers import Postgres
from shared.tickets.tables import tickets
from tests.waiting import until

ALL = Query(select(tickets))


async def test_postgres_wakes_listeners_in_other_processes(postgres_store: PostgresDatabase, postgres_dsn: str) -> None:
    other, heard = PostgresDatabase(postgres_dsn), asyncio.Event()
    other.listen("first", lambda: None)
    other.listen("second", heard.set)

    async def announce(tx: Tx) -> None:
        tx.announce("second")

    async def announced_and_heard() -> bool:
        await postgres_store.transact(announce)
        return heard.is_set()

    await until(announced_and_heard)
    await other.close()


async def test_reads_are_refused_within_a_second_while_postgres_hangs(
    postgres_store: PostgresDatabase, postgres: Postgres
) -> None:
    await asyncio.gather(*(postgres_store.fetch(ALL) for _ in range(8)))
    postgres.pause()
    try:
        async with asyncio.timeout(1.2):
            answers = await asyncio.gather(*(postgres_store.fetch(ALL) for _ in range(30)), return_exceptions=True)
    finally:
        postgres.resume()
    assert {type(answer) for answer in answers} == {Unavailable}
    assert await postgres_store.fetch(ALL) == []


async def test_no_read_is_refused_because_of_connections_that_a_restart_broke(
    postgres_store: PostgresDatabase, postgres: Postgres
) -> None:
    await asyncio.gather(*(postgres_store.fetch(ALL) for _ in range(8)))
    postgres.kill()
    postgres.start()
    await until(lambda: all(connection.is_closed() for connection in postgres_store._idle))
    for _ in range(8):
        assert await postgres_store.fetch(ALL) == []


async def test_closing_does_not_wait_for_a_postgres_that_hangs(
    postgres_store: PostgresDatabase, postgres: Postgres
) -> None:
    await asyncio.gather(*(postgres_store.fetch(ALL) for _ in range(3)))
    postgres.pause()
    try:
        async with asyncio.timeout(3):
            await postgres_store.close()
    finally:
        postgres.resume()
