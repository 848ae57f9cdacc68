"""What SQLite must do beyond the contract: one process, one writer, commits that are on disk."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from shared.bus.embedded import SAVE
from shared.db import sqlite
from shared.db.port import Tx
from shared.db.schema import bus_positions
from shared.db.sqlite import BUSY_MS, AlreadyRunning, SqliteDatabase
from shared.db.statement import JsonRows, Query
from shared.errors import Unavailable

NOTHING = Query(select(1))
SAVED = Query(select(bus_positions.c.consumer))


async def test_second_process_on_a_sqlite_file_is_refused(sqlite_store: SqliteDatabase, sqlite_path: Path) -> None:
    with pytest.raises(AlreadyRunning, match="another center is running"):
        SqliteDatabase(sqlite_path)


async def test_files_of_a_database_are_its_owners_alone(tmp_path: Path) -> None:
    database = SqliteDatabase(tmp_path / "vrc.sqlite3")
    await database.transact(lambda tx: tx.fetch(NOTHING))
    modes = _modes(tmp_path)
    await database.close()
    assert "vrc.sqlite3" in modes
    assert set(modes.values()) == {0o600}


def _modes(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_mode & 0o777 for file in folder.iterdir()}


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
    with pytest.raises(Unavailable, match="not a database"):
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
    sqlite_store: SqliteDatabase, sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.db.sqlite.BUSY_MS", 50)
    with sqlite3.connect(sqlite_path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable):
            await sqlite_store.transact(lambda tx: tx.insert(SAVE, [("reader", 1)]))
        other.execute("ROLLBACK")
    other.close()


class Threads:
    """In which threads bodies, reads and commits ran."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seen: list[str] = []
        for name in ("_fetch", "_commit"):
            monkeypatch.setattr(sqlite, name, self._noting(getattr(sqlite, name)))

    def _noting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*arguments: Any) -> Any:
            self.note()
            return function(*arguments)

        return noting

    def note(self) -> None:
        here = threading.current_thread() is threading.main_thread()
        self.seen.append("loop" if here else threading.current_thread().name.partition("_")[0])

    async def body(self, tx: Tx) -> None:
        self.note()
        await tx.insert(SAVE, [("reader", len(self.seen))])


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    return Threads(monkeypatch)


async def test_what_is_known_to_be_brief_runs_on_the_loop_and_its_commit_does_not(
    sqlite_store: SqliteDatabase, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.db.brief.BRIEF_S", 3600.0)
    for _ in range(2):
        await sqlite_store.transact(threads.body)
    assert threads.seen == ["sqlite-writer", "sqlite-writer", "loop", "sqlite-writer"]
    threads.seen.clear()
    for _ in range(2):
        await sqlite_store.fetch(NOTHING)
    assert threads.seen == ["sqlite-reader", "loop"]


async def test_what_takes_long_keeps_nobody_from_the_loop(
    sqlite_store: SqliteDatabase, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.db.brief.BRIEF_S", 0.0)
    for _ in range(3):
        await sqlite_store.transact(threads.body)
        await sqlite_store.fetch(NOTHING)
    assert set(threads.seen) == {"sqlite-writer", "sqlite-reader"}


async def test_file_that_somebody_else_has_locked_is_waited_for_aside(
    sqlite_store: SqliteDatabase, sqlite_path: Path, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.db.brief.BRIEF_S", 3600.0)
    await sqlite_store.transact(threads.body)
    other = sqlite3.connect(sqlite_path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    waiting = asyncio.create_task(sqlite_store.transact(threads.body))
    await asyncio.wait([waiting], timeout=0.1)
    assert not waiting.done()
    assert time.monotonic() - began < BUSY_MS / 2000  # the loop went on
    other.execute("ROLLBACK")
    other.close()
    await waiting
    assert threads.seen[-2:] == ["sqlite-writer", "sqlite-writer"]


async def test_body_that_fails_on_the_loop_takes_back_what_it_did_and_nothing_else(
    sqlite_store: SqliteDatabase, threads: Threads, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def saves(tx: Tx, name: str) -> None:
        await tx.insert(SAVE, [(name, 1)])
        if name == "bad":
            raise ZeroDivisionError

    monkeypatch.setattr("shared.db.brief.BRIEF_S", 3600.0)
    for names in (["first"], ["bad"], ["a", "bad", "b"]):  # the first in the thread, then alone and together
        bodies = [sqlite_store.transact(partial(saves, name=name)) for name in names]
        done = await asyncio.gather(*bodies, return_exceptions=True)
        assert [type(outcome) is ZeroDivisionError for outcome in done] == [name == "bad" for name in names]
    assert {row["consumer"] for row in await sqlite_store.fetch(SAVED)} == {"first", "a", "b"}


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))  # the doors let in no others
CELLS = st.tuples(
    TEXTS, st.none() | st.binary(), st.none() | st.integers(-(2**63), 2**63 - 1), st.booleans(), st.binary()
)


@given(st.lists(CELLS))
def test_rows_that_travel_as_json_arrive_as_they_were(rows: list[tuple[Any, ...]]) -> None:
    packed = JsonRows(("text", "maybe", "number", "flag", "bytes"), binary=("maybe", "bytes"))
    with closing(sqlite3.connect(":memory:")) as connection:
        assert connection.execute(packed.select, packed.parameters(rows)).fetchall() == rows
