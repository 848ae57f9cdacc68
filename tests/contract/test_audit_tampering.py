"""1,000 random tamperings of the record, 1,000 found; and nothing is found in a record that nobody tampered with."""

import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg

from shared.db.port import Database, Tx
from shared.db.postgres import PostgresDatabase, PostgresTx
from shared.db.sqlite import SqliteDatabase, SqliteTx, connect
from shared.testing.servers import Postgres
from tests.auditing import Tables, found, keeper, kept_lines, recorded, reported
from tests.stores import PATIENCE_S, STORE
from tests.tampering import EVERY

ON_SQLITE, ON_POSTGRESQL = 1000, 120


class Within:
    """Reads what an open transaction sees."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    async def fetch(self, query: Any, *, patience_s: float | None = None, **params: Any) -> Any:
        return await self._tx.fetch(query, **params)

    def within(self, accounts: Iterable[str]) -> "Within":
        return self


async def fill(database: Database) -> tuple[Tables, list[str]]:
    """A record with two anchors, and acts after them: as it was at the first anchor, and the lines kept elsewhere."""
    await recorded(database, *range(20))
    await reported(database, 5, entries=4)
    await keeper(database).anchor()
    older = await database.transact(Tables.read)
    await recorded(database, *range(20, 35))
    await reported(database, 3, entries=6, first=5)
    await keeper(database).anchor()
    await recorded(database, *range(35, 40))
    await keeper(database).seal()
    return older, await kept_lines(database)


async def unfound(tx: Tx, older: Tables, kept: list[str], seeds: range) -> list[str]:
    """What was done and not found; each tampering is taken back before the next."""
    before, missed = await Tables.read(tx), []
    for seed in seeds:
        rng, after = random.Random(seed), before.copy()
        tamper = EVERY[seed % len(EVERY)]
        tamper(after, older, rng)
        assert after.rows != before.rows, f"{tamper.__name__}, seed {seed}: nothing was done"
        await _execute(tx, "SAVEPOINT tampering")
        await after.write(tx, before)
        if not (await found(Within(tx), kept)).findings:
            missed.append(f"{tamper.__name__}, seed {seed}")
        await _execute(tx, "ROLLBACK TO SAVEPOINT tampering")
    assert (await found(Within(tx), kept)).findings == []
    return missed


async def _execute(tx: Tx, sql: str) -> None:
    _ = tx.raw.execute(sql) if tx.dialect == "sqlite" else await tx.raw.execute(sql)


@asynccontextmanager
async def sqlite_tampering(path: Path) -> AsyncIterator[tuple[Tx, Tables, list[str]]]:
    database = SqliteDatabase(path)
    older, kept = await fill(database)
    await database.close()
    connection = connect(path)
    connection.execute("BEGIN")
    yield SqliteTx(connection), older, kept
    connection.close()


async def test_a_thousand_tamperings_are_a_thousand_found(sqlite_path: Path) -> None:
    async with sqlite_tampering(sqlite_path) as (tx, older, kept):
        assert await unfound(tx, older, kept, range(ON_SQLITE)) == []


async def test_so_are_a_hundred_and_twenty_on_postgresql(postgres: Postgres, postgres_dsn: str) -> None:
    database = PostgresDatabase(postgres_dsn, patience_s=PATIENCE_S)
    older, kept = await fill(database)
    await database.close()
    connection = await asyncpg.connect(postgres.dsn(STORE))  # the owner: the services may not
    await connection.execute("SET vrc.scope = '*'")
    await connection.execute("BEGIN")
    missed = await unfound(PostgresTx(connection), older, kept, range(ON_POSTGRESQL))
    await connection.close()
    assert missed == []
