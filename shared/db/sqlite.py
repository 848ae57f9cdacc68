"""SQLite, embedded: one writer thread, WAL, synchronous=FULL, a lock file against a second process.

A body runs in the writer's thread; since its awaits never suspend there, one step finishes it. Whatever bodies wait
share one transaction, each in a savepoint of its own: one fsync for each of them was the limit, and at 900 webhooks a
second the slowest waited for seconds. Reads run in a small pool on query-only connections and see the last commit.
"""

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self, cast

from shared.db.port import PATIENCE_S, Body, T
from shared.db.statement import BulkInsert, Dialect, Query, Row, sqlite_value
from shared.errors import Unavailable

MOST_TOGETHER = 64
Outcome = tuple[Any, set[str]] | BaseException  # a body's result and the channels it announced
Job = tuple[Body[Any], "asyncio.Future[Any]", asyncio.AbstractEventLoop]


WAL_TRIES, WAL_PAUSE_S = 100, 0.05


class AlreadyRunning(Exception):
    """Another process holds this SQLite database."""


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA busy_timeout=5000")
    _use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite does not wait its busy time for this: somebody who just closes the file is enough to be refused."""
    for _ in range(WAL_TRIES):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            time.sleep(WAL_PAUSE_S)
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


class SqliteTx:
    dialect: Dialect = "sqlite"

    def __init__(self, raw: sqlite3.Connection) -> None:
        self.raw = raw
        self.announced: set[str] = set()

    async def fetch(self, query: Query, **params: Any) -> Sequence[Row]:
        return _fetch(self.raw, query, params)

    async def insert(self, bulk: BulkInsert, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            self.raw.execute(bulk.sqlite, bulk.rows.parameters(rows))

    def announce(self, channel: str) -> None:
        self.announced.add(channel)


def _fetch(connection: sqlite3.Connection, query: Query, params: dict[str, Any]) -> Sequence[Row]:
    compiled = query.sqlite
    values = [sqlite_value(v) for v in compiled.arguments(params)]
    return cast(Sequence[Row], connection.execute(compiled.sql, values).fetchall())


class SqliteDatabase:
    """Raises AlreadyRunning when another process has this file open."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path, *, patience_s: float = PATIENCE_S) -> None:
        self.patience_s = patience_s
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(path.with_suffix(".lock"))
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # customers' faults are nobody else's; -wal follows it
        self._path = path
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="sqlite-writer", daemon=True)
        self._readers = ThreadPoolExecutor(2, "sqlite-reader", initializer=self._open_reader)
        self._local = threading.local()
        self._closed = False
        self._writer.start()

    async def transact(self, body: Body[T]) -> T:
        if self._closed:
            raise Unavailable("The database is closed.")
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put((body, future, loop))
        return await future

    async def single(self, body: Body[T]) -> T:
        return await self.transact(body)

    async def fetch(self, query: Query, *, patience_s: float | None = None, **params: Any) -> Sequence[Row]:
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, query, params)

    def within(self, accounts: Iterable[str]) -> Self:
        return self

    def listen(self, channel: str, wake: Callable[[], None]) -> None:
        self._listeners.setdefault(channel, []).append(wake)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._jobs.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._writer.join)
        self._readers.shutdown()
        os.close(self._lock)

    def _open_reader(self) -> None:
        self._local.connection = connect(self._path)
        self._local.connection.execute("PRAGMA query_only=ON")

    def _read(self, query: Query, params: dict[str, Any]) -> Sequence[Row]:
        try:
            return _fetch(self._local.connection, query, params)
        except sqlite3.OperationalError as error:
            raise _unavailable(error) or error from error

    def _write(self) -> None:
        """The writer's thread. It outlives whatever goes wrong: nobody else would answer those who wait."""
        connection: sqlite3.Connection | None = None
        going_on = True
        while going_on:
            jobs, going_on = self._take()
            if jobs:
                outcomes: Sequence[Outcome]
                try:
                    connection = connection or connect(self._path)
                    outcomes = _run(connection, [body for body, _, _ in jobs])
                except sqlite3.Error as error:
                    outcomes = [error] * len(jobs)
                jobs[0][2].call_soon_threadsafe(self._settle, jobs, outcomes)
        if connection is not None:
            connection.close()

    def _take(self) -> tuple[list[Job], bool]:
        """Whatever waits, at least one; False when it was the last."""
        jobs: list[Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == MOST_TOGETHER or self._jobs.empty():
                return jobs, True
            job = self._jobs.get()
        return jobs, False

    def _settle(self, jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
        announced: set[str] = set()
        for (_, future, _), outcome in zip(jobs, outcomes, strict=True):
            if isinstance(outcome, BaseException):
                _fail(future, _unavailable(outcome) or outcome)
                continue
            result, channels = outcome
            announced |= channels
            if not future.done():
                future.set_result(result)
        for channel in announced:
            for wake in self._listeners.get(channel, ()):
                wake()


class SqliteReader:
    """Looks at a database that a running center may hold. Raises Unavailable when the file can't be read."""

    def __init__(self, path: Path) -> None:
        try:
            self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise Unavailable(f"{path} can't be read ({error}).") from None
        self._connection.row_factory = sqlite3.Row

    async def fetch(self, query: Query, *, patience_s: float | None = None, **params: Any) -> Sequence[Row]:
        return await asyncio.to_thread(_fetch, self._connection, query, params)

    def within(self, accounts: Iterable[str]) -> "SqliteReader":
        return self

    async def close(self) -> None:
        self._connection.close()


def _run(connection: sqlite3.Connection, bodies: Sequence[Body[Any]]) -> Sequence[Outcome]:
    """All bodies in one transaction, one fsync; a body that fails takes back only what it did itself."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        outcomes = _alone(connection, *bodies) if len(bodies) == 1 else [_one(connection, body) for body in bodies]
        connection.execute("COMMIT")
    except BaseException as error:  # noqa: BLE001  an edge: the callers get it
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return [error] * len(bodies)
    return outcomes


def _alone(connection: sqlite3.Connection, body: Body[Any]) -> Sequence[Outcome]:
    """What fails here takes the whole transaction back: no savepoint, two statements less."""
    tx = SqliteTx(connection)
    return [(_finish(cast(Coroutine[Any, Any, Any], body(tx))), tx.announced)]


def _one(connection: sqlite3.Connection, body: Body[Any]) -> Outcome:
    tx = SqliteTx(connection)
    connection.execute("SAVEPOINT body")
    outcome: Outcome
    try:
        outcome = _finish(cast(Coroutine[Any, Any, Any], body(tx))), tx.announced
    except BaseException as error:
        if not connection.in_transaction:  # SQLite took the whole transaction back: disk full, I/O error
            raise
        connection.execute("ROLLBACK TO body")
        outcome = error
    connection.execute("RELEASE body")
    return outcome


def _finish(body: Coroutine[Any, Any, T]) -> T:
    """The result of a body that awaits nothing but its transaction."""
    try:
        body.send(None)
    except StopIteration as finished:
        return cast(T, finished.value)
    body.close()
    raise RuntimeError("a transaction's body waited for something other than its transaction")


def _fail(future: "asyncio.Future[Any]", error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _unavailable(error: BaseException) -> Unavailable | None:
    """Locked, full, unreadable; not a mistake in a statement (SQLITE_ERROR), which is a defect."""
    if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
        return Unavailable(f"The database does not answer ({error}); try again.")
    return None


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise AlreadyRunning(
            f"{path} is locked: another center is running on this database. Stop it, or choose another data directory."
        ) from None
    return descriptor
