"""Which sweep is due, and whose turn it is: however many dispatchers run, one of them makes it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, bindparam, or_, select, update

from services.dispatcher.tables import sweeps
from shared.clock import from_ms, to_ms
from shared.db.port import Database, Reader, Tx
from shared.db.statement import BulkInsert, Query

s = sweeps.c
BEGIN = BulkInsert(sweeps, ("name", "due_at", "looked_until"), conflict="DO NOTHING")
_now, _until = bindparam("now", type_=BigInteger()), bindparam("until", type_=BigInteger())
_is_due = or_(s.due_at <= _now, s.due_at > _until)  # a clock that went back an hour must not mean an hour of nothing
DUE = Query(select(s.looked_until).where(s.name == bindparam("name"), _is_due).with_for_update())
LOOKED = Query(select(s.looked_until).where(s.name == bindparam("name")))
KNOWN = Query(select(s.name, s.due_at))
SWEPT = Query(update(sweeps).where(s.name == bindparam("name")).values(due_at=_until, looked_until=_now))


async def looked_until(database: Reader, name: str) -> datetime | None:
    """None: this sweep was never made."""
    rows = await database.fetch(LOOKED, name=name)
    return from_ms(rows[0]["looked_until"]) if rows else None


async def take_turn(tx: Tx, name: str, now: datetime, *, every: timedelta, since: datetime | None = None) -> bool:
    """Whether this sweep is due: then it is this transaction's. `since`: up to when it had looked, unless others have
    made it meanwhile."""
    at, until = to_ms(now), to_ms(now + every)
    await tx.insert(BEGIN, [(name, at, at)])
    rows = await tx.fetch(DUE, name=name, now=at, until=until)
    if not rows or (since is not None and rows[0]["looked_until"] != to_ms(since)):
        return False
    await tx.fetch(SWEPT, name=name, now=at, until=until)
    return True


async def due(database: Database, every: Mapping[str, timedelta], now: datetime) -> set[str]:
    """Those of these sweeps that are: asked before a transaction is opened for them."""
    known = {row["name"]: from_ms(row["due_at"]) for row in await database.fetch(KNOWN)}
    return {name for name in every if name not in known or not now < known[name] <= now + every[name]}
