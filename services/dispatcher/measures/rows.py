"""Measures as rows: a ticket's own, its networks' shares, its counts; always read and written together."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Text, bindparam, delete, select

from services.dispatcher.measures.measure import Count, Measure, Share, in_order
from services.dispatcher.measures.tables import (
    COUNT_COLUMNS,
    MEASURE_COLUMNS,
    SHARE_COLUMNS,
    measured_counts,
    measures,
    network_shares,
)
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of
from shared.ids import TicketId

m, _s, _c = measures.c, network_shares.c, measured_counts.c
GET = Query(select(measures).where(any_of(m.ticket, "tickets")))
GET_SHARES = Query(select(network_shares).where(any_of(_s.ticket, "tickets")).order_by(_s.ticket, _s.number))
GET_COUNTS = Query(select(measured_counts).where(any_of(_c.ticket, "tickets")))
NEXT = Query(
    select(m.ticket).where(m.ticket > bindparam("after", type_=Text())).order_by(m.ticket).limit(bindparam("most"))
)
PUT = BulkInsert(
    measures,
    MEASURE_COLUMNS,
    conflict=f"(ticket) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in MEASURE_COLUMNS[1:])}",
)
DROP_SHARES = Query(delete(network_shares).where(any_of(_s.ticket, "tickets")))
DROP_COUNTS = Query(delete(measured_counts).where(any_of(_c.ticket, "tickets")))
PUT_SHARES = BulkInsert(network_shares, SHARE_COLUMNS)
PUT_COUNTS = BulkInsert(measured_counts, COUNT_COLUMNS)


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


async def write(tx: Tx, found: Sequence[Measure]) -> None:
    ids = [measure.ticket for measure in found]
    await tx.fetch(DROP_SHARES, tickets=ids)
    await tx.fetch(DROP_COUNTS, tickets=ids)
    await tx.insert(PUT, [tuple(getattr(measure, name) for name in MEASURE_COLUMNS) for measure in found])
    await tx.insert(PUT_SHARES, [(m.ticket, *_fields(part, SHARE_COLUMNS)) for m in found for part in m.shares])
    await tx.insert(PUT_COUNTS, [(m.ticket, *_fields(part, COUNT_COLUMNS)) for m in found for part in m.counts])


async def following(tx: Tx, *, after: str, most: int) -> Sequence[Measure]:
    """The next ones by ticket."""
    ids = [TicketId(row["ticket"]) for row in await tx.fetch(NEXT, after=after, most=most)]
    found = await get(tx, ids)
    return [found[id] for id in ids]


def _fields(part: Share | Count, columns: Sequence[str]) -> tuple[Any, ...]:
    return tuple(getattr(part, name) for name in columns[1:])
