"""What no event told of: an event can be lost, its dispatch can fail, its broker can be away for an hour, while its
ticket stands in the database. Every open ticket has a network at work, or waits in the NOC's queue; every closed one is
to be asked about.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, bindparam, exists, or_, select

from services.dispatcher.follow_up.desk import FollowUps
from services.dispatcher.follow_up.tables import follow_ups
from services.dispatcher.handlers import Dispatched, OrderDesk
from services.dispatcher.tables import is_live, repair_orders
from services.dispatcher.turns import due, take_turn
from shared.clock import Clock, to_ms
from shared.db.port import Database
from shared.db.statement import Query
from shared.ids import TicketId
from shared.tickets.tables import tickets

log = logging.getLogger(__name__)
ORDERS, CLOSINGS = "overlooked", "closings"
EVERY = {ORDERS: timedelta(minutes=1), CLOSINGS: timedelta(hours=1)}
ASKED_WITHIN = timedelta(days=31)  # since the report
TOLD_WITHIN = timedelta(seconds=30)  # else it is not on its way any more
BATCH = 500
LOOKS_WITHIN_S = 60.0
NOTHING = Dispatched(0, 0, 0)

t, o, u = tickets.c, repair_orders.c, follow_ups.c
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


CLOSED = Query(
    select(t.id)
    .where(t.opened_at >= bindparam("since", type_=BigInteger()), t.status == "closed", _quiet)
    .where(~exists().where(u.ticket == t.id))
    .order_by(t.opened_at)
    .limit(BATCH)
)


class Overlooked:
    def __init__(self, database: Database, clock: Clock, desk: OrderDesk, follow_ups: FollowUps) -> None:
        self._database = database
        self._clock = clock
        self._desk = desk
        self._follow_ups = follow_ups

    async def look_due(self) -> Dispatched:
        """The most urgent first, some at a time; answers what was ordered. Raises Unavailable."""
        now = self._clock.now()
        due_now = await due(self._database, EVERY, now)
        if CLOSINGS in due_now and await self._take_turn(CLOSINGS, now):
            await self._plan_to_ask(now)
        if ORDERS in due_now and await self._take_turn(ORDERS, now):
            return await self._dispatch(now)
        return NOTHING

    async def _take_turn(self, sweep: str, now: datetime) -> bool:
        return await self._database.transact(lambda tx: take_turn(tx, sweep, now, every=EVERY[sweep]))

    async def _dispatch(self, now: datetime) -> Dispatched:
        found = [*await self._found(WITHOUT_NETWORK, now), *await self._found(TO_STAND_DOWN, now)]
        dispatched = await self._desk.dispatch(list(dict.fromkeys(found)))
        if dispatched.tickets:
            log.warning("dispatched %s tickets of which no event had told", dispatched.tickets)
        return dispatched

    async def _plan_to_ask(self, now: datetime) -> None:
        since = to_ms(now - ASKED_WITHIN)
        while found := await self._found(CLOSED, now, since=since):
            await self._follow_ups.plan(found)
            log.warning("asking about %s closed tickets of which no event had told", len(found))

    async def _found(self, query: Query, now: datetime, **params: int) -> Sequence[TicketId]:
        before = to_ms(now - TOLD_WITHIN)
        rows = await self._database.fetch(query, patience_s=LOOKS_WITHIN_S, before=before, **params)
        return [TicketId(row["id"]) for row in rows]
