"""One port over two databases: what a transaction's body may count on, whichever it runs on."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import BigInteger, Boolean, Column, LargeBinary, MetaData, Table, Text, bindparam, select

from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query, any_of
from shared.errors import Unavailable
from shared.testing.postgres import SERVICE
from shared.testing.servers import Postgres
from tests.stores import STORE
from tests.waiting import until

things = Table(
    "things",
    MetaData(),
    Column("name", Text, primary_key=True),
    Column("order", BigInteger),  # a reserved word, as some of our columns are
    Column("good", Boolean),
    Column("hash", LargeBinary),
)
PUT = BulkInsert(things, ("name", "order", "good", "hash"), conflict='(name) DO UPDATE SET "order" = excluded."order"')
ALL = Query(select(things).order_by(things.c.name))
NAMED = Query(select(things.c.name).where(any_of(things.c.name, "names")).order_by(things.c.name))
NUMBERED = Query(select(things.c.name).where(any_of(things.c.order, "numbers")).order_by(things.c.name))
ONE = Query(select(things.c.order).where(things.c.name == bindparam("name")).limit(bindparam("most")))
CREATE = (
    "CREATE TABLE IF NOT EXISTS things (name TEXT NOT NULL PRIMARY KEY, {order} BIGINT, good BOOLEAN, hash {bytes})"
)


class Broken(Exception):
    pass


@pytest.fixture(autouse=True)
async def _table(store: Database, request: pytest.FixtureRequest) -> None:
    statement = CREATE.format(order='"order"', bytes="BLOB" if store.dialect == "sqlite" else "BYTEA")
    if store.dialect == "postgresql":  # where the services make no tables
        postgres: Postgres = request.getfixturevalue("postgres")
        postgres.sql(f"{statement}; GRANT ALL ON things TO {SERVICE}", database=STORE)
        return

    async def create(tx: Tx) -> None:
        tx.raw.execute(statement)

    await store.transact(create)


async def put(store: Database, *rows: tuple[Any, ...]) -> None:
    async def body(tx: Tx) -> None:
        await tx.insert(PUT, rows)

    await store.transact(body)


async def names(store: Database) -> list[str]:
    return [row["name"] for row in await store.fetch(ALL)]


async def test_rows_come_back_as_they_went_in(store: Database) -> None:
    await put(store, ("a", 2**62, True, b"\x00\xff"), ("b", None, None, None))
    first, second = await store.fetch(ALL)
    assert (first["name"], first["order"], bool(first["good"]), bytes(first["hash"])) == ("a", 2**62, True, b"\x00\xff")
    assert [second[i] for i in range(1, 4)] == [None, None, None]


async def test_commit_is_seen_by_the_next_read_in_or_out_of_a_transaction(store: Database) -> None:
    await put(store, ("a", 1, True, b""))
    assert await names(store) == ["a"]
    assert [row["name"] for row in await store.transact(lambda tx: tx.fetch(ALL))] == ["a"]


async def test_transaction_answers_what_its_body_answers(store: Database) -> None:
    async def body(tx: Tx) -> tuple[str, int]:
        await tx.insert(PUT, [("a", 1, True, b"")])
        return tx.dialect, len(await tx.fetch(ALL))

    assert await store.transact(body) == (store.dialect, 1)


async def test_body_that_fails_leaves_nothing_and_its_own_error_comes_out(store: Database) -> None:
    async def body(tx: Tx) -> None:
        await tx.insert(PUT, [("a", 1, True, b"")])
        raise Broken

    with pytest.raises(Broken):
        await store.transact(body)
    assert await names(store) == []


async def test_database_goes_on_after_a_body_that_failed(store: Database) -> None:
    async def body(tx: Tx) -> None:
        await tx.insert(PUT, [("a", 1, True, b""), (None, 1, True, b"")])

    for _ in range(10):  # more often than there are connections
        with pytest.raises(Exception, match=r"(?i)null"):
            await store.transact(body)
    await put(store, ("b", 1, True, b""))
    assert await names(store) == ["b"]


async def test_mistake_in_a_statement_is_a_defect_not_an_unavailable_database(store: Database) -> None:
    missing = Query(select(Table("nothing", MetaData(), Column("name", Text))))
    with pytest.raises(Exception, match="nothing") as wrong:
        await store.transact(lambda tx: tx.fetch(missing))
    assert not isinstance(wrong.value, Unavailable)


async def test_parameter_that_was_forgotten_is_an_error(store: Database) -> None:
    with pytest.raises(KeyError, match="name"):
        await store.fetch(ONE, most=1)


async def test_list_parameter_finds_each_of_its_values(store: Database) -> None:
    await put(store, ("a", 1, True, b""), ("b", 2, True, b""), ("c'\"", 3, True, b""))
    assert [row[0] for row in await store.fetch(NAMED, names=["c'\"", "a", "a", "x"])] == ["a", "c'\""]
    assert [row[0] for row in await store.fetch(NUMBERED, numbers=[2**40, 2])] == ["b"]
    assert await store.fetch(NAMED, names=[]) == []


async def test_conflict_clause_replaces_what_is_there(store: Database) -> None:
    await put(store, ("a", 1, True, b""))
    await put(store, ("a", 2, True, b""))
    assert [row["order"] for row in await store.fetch(ONE, name="a", most=5)] == [2]


async def test_inserting_nothing_is_nothing(store: Database) -> None:
    await put(store)
    assert await names(store) == []


async def test_single_statement_is_a_transaction_by_itself(store: Database) -> None:
    await store.single(lambda tx: tx.insert(PUT, [("a", 1, True, b"")]))
    assert await names(store) == ["a"]


async def test_thirty_two_transactions_at_once_all_commit(store: Database) -> None:
    await asyncio.gather(*(put(store, (f"{n:02}", n, True, b"")) for n in range(32)))
    assert len(await names(store)) == 32


@pytest.mark.parametrize("way", ["transact", "single"])
async def test_listener_is_woken_after_the_commit_and_not_by_a_rollback(store: Database, way: str) -> None:
    run = getattr(store, way)
    heard: list[str] = []
    store.listen("good", lambda: heard.append("good"))
    store.listen("bad", lambda: heard.append("bad"))

    async def announce(tx: Tx, channel: str) -> None:
        tx.announce(channel)
        if channel == "bad":
            raise Broken

    with pytest.raises(Broken):
        await run(lambda tx: announce(tx, "bad"))
    await run(lambda tx: announce(tx, "good"))
    await until(lambda: bool(heard))
    assert set(heard) == {"good"}


async def test_caller_that_went_away_does_not_undo_what_was_committed(store: Database) -> None:
    waiting = asyncio.create_task(put(store, ("a", 1, True, b"")))
    await until(lambda: waiting.done())
    later = asyncio.create_task(put(store, ("b", 1, True, b"")))
    await asyncio.sleep(0)
    later.cancel()
    await asyncio.wait([later])
    await put(store, ("c", 1, True, b""))
    assert {"a", "c"} <= set(await names(store))
