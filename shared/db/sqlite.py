"""SQLite, embedded: one writer, WAL, synchronous=FULL, a lock file against a second process.

Whatever bodies wait share one transaction, each in a savepoint of its own: one fsync for each of them was the limit,
and at 900 webhooks a second the slowest waited for seconds. Bodies and reads that are known to be brief run on the
event loop, where nobody contends for the interpreter; the commit, which waits for the disk, and all else in threads.
Reads have query-only connections and see the last commit.
"""

import asyncio
import fcntl
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Self, cast

from shared.db.aside import Aside
from shared.db.brief import Brief, kind_of
from shared.db.port import PATIENCE_S, Body, T
from shared.db.statement import BulkInsert, Dialect, Query, Row, sqlite_value
from shared.errors import Unavailable

MOST_TOGETHER = 64
Outcome = tuple[Any, set[str]] | BaseException  # a body's result and the channels it announced
Job = tuple[Body[Any], "asyncio.Future[Any]"]
Clock = Callable[[], float]  # on the loop what it waited counts too: it kept others waiting

BUSY_MS = 5000
WAL_TRIES, WAL_PAUSE_S = 100, 0.05


class AlreadyRunning(Exception):
    """Another process holds this SQLite database."""


def connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    try:
        _use_wal(connection)
    except sqlite3.DatabaseError as error:
        raise Unavailable(f"{path} can't be used ({error}).") from error
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
        self._waiting: deque[Job] = deque()
        self._writing: asyncio.Task[None] | None = None
        self._connection: sqlite3.Connection | None = None
        self._writer = Aside("sqlite-writer")
        self._readers = ThreadPoolExecutor(2, "sqlite-reader")
        self._here: sqlite3.Connection | None = None
        self._local = threading.local()
        self._brief = Brief()
        self._closed = False

    async def transact(self, body: Body[T]) -> T:
        if self._closed:
            raise Unavailable("The database is closed.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((body, future))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="sqlite-write")
        return await future

    async def single(self, body: Body[T]) -> T:
        return await self.transact(body)

    async def fetch(self, query: Query, *, patience_s: float | None = None, **params: Any) -> Sequence[Row]:
        aside = partial(asyncio.get_running_loop().run_in_executor, self._readers)
        if query not in self._brief:
            return await aside(self._read_aside, query, params)
        if self._here is None:
            opened = await aside(self._open_reader)
            self._here = self._here or opened
        return self._read(self._here, query, params, time.perf_counter)

    def within(self, accounts: Iterable[str]) -> Self:
        return self

    def listen(self, channel: str, wake: Callable[[], None]) -> None:
        self._listeners.setdefault(channel, []).append(wake)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._writing is not None:
            await self._writing
        self._writer.close()
        self._readers.shutdown()
        for connection in (self._here, self._connection):
            if connection is not None:
                connection.close()
        os.close(self._lock)

    def _open_reader(self) -> sqlite3.Connection:
        connection = connect(self._path)
        connection.execute("PRAGMA query_only=ON")
        return connection

    def _read_aside(self, query: Query, params: dict[str, Any]) -> Sequence[Row]:
        if not hasattr(self._local, "connection"):
            self._local.connection = self._open_reader()
        return self._read(self._local.connection, query, params, time.thread_time)

    def _read(
        self, connection: sqlite3.Connection, query: Query, params: dict[str, Any], clock: Clock
    ) -> Sequence[Row]:
        began = clock()
        try:
            return _fetch(connection, query, params)
        except sqlite3.OperationalError as error:
            raise _unavailable(error) or error from error
        finally:
            self._brief.took(query, clock() - began)

    async def _write(self) -> None:
        """While somebody waits. It outlives whatever goes wrong: nobody else would answer those who wait."""
        try:
            while self._waiting:
                jobs = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_TOGETHER))]
                self._settle(jobs, await self._outcomes([body for body, _ in jobs]))
                await asyncio.sleep(0)  # whoever was just answered: what they want next shares the next commit
        finally:
            self._writing = None

    async def _outcomes(self, bodies: Sequence[Body[Any]]) -> Sequence[Outcome]:
        try:
            return await self._transaction(bodies)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  an edge: the callers get it
            return [error] * len(bodies)

    async def _transaction(self, bodies: Sequence[Body[Any]]) -> Sequence[Outcome]:
        connection = self._connection
        if connection is None or not all(kind_of(body) in self._brief for body in bodies) or not _begun(connection):
            return await self._writer.do(lambda: self._run(bodies))
        before = connection.total_changes
        outcomes = self._done(connection, bodies, time.perf_counter)
        if connection.total_changes == before:
            _commit(connection)
        else:
            await self._writer.do(lambda: _commit(connection))
        return outcomes

    def _run(self, bodies: Sequence[Body[Any]]) -> Sequence[Outcome]:
        """A whole transaction, in the writer's thread, with patience for whoever has locked the file."""
        self._connection = connection = self._connection or connect(self._path)
        connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
        try:
            connection.execute("BEGIN IMMEDIATE")
            outcomes = self._done(connection, bodies, time.thread_time)
            _commit(connection)
        finally:
            connection.execute("PRAGMA busy_timeout=0")  # on the loop nobody waits
        return outcomes

    def _done(self, connection: sqlite3.Connection, bodies: Sequence[Body[Any]], clock: Clock) -> Sequence[Outcome]:
        """All bodies, in the transaction that was begun; a body that fails takes back only what it did itself."""
        try:
            one = _alone if len(bodies) == 1 else _one
            outcomes = []
            for body in bodies:
                began = clock()
                outcomes.append(one(connection, body))
                self._brief.took(kind_of(body), clock() - began)
        except BaseException:
            _roll_back(connection)
            raise
        return outcomes

    def _settle(self, jobs: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
        announced: set[str] = set()
        for (_, future), outcome in zip(jobs, outcomes, strict=True):
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

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        try:
            self._connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise Unavailable(f"{path} can't be read ({error}).") from None
        self._connection.row_factory = sqlite3.Row

    async def fetch(self, query: Query, *, patience_s: float | None = None, **params: Any) -> Sequence[Row]:
        try:
            return await asyncio.to_thread(_fetch, self._connection, query, params)
        except sqlite3.DatabaseError as error:
            raise Unavailable(f"The database can't be read ({error}).") from error

    def within(self, accounts: Iterable[str]) -> "SqliteReader":
        return self

    async def close(self) -> None:
        self._connection.close()


def _begun(connection: sqlite3.Connection) -> bool:
    """False when somebody else has locked the file right now."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _commit(connection: sqlite3.Connection) -> None:
    """One fsync for all."""
    try:
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:  # else SQLite took the whole transaction back itself: disk full, I/O error
        connection.execute("ROLLBACK")


def _alone(connection: sqlite3.Connection, body: Body[Any]) -> Outcome:
    """What fails here takes the whole transaction back: no savepoint, two statements less."""
    tx = SqliteTx(connection)
    return _finish(cast(Coroutine[Any, Any, Any], body(tx))), tx.announced


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
