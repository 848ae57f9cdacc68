"""What the broker was not told of in time: customers follow it from the outbox for as long as the broker is away.

Fed twice is fed once: what the bus brings in the end is recognised by the marks, like everything that comes again.
"""

import logging
from datetime import timedelta

from sqlalchemy import BigInteger, bindparam, select, true

from services.notifier.handlers.feeding import Feeder
from services.notifier.metrics import NotifierMetrics
from shared.clock import Clock, to_ms
from shared.db.port import Database
from shared.db.schema import outbox
from shared.db.statement import Query
from shared.tickets.store import entry_of
from shared.tickets.tables import LOG_COLUMNS, ticket_log

log = logging.getLogger(__name__)
LATE = timedelta(seconds=10)
BATCH = 500

_waiting = (
    select(outbox)
    .where(outbox.c.position > bindparam("after", type_=BigInteger()))
    .order_by(outbox.c.position)
    .limit(BATCH)
    .subquery("waiting")
)
# One entry each, whatever the planner believes of the queue: see `shared.bus.relay`.
_entry = (
    select(*(ticket_log.c[name] for name in LOG_COLUMNS))
    .where(ticket_log.c.ticket == _waiting.c.ticket, ticket_log.c.seq == _waiting.c.seq)
    .limit(1)
    .lateral("entry")
)
UNPUBLISHED = Query(
    select(_waiting.c.position, *(_entry.c[name] for name in LOG_COLUMNS))
    .select_from(_waiting.join(_entry, true()))
    .where(_entry.c.at <= bindparam("before", type_=BigInteger()))
    .order_by(_waiting.c.position)
)


class Late:
    """For PostgreSQL: on SQLite the log itself is the bus."""

    def __init__(self, database: Database, feeder: Feeder, clock: Clock, metrics: NotifierMetrics) -> None:
        self._database = database
        self._feeder = feeder
        self._clock = clock
        self._metrics = metrics
        self._fed_to = 0

    async def feed(self) -> None:
        """Everything that is late. What takes an earlier position by then is left to the bus. Raises Unavailable."""
        before = to_ms(self._clock.now() - LATE)
        while rows := await self._database.fetch(UNPUBLISHED, after=self._fed_to, before=before):
            fed = await self._feeder.on_events([entry_of(row) for row in rows])
            self._fed_to = rows[-1]["position"]
            self._metrics.fed_without_bus(fed)
            if fed:
                log.warning("fed %s facts of which the broker was not told in time", fed)
