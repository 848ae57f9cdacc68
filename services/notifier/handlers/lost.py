"""What the bus lost after it had taken it: a ticket's log is longer than what was fed of it, and no event will tell.

The open tickets are looked at each time, all others in turn, the newest first. Fed twice is fed once, as ever.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import BigInteger, ColumnElement, Text, and_, bindparam, func, select

from services.notifier.handlers.feeding import Feeder
from services.notifier.metrics import NotifierMetrics
from services.notifier.tables import feed_marks
from shared.clock import Clock, to_ms
from shared.db.port import Database
from shared.db.statement import Query, any_of
from shared.ids import TicketId
from shared.tickets.store import entry_of
from shared.tickets.tables import LOG_COLUMNS, ticket_log, tickets

log = logging.getLogger(__name__)
TOLD_WITHIN = timedelta(minutes=1)  # else it is not on its way any more, by whichever way
BATCH = 500
STRETCH = 5000
LOOKS_WITHIN_S = 60.0
LAST = "VU"  # after every ticket's id

t, entry = tickets.c, ticket_log.c
_own = ticket_log.alias("own")
_last = select(func.max(_own.c.seq)).where(_own.c.ticket == t.id).scalar_subquery()
_fed = select(feed_marks.c.seq).where(feed_marks.c.ticket == t.id).scalar_subquery()


def _longer_than_fed(which: ColumnElement[bool]) -> Query:
    is_quiet = t.updated_at <= bindparam("before", type_=BigInteger())
    return Query(select(t.id).where(which, is_quiet, _last > func.coalesce(_fed, 0)))


OPEN = _longer_than_fed(t.over_at.is_(None))
THESE = _longer_than_fed(any_of(t.id, "tickets"))
STRETCH_BEFORE = Query(
    select(t.id).where(t.id < bindparam("to", type_=Text())).order_by(t.id.desc()).limit(bindparam("most"))
)
LAST_ENTRIES = Query(
    select(*(entry[name] for name in LOG_COLUMNS))
    .select_from(tickets.join(ticket_log, and_(entry.ticket == t.id, entry.seq == _last)))
    .where(any_of(t.id, "tickets"))
)


class Lost:
    """For PostgreSQL: on SQLite the log itself is the bus."""

    def __init__(
        self, database: Database, feeder: Feeder, clock: Clock, metrics: NotifierMetrics, *, stretch: int = STRETCH
    ) -> None:
        self._database = database
        self._feeder = feeder
        self._clock = clock
        self._metrics = metrics
        self._stretch = stretch
        self._walked_to = LAST

    async def feed(self) -> None:
        """All that is lost of open tickets, and of the next stretch of the others. Raises Unavailable."""
        await self._feed(await self._lost(OPEN))
        rows = await self._database.fetch(STRETCH_BEFORE, to=self._walked_to, most=self._stretch)
        stretch = [row["id"] for row in rows]
        await self._feed(await self._lost(THESE, tickets=stretch))
        self._walked_to = stretch[-1] if len(stretch) == self._stretch else LAST

    async def _lost(self, query: Query, **which: Sequence[TicketId]) -> Sequence[TicketId]:
        before = to_ms(self._clock.now() - TOLD_WITHIN)
        rows = await self._database.fetch(query, patience_s=LOOKS_WITHIN_S, before=before, **which)
        return sorted(row["id"] for row in rows)

    async def _feed(self, lost: Sequence[TicketId]) -> None:
        """By the last entry of each: what is missing before it, the feeder reads."""
        for begin in range(0, len(lost), BATCH):
            rows = await self._database.fetch(LAST_ENTRIES, tickets=lost[begin : begin + BATCH])
            fed = await self._feeder.on_events([entry_of(row) for row in rows])
            self._metrics.fed_without_bus(fed)
            if fed:
                log.warning("fed %s facts of %s tickets, which the bus had lost", fed, len(rows))
