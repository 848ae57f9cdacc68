"""From the log to the broker: select what is unpublished in order, publish, await the acknowledgement, delete.

One relay leads, by an advisory lock held on the very connection it works on: lose the connection and nothing more
can be deleted, so a second leader can at worst publish again. It never walks a cursor: on PostgreSQL a late commit
takes an earlier position, and a cursor lost 720 of 4,000 rows. Here it is simply found in the next round.

What was acknowledged is deleted by the statement that reads on; while much waits it reads on, and makes the records,
before the broker has acknowledged what it has.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.bus.port import Publisher
from shared.bus.wake import Wake
from shared.clock import Clock, from_ms
from shared.contracts.envelope import Message
from shared.contracts.records import to_messages
from shared.contracts.topics import topics_of
from shared.db.pool import LOST
from shared.db.postgres import PostgresDatabase
from shared.errors import Unavailable
from shared.health import Pulse
from shared.tickets.store import APPENDED, entry_of
from shared.tickets.tables import LOG_COLUMNS

log = logging.getLogger(__name__)
LOCK_KEY = 0x5652_4301  # "VRC", relay 1
BATCH = 500
# OFFSET 0 keeps the planner from joining otherwise than entry by entry: a queue's statistics are always of yesterday,
# and by them it read the whole log in every round (27 ms instead of 3, with ten thousand entries).
#
# $1 goes; $2, ascending, is passed over: what goes is still seen by the statement, and the rest is being published.
NEXT = f"""
WITH gone AS (DELETE FROM outbox WHERE position = ANY($1::bigint[]))
SELECT o.position, {", ".join("l." + name for name in LOG_COLUMNS)}
FROM (
  SELECT position, ticket, seq FROM outbox
  WHERE ($2::bigint[])[width_bucket(position, $2::bigint[])] IS DISTINCT FROM position
  ORDER BY position LIMIT {BATCH}) o
CROSS JOIN LATERAL (SELECT * FROM ticket_log WHERE ticket = o.ticket AND seq = o.seq OFFSET 0) l
ORDER BY o.position"""


@dataclass(frozen=True, slots=True)
class Round:
    """The oldest that is unpublished, as records; `since` is when the first of it was said."""

    positions: list[int]
    since: datetime
    messages: Sequence[Message]


class Relay:
    """Runs in every process that writes the log; only the leader does anything."""

    def __init__(self, database: PostgresDatabase, publisher: Publisher, clock: Clock, pulse: Pulse) -> None:
        self._database = database
        self._publisher = publisher
        self._clock = clock
        self._pulse = pulse
        self._wake = Wake()
        self._ahead: Round | None = None  # read, not published
        self._acknowledged: list[int] = []  # published, not deleted
        self.published = 0
        self.leads = False
        database.listen(APPENDED, self._wake.set)
        database.needed_here_only(APPENDED, lambda: self.leads)

    async def run(self) -> None:
        while True:
            try:
                await self._stand()
            except* (Unavailable, *LOST) as errors:
                log.warning("relay pauses: %s", "; ".join(map(str, errors.exceptions)))
            except* Exception:
                log.exception("relay failed and tries again")
            self.leads = False
            await asyncio.sleep(0.5)

    async def _stand(self) -> None:
        """Wait to become the leader, then lead until the connection or the broker is lost."""
        connection = await self._database.connect()
        self._ahead, self._acknowledged = None, []  # another may have led meanwhile
        try:
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LOCK_KEY):
                self._pulse.beat()
                await asyncio.sleep(1)
            self.leads = True
            while True:
                await self.publish_some(connection)
                if not self._ahead:
                    await self._wake.wait(1.0)
        finally:
            connection.terminate()

    async def publish_some(self, connection: Any) -> int:
        """One round; answers how many log entries were published and acknowledged."""
        this = self._ahead or await self._next(connection)
        self._ahead = None
        if this is None:
            self._pulse.beat()
            return 0
        self._pulse.owes(self._clock.now() - this.since)
        if len(this.positions) < BATCH:
            await self._publisher.publish(this.messages)
        else:
            async with asyncio.TaskGroup() as both:
                reading = both.create_task(self._next(connection, under_way=this.positions))
                both.create_task(self._publisher.publish(this.messages))
            self._ahead = reading.result()
        self._acknowledged += this.positions
        if self._ahead is None:
            self._ahead = await self._next(connection)
        self._pulse.beat()
        self.published += len(this.positions)
        return len(this.positions)

    async def _next(self, connection: Any, *, under_way: Sequence[int] = ()) -> Round | None:
        self._wake.clear()  # what was committed by now is about to be read
        passed_over = sorted([*self._acknowledged, *under_way])
        rows = await connection.fetch(NEXT, self._acknowledged, passed_over)
        self._acknowledged = []
        if not rows:
            return None
        messages: list[Message] = []
        for event in map(entry_of, rows):
            messages += to_messages(event, topics_of(event.type, event.data))
        return Round([row["position"] for row in rows], from_ms(rows[0]["at"]), messages)
