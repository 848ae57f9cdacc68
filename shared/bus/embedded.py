"""The embedded bus: each consumer walks the ticket log itself, from a durable position.

With SQLite's single writer the rows of the log stand in commit order, so a cursor over them can skip nothing (on
PostgreSQL it would: see docs/decisions). Rows are never deleted, so their numbers have no holes and survive VACUUM.
A position is written at most five times a second: after a crash the last few facts come again.
"""

import time
from collections.abc import Sequence

from sqlalchemy import ColumnElement, bindparam, func, literal_column, select

from shared.bus.wake import Wake
from shared.contracts.event import Event
from shared.db.port import Database, Tx
from shared.db.schema import bus_positions
from shared.db.statement import BulkInsert, Query
from shared.tickets.store import APPENDED, entry_of
from shared.tickets.tables import LOG_COLUMNS, ticket_log

_position: ColumnElement[int] = literal_column("ticket_log.rowid")
AFTER = Query(
    select(_position.label("position"), *(ticket_log.c[name] for name in LOG_COLUMNS))
    .where(_position > bindparam("position"))
    .order_by(_position)
    .limit(500)
)
LAST = Query(select(func.max(_position).label("position")).select_from(ticket_log))
POSITION = Query(select(bus_positions.c.position).where(bus_positions.c.consumer == bindparam("consumer")))
SAVE = BulkInsert(
    bus_positions, ("consumer", "position"), conflict="(consumer) DO UPDATE SET position = excluded.position"
)
SAVE_EVERY_S = 0.2


class EmbeddedEvents:
    def __init__(self, database: Database, consumer: str) -> None:
        self._database = database
        self._consumer = consumer
        self._wake = Wake()
        self._position: int | None = None
        self._done = self._saved = 0
        self._saved_at = time.monotonic()
        database.listen(APPENDED, self._wake.set)

    async def poll(self) -> Sequence[Event]:
        if self._position is None:
            rows = await self._database.fetch(POSITION, consumer=self._consumer)
            self._position = self._done = self._saved = rows[0]["position"] if rows else 0
        if not (rows := await self._database.fetch(AFTER, position=self._position)):
            woken = await self._wake.wait(SAVE_EVERY_S if self._saved < self._done else 1.0)
            if not woken:
                await self._save()
            rows = await self._database.fetch(AFTER, position=self._position)
        if rows:
            self._position = rows[-1]["position"]
        return [entry_of(row) for row in rows]

    async def done(self) -> None:
        self._done = self._position or 0
        if time.monotonic() - self._saved_at > SAVE_EVERY_S:
            await self._save()

    async def behind(self) -> int | None:
        last = (await self._database.fetch(LAST))[0]["position"] or 0
        return last - self._done if self._position is not None else None

    async def close(self) -> None:
        await self._save()

    async def _save(self) -> None:
        if self._saved == self._done:
            return
        position = self._done

        async def save(tx: Tx) -> None:
            await tx.insert(SAVE, [(self._consumer, position)])

        await self._database.transact(save)
        self._saved, self._saved_at = position, time.monotonic()
