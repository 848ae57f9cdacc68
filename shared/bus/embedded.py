"""The embedded bus: each consumer walks the ticket log itself, from a durable position.

With SQLite's single writer the rows of the log stand in commit order, so a cursor over them can skip nothing (on
PostgreSQL it would: see docs/decisions). Rows are never deleted, so their numbers have no holes and survive VACUUM.
A position is written at most five times a second: after a crash the last few facts come again.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, bindparam, func, literal_column, select

from shared.bus.wake import Wake
from shared.contracts.event import Event
from shared.db.port import Database, Tx
from shared.db.schema import bus_positions
from shared.db.statement import BulkInsert, Query
from shared.tickets.store import APPENDED, entry_of
from shared.tickets.tables import LOG_COLUMNS, ticket_log

MOST = 500  # events at once
HELD = 500  # a MiB at most
_position: ColumnElement[int] = literal_column("ticket_log.rowid")
AFTER = Query(
    select(_position.label("position"), *(ticket_log.c[name] for name in LOG_COLUMNS))
    .where(_position > bindparam("position"))
    .order_by(_position)
    .limit(MOST)
)
LAST = Query(select(func.max(_position).label("position")).select_from(ticket_log))
POSITION = Query(select(bus_positions.c.position).where(bus_positions.c.consumer == bindparam("consumer")))
SAVE = BulkInsert(
    bus_positions, ("consumer", "position"), conflict="(consumer) DO UPDATE SET position = excluded.position"
)
SAVE_EVERY_S = 0.2


class Stretch(NamedTuple):
    """`last` is the position of the last of these events; of none, where they would begin."""

    events: Sequence[Event]
    last: int


class Tail:
    """The end of the log as it was read last: consumers walk it side by side, and it is read once for all of them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held = Stretch((), 0)
        self._grown = True
        self._reading = asyncio.Lock()
        database.listen(APPENDED, self._note)

    async def after(self, position: int, *, look: bool = False) -> Stretch:
        """At most MOST; none where the log ends, by what was announced or, with `look`, by a look at the database."""
        async with self._reading:
            if position > self._held.last:
                self._held, look = Stretch((), position), True
            if self._holds(position) and (self._grown or look):
                await self._go_on()
            if not self._holds(position):
                return await self._read(position)
            events, last = self._held
            some = events[len(events) - (last - position) :][:MOST]
            return Stretch(some, position + len(some))

    def _holds(self, position: int) -> bool:
        """Whether everything after it, as far as it was read, is here."""
        return self._held.last - len(self._held.events) <= position <= self._held.last

    async def _go_on(self) -> None:
        events, last = self._held
        self._grown = False
        try:
            read = await self._read(last)
        except BaseException:
            self._note()
            raise
        if len(read.events) == MOST:
            self._note()
        if read.last - last == len(read.events):
            self._held = Stretch([*events, *read.events][-HELD:], read.last)
        else:  # a number is missing: then places can't be counted
            self._held = Stretch((), read.last)

    async def _read(self, position: int) -> Stretch:
        rows = await self._database.fetch(AFTER, position=position)
        return Stretch([entry_of(row) for row in rows], rows[-1]["position"] if rows else position)

    def _note(self) -> None:
        self._grown = True


class EmbeddedEvents:
    """`tail` is the same for all consumers of a center."""

    def __init__(self, database: Database, consumer: str, tail: Tail) -> None:
        self._database = database
        self._consumer = consumer
        self._tail = tail
        self._wake = Wake()
        self._at_end = False
        self._position: int | None = None
        self._done = self._saved = 0
        self._saved_at = time.monotonic()
        database.listen(APPENDED, self._wake.set)

    async def poll(self) -> Sequence[Event]:
        if self._position is None:
            rows = await self._database.fetch(POSITION, consumer=self._consumer)
            self._position = self._done = self._saved = rows[0]["position"] if rows else 0
        look = self._at_end and not await self._wake.wait(SAVE_EVERY_S if self._saved < self._done else 1.0)
        if look:
            await self._save()
        events, self._position = await self._tail.after(self._position, look=look)
        self._at_end = not events
        return events

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
