"""Measures in and out of the database. Whoever writes them has its turn, so that what is added up of them is exact.

A row that was measured from a longer log is never overwritten by one from a shorter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import BigInteger, Text, and_, bindparam, or_, select, update

from services.dispatcher.measures import adding, rows
from services.dispatcher.measures.measure import RULES, Measure
from services.dispatcher.measures.tables import measures, measuring
from services.dispatcher.measures.totals import ADDED_BY, change
from shared.clock import to_ms
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query, any_of
from shared.ids import TicketId
from shared.tickets.log import Entry
from shared.tickets.store import entry_of
from shared.tickets.tables import LOG_COLUMNS, ticket_log, tickets

t, m, turn = tickets.c, measures.c, measuring.c
_now, _since, _until = (bindparam(name, type_=BigInteger()) for name in ("now", "since", "until"))
_name = turn.name == bindparam("name")

LOGS = Query(
    select(*(ticket_log.c[name] for name in LOG_COLUMNS))
    .where(any_of(ticket_log.c.ticket, "tickets"))
    .order_by(ticket_log.c.ticket, ticket_log.c.seq)
)
_as_measured = tickets.outerjoin(measures, m.ticket == t.id)
_is_stale = or_(m.ticket.is_(None), m.head != t.head, m.rules < RULES)
STALE = Query(select(t.id).select_from(_as_measured).where(any_of(t.id, "tickets"), _is_stale))
_after = t.id > bindparam("after", type_=Text())
NEXT = Query(
    select(t.id, and_(_is_stale, or_(t.updated_at <= _since, t.updated_at > _now)).label("stale"))
    .select_from(_as_measured)
    .where(_after)
    .order_by(t.id)
    .limit(bindparam("most"))
)
BEGIN = BulkInsert(measuring, ("name", "walked_to", "due_at"), conflict="DO NOTHING")
TURN = Query(select(turn.version).where(_name).with_for_update())
_is_due = or_(turn.due_at <= _now, turn.due_at > _until)  # a clock that went back must not mean that nobody walks
WALK = Query(select(turn.walked_to).where(_name, _is_due).with_for_update())
CLAIM = Query(update(measuring).where(_name).values(due_at=_until))
ADDED = Query(update(measuring).where(_name).values(version=bindparam("version")))
WALKED = Query(update(measuring).where(_name).values(walked_to=bindparam("to", type_=Text()), due_at=_until))


async def logs(database: Database, tickets: Sequence[TicketId]) -> Sequence[Sequence[Entry]]:
    """The whole logs of those of these tickets that there are."""
    rows = await database.fetch(LOGS, tickets=list(tickets))
    return [list(of) for _, of in groupby(map(entry_of, rows), key=lambda entry: entry.ticket)]


async def stale(database: Database, tickets: Sequence[TicketId]) -> Sequence[TicketId]:
    """Those of these whose row is not of their whole log."""
    return [TicketId(row["id"]) for row in await database.fetch(STALE, tickets=list(tickets))]


async def put(tx: Tx, found: Sequence[Measure]) -> int:
    """Saves what of it is news, and adds that up; answers how many rows that were.

    Waits until nobody else in any process writes measures.
    """
    await take_turn(tx)
    stored = await rows.get(tx, [measure.ticket for measure in found])
    news = [(before, after) for new in found if (after := _news(before := stored.get(new.ticket), new))]
    if news:
        await rows.write(tx, [after for _, after in news])
        await adding.add(tx, change(news))
    return len(news)


async def take_turn(tx: Tx) -> None:
    """Until the commit. Whoever finds totals that were added up by other rules adds them up anew."""
    if not (turn := await tx.fetch(TURN, name="write")):
        await tx.insert(BEGIN, [("write", "", 0)])
        turn = await tx.fetch(TURN, name="write")
    if turn[0]["version"] < ADDED_BY:
        await adding.add_up_anew(tx)
        await tx.fetch(ADDED, name="write", version=ADDED_BY)


async def recount_totals(tx: Tx) -> int:
    """How many totals were not the sum of all measures; they are now."""
    await take_turn(tx)
    return await adding.add_up_anew(tx)


def _news(before: Measure | None, new: Measure) -> Measure | None:
    """The row to be saved; None when it stands already, or one from a longer log does.

    What the registry said while it knew the circuit and the network still holds when it does so no more.
    """
    if before is None:
        return new
    if new.seq < before.seq or (new.seq == before.seq and new.rules < before.rules):
        return None
    if new.service is None:
        kind = before.segment_kind if new.segment == before.segment else None
        new = replace(new, service=before.service, segment_kind=kind)
    if new.province is None and new.network == before.network:
        new = replace(new, province=before.province)
    return None if new == before else new


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the walk through all tickets, in order; `stale` are those whose row should be of their whole log."""

    tickets: Sequence[TicketId]
    stale: Sequence[TicketId]


async def walk_from(database: Database, now: datetime, *, within: timedelta) -> str | None:
    """Where to walk on, if that is due: then nobody else does for so long. None when it is not."""

    async def body(tx: Tx) -> str | None:
        at, until = to_ms(now), to_ms(now + within)
        await tx.insert(BEGIN, [("walk", "", at)])
        rows = await tx.fetch(WALK, name="walk", now=at, until=until)
        if not rows:
            return None
        await tx.fetch(CLAIM, name="walk", until=until)
        return str(rows[0]["walked_to"])

    return await database.transact(body)


async def next_tickets(database: Database, now: datetime, *, after: str, told_within: timedelta, most: int) -> Stretch:
    """What changed a moment ago is not stale: its events are under way, and whoever they tell measures it."""
    rows = await database.fetch(NEXT, after=after, now=to_ms(now), since=to_ms(now - told_within), most=most)
    return Stretch([TicketId(row["id"]) for row in rows], [TicketId(row["id"]) for row in rows if row["stale"]])


async def walked(database: Database, *, to: str, next_at: datetime) -> None:
    await database.transact(lambda tx: tx.fetch(WALKED, name="walk", to=to, until=to_ms(next_at)))
