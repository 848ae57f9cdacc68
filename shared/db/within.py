"""Reads on behalf of some accounts, behind the second wall: on sealed connections, under a signed scope (`walls`)."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, cast

from shared.db.pool import Connection, Pool, unavailable
from shared.db.statement import Query, Row
from shared.db.walls import signed

SEAL = "SELECT vrc_seal($1)"
SCOPE = "SELECT set_config('vrc.scope', $1, false)"


class Within:
    """A `Reader` that PostgreSQL shows the rows of these accounts and no others, whatever the query says."""

    def __init__(self, pool: Pool, seal: bytes, accounts: Iterable[str], patience_s: float) -> None:
        self._pool = pool
        self._seal = seal
        self._accounts = frozenset(accounts)
        self._patience_s = patience_s

    def within(self, accounts: Iterable[str]) -> "Within":
        """A scope only ever gets narrower."""
        return Within(self._pool, self._seal, self._accounts & frozenset(accounts), self._patience_s)

    async def fetch(self, query: Query, *, patience_s: float | None = None, **params: Any) -> Sequence[Row]:
        try:
            async with asyncio.timeout(patience_s or self._patience_s), self._pool.connection() as connection:
                try:
                    # Each time: what the read before left behind on this connection counts for nothing.
                    await connection.execute(SCOPE, signed(self._accounts, self._seal))
                    return await fetch(connection, query, params)
                except asyncio.CancelledError:
                    connection.terminate()
                    raise
        except TimeoutError as error:
            raise unavailable(error) from error


async def fetch(connection: Connection, query: Query, params: dict[str, Any]) -> Sequence[Row]:
    compiled = query.postgresql
    return cast(Sequence[Row], await connection.fetch(compiled.sql, *compiled.arguments(params)))
