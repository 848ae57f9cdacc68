"""Which tickets are to be looked at, by the index on `look_at`: it costs by what is due, not by what is open."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BigInteger, bindparam, select, update

from shared.clock import from_ms, to_ms
from shared.db.port import Database, Tx
from shared.db.statement import Query
from shared.ids import TicketId
from shared.tickets.tables import tickets

t = tickets.c
_at = bindparam("at", type_=BigInteger())
NEXT = Query(select(t.look_at).where(t.look_at.is_not(None)).order_by(t.look_at, t.id).limit(1))
# What another tick or a command holds is passed over, so this never waits for anybody while it holds a ticket: several
# ticks share what is due, and none of them can be part of a deadlock.
DUE = Query(
    select(t.id)
    .where(t.look_at <= _at)
    .order_by(t.look_at, t.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
LOOK = Query(update(tickets).where(t.id == bindparam("ticket")).values(look_at=_at))


async def next_look(database: Database) -> datetime | None:
    """When the first ticket of all is to be looked at; None when none ever is."""
    rows = await database.fetch(NEXT)
    return from_ms(rows[0]["look_at"]) if rows else None


async def take_due(tx: Tx, now: datetime, *, most: int) -> Sequence[TicketId]:
    """The longest due first, and locked until the commit."""
    return [TicketId(row["id"]) for row in await tx.fetch(DUE, at=to_ms(now), most=most)]


async def look(tx: Tx, ticket: TicketId, at: int | None) -> None:
    """Look at this one then (ms), although nothing was recorded."""
    await tx.fetch(LOOK, ticket=ticket, at=at)
