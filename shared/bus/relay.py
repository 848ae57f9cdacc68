"""From the log to the broker: select what is unpublished in order, publish, await the acknowledgement, delete.

One relay leads, by an advisory lock held on the very connection it works on: lose the connection and nothing more
can be deleted, so a second leader can at worst publish again. It never walks a cursor: on PostgreSQL a late commit
takes an earlier position, and a cursor lost 720 of 4,000 rows. Here it is simply found in the next round.

What was acknowledged is deleted by the statement that reads on.
"""

import asyncio
import logging
from collections.abc import Sequence
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
# $1, ascending, goes, and is passed over: the statement still sees it.
NEXT = f"""
WITH gone AS (DELETE FROM outbox WHERE position = ANY($1::bigint[]))
SELECT o.position, {", ".join("l." + name for name in LOG_COLUMNS)}
FROM (
  SELECT position, ticket, seq FROM outbox
  WHERE ($1::bigint[])[width_bucket(position, $1::bigint[])] IS DISTINCT FROM position
  ORDER BY position LIMIT {BATCH}) o
CROSS JOIN LATERAL (SELECT * FROM ticket_log WHERE ticket = o.ticket AND seq = o.seq OFFSET 0) l
ORDER BY o.position"""


class Relay:
    """Runs in every process that writes the log; only the leader does anything."""

    def __init__(self, database: PostgresDatabase, publisher: Publisher, clock: Clock, pulse: Pulse) -> None:
        self._database = database
        self._publisher = publisher
        self._clock = clock
        self._pulse = pulse
        self._wake = Wake()
        self._ahead: Sequence[Any] = ()  # read, not published
        self.published = 0
        self.leads = False
        database.listen(APPENDED, self._wake.set)
        database.needed_here_only(APPENDED, lambda: self.leads)

    async def run(self) -> None:
        while True:
            try:
                await self._stand()
            except (Unavailable, *LOST) as error:
                log.warning("relay pauses: %s", error)
            except Exception:
                log.exception("relay failed and tries again")
            self.leads = False
            await asyncio.sleep(0.5)

    async def _stand(self) -> None:
        """Wait to become the leader, then lead until the connection or the broker is lost."""
        connection = await self._database.connect()
        self._ahead = ()  # another may have led meanwhile
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
        rows = self._ahead or await self._next(connection)
        self._ahead = ()
        if not rows:
            self._pulse.beat()
            return 0
        self._pulse.owes(self._clock.now() - from_ms(rows[0]["at"]))
        messages: list[Message] = []
        for event in map(entry_of, rows):
            messages += to_messages(event, topics_of(event.type, event.data))
        await self._publisher.publish(messages)
        self._ahead = await self._next(connection, [row["position"] for row in rows])
        self._pulse.beat()
        self.published += len(rows)
        return len(rows)

    async def _next(self, connection: Any, acknowledged: Sequence[int] = ()) -> Sequence[Any]:
        self._wake.clear()  # what was committed by now is about to be read
        rows: Sequence[Any] = await connection.fetch(NEXT, sorted(acknowledged))
        return rows
