"""What SQLite must do beyond the contract: one process, one writer, commits that are on disk."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from shared.bus.embedded import SAVE
from shared.db.port import Tx
from shared.db.sqlite import AlreadyRunning, SqliteDatabase
from shared.db.statement import JsonRows, Query
from shared.errors import Unavailable

NOTHING = Query(select(1))


async def test_second_process_on_a_sqlite_file_is_refused(sqlite_store: SqliteDatabase, sqlite_path: Path) -> None:
    with pytest.raises(AlreadyRunning, match="another center is running"):
        SqliteDatabase(sqlite_path)


async def test_sqlite_file_is_free_again_after_close(sqlite_path: Path) -> None:
    for _ in range(2):
        database = SqliteDatabase(sqlite_path)
        await database.transact(lambda tx: tx.fetch(NOTHING))
        await database.close()


async def test_closed_sqlite_says_so_instead_of_waiting_for_ever(sqlite_path: Path) -> None:
    database = SqliteDatabase(sqlite_path)
    await database.close()
    await database.close()
    with pytest.raises(Unavailable, match="closed"):
        await database.transact(lambda tx: tx.fetch(NOTHING))


async def test_writer_that_cannot_open_its_file_says_so_and_goes_on_when_it_can(tmp_path: Path) -> None:
    path = tmp_path / "vrc.sqlite3"
    path.write_text("this is no database" * 100)
    database = SqliteDatabase(path)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        await database.transact(lambda tx: tx.fetch(NOTHING))
    path.write_bytes(b"")
    await database.transact(lambda tx: tx.fetch(NOTHING))
    await database.close()


async def test_file_that_somebody_is_closing_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "vrc.sqlite3"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    database = SqliteDatabase(path)
    waiting = asyncio.create_task(database.transact(lambda tx: tx.fetch(NOTHING)))
    reading = asyncio.create_task(database.fetch(NOTHING))
    await asyncio.wait([waiting, reading], timeout=0.2)
    assert not waiting.done()
    other.close()
    await asyncio.gather(waiting, reading)
    await database.close()


async def test_sqlite_body_that_waits_for_something_else_is_refused(sqlite_store: SqliteDatabase) -> None:
    async def body(tx: Tx) -> None:
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waited for something other"):
        await sqlite_store.transact(body)


async def test_sqlite_commits_are_on_disk_not_in_a_cache(sqlite_store: SqliteDatabase) -> None:
    async def pragmas(tx: Tx) -> tuple[Any, Any]:
        return tuple(tx.raw.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous"))

    assert await sqlite_store.transact(pragmas) == ("wal", 2)


async def test_sqlite_that_somebody_else_has_locked_is_unavailable(
    sqlite_store: SqliteDatabase, sqlite_path: Path
) -> None:
    async def impatient(tx: Tx) -> None:
        tx.raw.execute("PRAGMA busy_timeout=0")

    await sqlite_store.transact(impatient)
    with sqlite3.connect(sqlite_path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await sqlite_store.transact(lambda tx: tx.insert(SAVE, [("reader", 1)]))
        other.execute("ROLLBACK")
    other.close()


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))  # the doors let in no others
CELLS = st.tuples(
    TEXTS, st.none() | st.binary(), st.none() | st.integers(-(2**63), 2**63 - 1), st.booleans(), st.binary()
)


@given(st.lists(CELLS))
def test_rows_that_travel_as_json_arrive_as_they_were(rows: list[tuple[Any, ...]]) -> None:
    packed = JsonRows(("text", "maybe", "number", "flag", "bytes"), binary=("maybe", "bytes"))
    with closing(sqlite3.connect(":memory:")) as connection:
        assert connection.execute(packed.select, packed.parameters(rows)).fetchall() == rows
