"""A few long-lived asyncpg connections, shared; a broken one is dropped and what broke it becomes Unavailable."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from shared.errors import Unavailable

Connection = Any  # asyncpg ships no types

LOST = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the connection broke in the middle of something, and then was used again
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.QueryCanceledError,
    asyncpg.DiskFullError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.ConnectionDoesNotExistError,
    TimeoutError,
)


def unavailable(error: BaseException) -> Unavailable:
    return Unavailable(f"The database does not answer ({type(error).__name__}); try again.")


class Pool:
    """At most `size` connections, made by `connect` when they are first needed."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        self._connect = connect
        self._idle: list[Connection] = []
        self._room = asyncio.Semaphore(size)

    @property
    def idle(self) -> int:
        """The connections that wait for work and are not known to be broken."""
        return sum(not connection.is_closed() for connection in self._idle)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Raises Unavailable."""
        async with self._room:
            connection = self._take_idle() or await self._connect()
            try:
                yield connection
            except LOST as error:
                connection.terminate()
                raise unavailable(error) from error
            except BaseException:
                if not connection.is_closed() and connection.is_in_transaction():
                    connection.terminate()
                raise
            finally:
                if not connection.is_closed():
                    self._idle.append(connection)

    async def close(self) -> None:
        idle, self._idle = self._idle, []
        await asyncio.gather(*(c.close(timeout=2) for c in idle), return_exceptions=True)  # one that hangs is cut off

    def _take_idle(self) -> Connection | None:
        while self._idle:
            if not (connection := self._idle.pop()).is_closed():
                return connection
        return None
