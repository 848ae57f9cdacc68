"""Early warnings in and out of the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import BigInteger, Text, bindparam, func, select, tuple_

from services.dispatcher.noc.rules import WarningKind
from services.dispatcher.noc.tables import WARNING_COLUMNS, warnings
from shared.clock import to_ms
from shared.db.port import Database, Reader, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of

w = warnings.c
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
