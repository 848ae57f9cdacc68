"""Measures in and out of the database. Whoever writes them has its turn, so that what is added up of them is exact.

A row that was measured from a longer log is never overwritten by one from a shorter.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import BigInteger, Text, bindparam, delete, or_, select, update

from services.dispatcher.measures.measure import RULES, Count, Measure, Share, in_order
from services.dispatcher.measures.tables import (
    COUNT_COLUMNS,
    MEASURE_COLUMNS,
    SHARE_COLUMNS,
    measured_counts,
    measures,
    measuring,
    network_shares,
)
from shared.clock import to_ms
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of
from shared.ids import TicketId
from shared.tickets.log import Entry
from shared.tickets.store import entry_of
from shared.tickets.tables import LOG_COLUMNS, ticket_log, tickets

t, m, turn = tickets.c, measures.c, measuring.c
_now, _until = bindparam("now", type_=BigInteger()), bindparam("until", type_=BigInteger())
_name = turn.name == bindparam("name")

LOGS = Query(
    select(*(ticket_log.c[name] for name in LOG_COLUMNS))
    .where(any_of(ticket_log.c.ticket, "tickets"))
    .order_by(ticket_log.c.ticket, ticket_log.c.seq)
)
_as_measured = tickets.outerjoin(measures, m.ticket == t.id)
_is_stale = or_(m.ticket.is_(None), m.head != t.head, m.rules != RULES)
STALE = Query(select(t.id).select_from(_as_measured).where(any_of(t.id, "tickets"), _is_stale))
_after = t.id > bindparam("after", type_=Text())
NEXT = Query(
    select(t.id, _is_stale.label("stale"))
    .select_from(_as_measured)
    .where(_after)
    .order_by(t.id)
    .limit(bindparam("most"))
)
BEGIN = BulkInsert(measuring, ("name", "walked_to", "due_at"), conflict="DO NOTHING")
TURN = Query(select(turn.name).where(_name).with_for_update())
_is_due = or_(turn.due_at <= _now, turn.due_at > _until)  # a clock that went back must not mean that nobody walks
WALK = Query(select(turn.walked_to).where(_name, _is_due).with_for_update())
CLAIM = Query(update(measuring).where(_name).values(due_at=_until))
WALKED = Query(update(measuring).where(_name).values(walked_to=bindparam("to", type_=Text()), due_at=_until))

GET = Query(select(measures).where(any_of(m.ticket, "tickets")))
GET_SHARES = Query(
    select(network_shares)
    .where(any_of(network_shares.c.ticket, "tickets"))
    .order_by(network_shares.c.ticket, network_shares.c.number)
)
_c = measured_counts.c
GET_COUNTS = Query(select(measured_counts).where(any_of(_c.ticket, "tickets")))
PUT = BulkInsert(
    measures,
    MEASURE_COLUMNS,
    conflict=f"(ticket) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in MEASURE_COLUMNS[1:])}",
)
DROP_SHARES = Query(delete(network_shares).where(any_of(network_shares.c.ticket, "tickets")))
DROP_COUNTS = Query(delete(measured_counts).where(any_of(_c.ticket, "tickets")))
PUT_SHARES = BulkInsert(network_shares, SHARE_COLUMNS)
PUT_COUNTS = BulkInsert(measured_counts, COUNT_COLUMNS)


@dataclass(frozen=True, slots=True)
class Written:
    """A row as it was, and as it is now."""

    before: Measure | None
    after: Measure


async def logs(database: Database, tickets: Sequence[TicketId]) -> Sequence[Sequence[Entry]]:
    """The whole logs of those of these tickets that there are."""
    rows = await database.fetch(LOGS, tickets=list(tickets))
    return [list(of) for _, of in groupby(map(entry_of, rows), key=lambda entry: entry.ticket)]


async def stale(database: Database, tickets: Sequence[TicketId]) -> Sequence[TicketId]:
    """Those of these whose row is not of their whole log."""
    return [TicketId(row["id"]) for row in await database.fetch(STALE, tickets=list(tickets))]


async def get(reader: Database | Tx, tickets: Sequence[TicketId]) -> dict[TicketId, Measure]:
    ids = list(tickets)
    shares: dict[str, list[Share]] = {}
    for row in await reader.fetch(GET_SHARES, tickets=ids):
        shares.setdefault(row["ticket"], []).append(Share(*(row[name] for name in SHARE_COLUMNS[1:])))
    counts: dict[str, list[Count]] = {}
    for row in await reader.fetch(GET_COUNTS, tickets=ids):
        counts.setdefault(row["ticket"], []).append(Count(*(row[name] for name in COUNT_COLUMNS[1:])))
    rows = await reader.fetch(GET, tickets=ids)
    return {
        row["ticket"]: _measure(row, tuple(shares.get(row["ticket"], ())), in_order(counts.get(row["ticket"], ())))
        for row in rows
    }


def _measure(row: Row, shares: tuple[Share, ...], counts: tuple[Count, ...]) -> Measure:
    columns = {name: row[name] for name in MEASURE_COLUMNS} | {"head": bytes(row["head"])}
    return Measure(**columns, shares=shares, counts=counts)


async def put(tx: Tx, found: Sequence[Measure]) -> Sequence[Written]:
    """What of it is news is saved; answers that. Waits until nobody else in any process writes measures."""
    await _take_turn(tx)
    stored = await get(tx, [measure.ticket for measure in found])
    news = [Written(before, after) for new in found if (after := _news(before := stored.get(new.ticket), new))]
    if not news:
        return news
    ids = [written.after.ticket for written in news]
    await tx.fetch(DROP_SHARES, tickets=ids)
    await tx.fetch(DROP_COUNTS, tickets=ids)
    await tx.insert(PUT, [_row(written.after) for written in news])
    await tx.insert(
        PUT_SHARES, [(w.after.ticket, *_fields(share, SHARE_COLUMNS)) for w in news for share in w.after.shares]
    )
    await tx.insert(
        PUT_COUNTS, [(w.after.ticket, *_fields(count, COUNT_COLUMNS)) for w in news for count in w.after.counts]
    )
    return news


def _row(measure: Measure) -> tuple[Any, ...]:
    return tuple(getattr(measure, name) for name in MEASURE_COLUMNS)


def _fields(part: Share | Count, columns: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(part, name) for name in columns[1:])


def _news(before: Measure | None, new: Measure) -> Measure | None:
    """The row to be saved; None when it stands already, or one from a longer log does.

    What the registry said while it knew the circuit and the network still holds when it does so no more.
    """
    if before is None:
        return new
    if new.seq < before.seq:
        return None
    if new.service is None:
        kind = before.segment_kind if new.segment == before.segment else None
        new = replace(new, service=before.service, segment_kind=kind)
    if new.province is None and new.network == before.network:
        new = replace(new, province=before.province)
    return None if new == before else new


async def _take_turn(tx: Tx) -> None:
    if not await tx.fetch(TURN, name="write"):
        await tx.insert(BEGIN, [("write", "", 0)])
        await tx.fetch(TURN, name="write")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the walk through all tickets, in order; `stale` are those whose row is not of their whole log."""

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


async def next_tickets(database: Database, *, after: str, most: int) -> Stretch:
    rows = await database.fetch(NEXT, after=after, most=most)
    return Stretch([TicketId(row["id"]) for row in rows], [TicketId(row["id"]) for row in rows if row["stale"]])


async def walked(database: Database, *, to: str, next_at: datetime) -> None:
    await database.transact(lambda tx: tx.fetch(WALKED, name="walk", to=to, until=to_ms(next_at)))
