"""Acts are in the chain once they are in the table, with what they belong to, whoever else records at that moment."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import func, select

from shared.audit import store as audit
from shared.audit.tables import audit_log
from shared.audit.trail import record
from shared.db.port import Database, Tx
from shared.db.postgres import PostgresDatabase
from shared.db.statement import Query
from shared.tickets.log import GENESIS
from tests.auditing import KEYS, act, broken, found, keeper, recorded, reported

COUNT = Query(select(func.count().label("n")).select_from(audit_log))


async def test_act_is_read_as_it_was_recorded(store: Database) -> None:
    await recorded(store, 7)
    (row,) = await audit.acts(store, after=0, until=9)
    assert (row["position"], row["actor"], row["action"]) == (1, "operator:1", "key.issued")
    assert (row["credential"], row["address"], row["object"]) == ("session:4f1c", "10.0.0.7", "key:000000000007")
    assert (row["details"], bytes(row["previous"])) == ('{"role":"account","subject":"hw-power"}', GENESIS)


async def test_act_goes_with_the_transaction_it_belongs_to(store: Database) -> None:
    async def fails(tx: Tx) -> None:
        await record(tx, act(1))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.transact(fails)
    await recorded(store, 2)
    assert [row["object"] for row in await audit.acts(store, after=0, until=9)] == ["key:000000000002"]
    assert await broken(store) == []


async def test_several_acts_of_one_transaction_stand_in_order(store: Database) -> None:
    await store.transact(lambda tx: record(tx, act(3), act(1), act(2)))
    rows = await audit.acts(store, after=0, until=9)
    assert [row["object"][-1] for row in rows] == ["3", "1", "2"]
    assert await broken(store) == []


async def test_thirty_two_who_record_at_once_make_one_chain_without_a_gap(store: Database) -> None:
    await asyncio.gather(*(recorded(store, *range(number, number + 5)) for number in range(32)))
    assert (await store.fetch(COUNT))[0]["n"] == 160
    assert await broken(store) == []


async def test_nothing_is_found_while_writers_go_on(store: Database) -> None:
    writing = asyncio.gather(
        *(recorded(store, *range(40)) for _ in range(4)),
        *(reported(store, 10, entries=9, first=10 * number) for number in range(4)),
    )
    looks = 0
    while not writing.done():
        assert await broken(store) == []
        await keeper(store).anchor()
        looks += 1
    await writing
    assert looks > 1
    report = await found(store)
    assert (report.findings, report.tickets, report.entries) == ([], 40, 360)
    assert report.acts == 160 + looks
    assert KEYS.of_anchors


@pytest.mark.parametrize("what", ["UPDATE audit_log SET actor = ''", "DELETE FROM audit_log", "DELETE FROM audit_head"])
async def test_services_may_not_change_what_was_recorded(postgres_store: PostgresDatabase, what: str) -> None:
    await recorded(postgres_store, 1)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await postgres_store.transact(lambda tx: tx.raw.execute(what))
    assert await broken(postgres_store) == []
