"""Early warnings in and out of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import BigInteger, Text, bindparam, func, or_, select, tuple_, update

from services.dispatcher.noc.rules import WarningKind
from services.dispatcher.noc.tables import WARNING_COLUMNS, sweeps, warnings
from shared.clock import from_ms, to_ms
from shared.db.port import Database, Reader, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of

w, s = warnings.c, sweeps.c
PUT = BulkInsert(warnings, WARNING_COLUMNS, conflict="DO NOTHING")
QUIET = Query(
    select(w.subject)
    .where(w.kind == bindparam("kind"), any_of(w.subject, "subjects"))
    .where(w.quiet_until > bindparam("now"))
)
LIST = Query(
    select(warnings)
    .where(
        tuple_(w.raised_at, w.kind, w.subject)
        < tuple_(*(bindparam(n, type_=t) for n, t in (("at", BigInteger()), ("kind", Text()), ("subject", Text()))))
    )
    .order_by(w.raised_at.desc(), w.kind.desc(), w.subject.desc())
    .limit(bindparam("most"))
)
ACTIVE = Query(select(w.kind, func.count().label("n")).where(w.quiet_until > bindparam("now")).group_by(w.kind))
BEGIN = BulkInsert(sweeps, ("name", "due_at", "looked_until"), conflict="DO NOTHING")
_now, _until = bindparam("now", type_=BigInteger()), bindparam("until", type_=BigInteger())
_is_due = or_(s.due_at <= _now, s.due_at > _until)  # a clock that went back an hour must not mean an hour of nothing
DUE = Query(select(s.looked_until).where(s.name == bindparam("name"), _is_due).with_for_update())
LOOKED = Query(select(s.looked_until).where(s.name == bindparam("name")))
KNOWN = Query(select(s.name, s.due_at))
SWEPT = Query(update(sweeps).where(s.name == bindparam("name")).values(due_at=_until, looked_until=_now))


@dataclass(frozen=True, slots=True)
class Warned:
    """`mark` is the newest ticket, or the day, that made it be noticed; `data` says what was counted."""

    kind: WarningKind
    subject: str
    mark: str
    account: str | None
    raised_at: datetime
    quiet_until: datetime
    data: Mapping[str, Any]


async def looked_until(database: Reader, name: str) -> datetime | None:
    """None: this sweep was never made."""
    rows = await database.fetch(LOOKED, name=name)
    return from_ms(rows[0]["looked_until"]) if rows else None


async def take_turn(
    tx: Tx, name: str, now: datetime, *, every: timedelta, looked_until: datetime | None = None
) -> bool:
    """Whether this sweep is due: then it is this transaction's. `looked_until`: not if others have made it since."""
    at, until = to_ms(now), to_ms(now + every)
    await tx.insert(BEGIN, [(name, at, at)])
    rows = await tx.fetch(DUE, name=name, now=at, until=until)
    if not rows or (looked_until is not None and rows[0]["looked_until"] != to_ms(looked_until)):
        return False
    await tx.fetch(SWEPT, name=name, now=at, until=until)
    return True


async def due(database: Database, every: Mapping[str, timedelta], now: datetime) -> set[str]:
    """Those of these sweeps that are: asked before a transaction is opened for them."""
    known = {row["name"]: from_ms(row["due_at"]) for row in await database.fetch(KNOWN)}
    return {name for name in every if name not in known or not now < known[name] <= now + every[name]}


async def quiet(database: Reader, kind: WarningKind, subjects: Sequence[str], now: datetime) -> set[str]:
    """Those of these that were warned of and are not to be warned of again yet."""
    rows = await database.fetch(QUIET, kind=kind, subjects=list(subjects), now=to_ms(now))
    return {row["subject"] for row in rows}


async def put(tx: Tx, found: Sequence[Warned]) -> None:
    rows = [
        (x.kind, x.subject, x.mark, x.account, to_ms(x.raised_at), to_ms(x.quiet_until), orjson.dumps(x.data).decode())
        for x in found
    ]
    await tx.insert(PUT, rows)


async def newest(database: Database, *, before: tuple[int, str, str] | None, most: int) -> Sequence[Row]:
    at, kind, subject = before or (2**62, "", "")
    return await database.fetch(LIST, at=at, kind=kind, subject=subject, most=most)


async def active(database: Database, now: datetime) -> Mapping[str, int]:
    """How many hold at this moment, by kind."""
    return {row["kind"]: row["n"] for row in await database.fetch(ACTIVE, now=to_ms(now))}
