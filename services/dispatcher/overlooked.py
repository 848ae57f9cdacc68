"""What no event told of: an event can be lost, its dispatch can fail, its broker can be away for an hour, while its
ticket stands in the database. Every open ticket has a network at work, or waits in the NOC's queue.
"""

import logging
from datetime import timedelta

from sqlalchemy import BigInteger, bindparam, exists, or_, select

from services.dispatcher.handlers import Dispatched, OrderDesk
from services.dispatcher.tables import is_live, repair_orders
from services.dispatcher.turns import due, take_turn
from shared.clock import Clock, to_ms
from shared.db.port import Database
from shared.db.statement import Query
from shared.ids import TicketId
from shared.tickets.tables import tickets

log = logging.getLogger(__name__)
SWEEP, EVERY = "overlooked", timedelta(minutes=1)
TOLD_WITHIN = timedelta(seconds=30)  # else it is not on its way any more
BATCH = 500
LOOKS_WITHIN_S = 60.0
NOTHING = Dispatched(0, 0, 0)

t, o = tickets.c, repair_orders.c
_quiet = t.updated_at <= bindparam("before", type_=BigInteger())
_at_work = select(o.ticket).where(is_live).subquery("at_work")
WITHOUT_NETWORK = Query(
    select(t.id)
    .select_from(tickets.outerjoin(_at_work, _at_work.c.ticket == t.id))
    .where(t.over_at.is_(None), t.unroutable.is_(None), t.status != "resolved", _quiet, _at_work.c.ticket.is_(None))
    .order_by(t.rank_at, t.id)
    .limit(BATCH)
)
TO_STAND_DOWN = Query(
    select(o.ticket.label("id"))
    .where(is_live, exists().where(t.id == o.ticket, or_(t.status == "cancelled", t.status == "rejected"), _quiet))
    .order_by(o.ticket)
    .limit(BATCH)
)


class Overlooked:
    def __init__(self, database: Database, clock: Clock, desk: OrderDesk) -> None:
        self._database = database
        self._clock = clock
        self._desk = desk

    async def dispatch_due(self) -> Dispatched:
        """The most urgent first, some at a time. Raises Unavailable."""
        now = self._clock.now()
        if SWEEP not in await due(self._database, {SWEEP: EVERY}, now):
            return NOTHING
        if not await self._database.transact(lambda tx: take_turn(tx, SWEEP, now, every=EVERY)):
            return NOTHING
        found: list[TicketId] = []
        for query in (WITHOUT_NETWORK, TO_STAND_DOWN):
            rows = await self._database.fetch(query, patience_s=LOOKS_WITHIN_S, before=to_ms(now - TOLD_WITHIN))
            found += [TicketId(row["id"]) for row in rows]
        dispatched = await self._desk.dispatch(list(dict.fromkeys(found)))
        if dispatched.tickets:
            log.warning("dispatched %s tickets of which no event had told", dispatched.tickets)
        return dispatched
