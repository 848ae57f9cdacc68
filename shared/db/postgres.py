"""PostgreSQL over asyncpg: a few long-lived connections, one round trip a statement, wake-ups by NOTIFY.

NOTIFY goes out after the commit, one for all commits that are waiting for it: inside each transaction it takes a
database-wide lock and was measured to halve the throughput. Whoever listens also polls, so a lost wake costs a
second, never an event.
"""

import asyncio
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

import asyncpg

from shared.db.pool import LOST, Connection, Pool, unavailable
from shared.db.port import PATIENCE_S, Body, T
from shared.db.statement import BulkInsert, Dialect, Query, Row
from shared.db.within import SEAL, Within, fetch
from shared.errors import LoginRefused, Unavailable

SERVER_SETTINGS = {
    "application_name": "vrc",
    "statement_timeout": "10000",
    "idle_in_transaction_session_timeout": "15000",
    "jit": "off",
    "vrc.scope": "*",  # the center's own; a sealed connection has another, see `within`
}
# What writes touches a few rows that it names. Left to itself the planner plans some of it anew each time (a list of
# one looks cheaper than a list of any length), which costs more than running it; and what it planned while a table was
# nearly empty, a scan from end to end, it keeps until the statistics are next renewed.
WRITING_SETTINGS = {**SERVER_SETTINGS, "plan_cache_mode": "force_generic_plan", "enable_seqscan": "off"}
SEALED_CONNECTIONS = 4
REFUSED = (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidCatalogNameError)
NOTIFY_EVERY_S = 0.005  # the first goes out at once; each is a transaction with a lock and an fsync of its own

TCP_SETTINGS = {
    socket.TCP_KEEPIDLE: 5,
    socket.TCP_KEEPINTVL: 5,
    socket.TCP_KEEPCNT: 3,
    socket.TCP_USER_TIMEOUT: 20_000,
}
"""Seconds, and milliseconds for the last: a host that vanishes without a reset breaks its connections within 20 s."""


def _notice_a_lost_host(connection: Connection) -> None:
    """Without this the relay and LISTEN, which wait without a limit of their own, would wait for TCP: hours."""
    raw = connection._transport.get_extra_info("socket")  # asyncpg has no public way to it
    if raw.family != socket.AF_UNIX:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in TCP_SETTINGS.items():
            raw.setsockopt(socket.IPPROTO_TCP, option, value)


class PostgresTx:
    dialect: Dialect = "postgresql"

    def __init__(self, raw: Connection) -> None:
        self.raw = raw
        self.announced: set[str] = set()

    async def fetch(self, query: Query, **params: Any) -> Sequence[Row]:
        return await fetch(self.raw, query, params)

    async def insert(self, bulk: BulkInsert, rows: Sequence[tuple[Any, ...]]) -> None:
        if rows:
            await self.raw.execute(bulk.postgresql, *map(list, zip(*rows, strict=True)))

    def announce(self, channel: str) -> None:
        self.announced.add(channel)


class PostgresDatabase:
    dialect: Dialect = "postgresql"

    def __init__(self, dsn: str, *, connections: int = 8, patience_s: float = PATIENCE_S) -> None:
        self._dsn = dsn
        self.patience_s = patience_s
        self._pool = Pool(partial(self._connect, SERVER_SETTINGS), connections)
        self._writing = Pool(self.connect, connections)
        self._seal = secrets.token_bytes(32)  # never leaves this process but to seal a connection
        self._sealed = Pool(self._connect_sealed, SEALED_CONNECTIONS)
        self._listeners: dict[str, list[Callable[[], None]]] = {}
        self._needed_here_only: dict[str, Callable[[], bool]] = {}
        self._pending: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Task[None] | None = None
        self._notifying = False
        self._relisten = asyncio.Event()

    async def transact(self, body: Body[T]) -> T:
        async with self._writing.connection() as connection:
            tx = PostgresTx(connection)
            await connection.execute("BEGIN")
            try:
                result = await body(tx)
            except BaseException:
                if not connection.is_closed():
                    await connection.execute("ROLLBACK")
                raise
            await connection.execute("COMMIT")
        self._announce(tx.announced)
        return result

    async def single(self, body: Body[T]) -> T:
        """Like `transact` for a body that writes with one statement, its own transaction: two round trips less."""
        async with self._writing.connection() as connection:
            tx = PostgresTx(connection)
            result = await body(tx)
        self._announce(tx.announced)
        return result

    async def fetch(self, query: Query, *, patience_s: float | None = None, **params: Any) -> Sequence[Row]:
        try:
            async with asyncio.timeout(patience_s or self.patience_s), self.connection() as connection:
                try:
                    return await fetch(connection, query, params)
                except asyncio.CancelledError:
                    connection.terminate()
                    raise
        except TimeoutError as error:
            raise unavailable(error) from error

    def within(self, accounts: Iterable[str]) -> Within:
        return Within(self._sealed, self._seal, accounts, self.patience_s)

    def listen(self, channel: str, wake: Callable[[], None]) -> None:
        self._listeners.setdefault(channel, []).append(wake)
        self._relisten.set()
        if self._listening is None:
            self._listening = asyncio.create_task(self._listen(), name="postgres-listen")

    def needed_here_only(self, channel: str, when: Callable[[], bool]) -> None:
        """While `when` answers True, no other process has any use for this channel: then it is not told of it."""
        self._needed_here_only[channel] = when

    async def close(self) -> None:
        tasks = [*self._tasks, *([self._listening] if self._listening else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(self._pool.close(), self._writing.close(), self._sealed.close())

    async def connect(self) -> Connection:
        """A connection of the caller's own, for writes and what is named. Raises Unavailable."""
        return await self._connect(WRITING_SETTINGS)

    async def _connect(self, settings: Mapping[str, str]) -> Connection:
        try:
            connection = await asyncpg.connect(
                self._dsn, timeout=self.patience_s, server_settings=settings, statement_cache_size=200
            )
        except REFUSED as error:
            raise LoginRefused(str(error)) from error
        except LOST as error:
            raise unavailable(error) from error
        _notice_a_lost_host(connection)
        return connection

    def connection(self) -> AbstractAsyncContextManager[Connection]:
        """One of the shared connections. Raises Unavailable."""
        return self._pool.connection()

    async def _connect_sealed(self) -> Connection:
        connection = await self._connect(SERVER_SETTINGS)
        try:
            await connection.execute(SEAL, self._seal)
        except LOST as error:
            connection.terminate()
            raise unavailable(error) from error
        return connection

    def _announce(self, channels: set[str]) -> None:
        for channel in channels:
            for wake in self._listeners.get(channel, ()):
                wake()
        self._pending |= {channel for channel in channels if self._concerns_others(channel)}
        if self._pending and not self._notifying:
            self._notifying = True
            task = asyncio.create_task(self._notify())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _concerns_others(self, channel: str) -> bool:
        needed_here_only = self._needed_here_only.get(channel)
        return needed_here_only is None or not needed_here_only()

    async def _notify(self) -> None:
        """One NOTIFY a channel for everything announced while the one before was under way and shortly after it."""
        try:
            while self._pending:
                channels, self._pending = self._pending, set()
                async with self.connection() as connection:
                    for channel in channels:
                        await connection.execute(f'NOTIFY "{channel}"')
                await asyncio.sleep(NOTIFY_EVERY_S)
        except Unavailable:
            self._pending.clear()  # listeners poll every second
        finally:
            self._notifying = False

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_until_lost()
            except (Unavailable, *LOST):
                await asyncio.sleep(0.5)

    async def _listen_until_lost(self) -> None:
        connection = await self._connect(SERVER_SETTINGS)
        self._relisten.clear()
        connection.add_termination_listener(lambda _: self._relisten.set())
        try:
            for channel, wakes in list(self._listeners.items()):
                await connection.add_listener(channel, lambda *_, wakes=wakes: [wake() for wake in wakes])
            await self._relisten.wait()
        finally:
            connection.terminate()
