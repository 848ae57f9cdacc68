"""What the NOC looks at, in and out of the database: the queue, and progress that was refused."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BigInteger, Text, and_, bindparam, delete, func, select, tuple_

from services.dispatcher.noc.tables import REFUSED_COLUMNS, refused_progress, untold_refusals
from shared.clock import to_ms
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of
from shared.ids import NetworkCode
from shared.tickets.model import Ticket
from shared.tickets.ranks import Standing
from shared.tickets.store import STATE
from shared.tickets.tables import tickets

t = tickets.c
QUEUE = Query(
    select(t.state, t.tier, t.breach_at, t.rank_at)
    .where(
        t.unroutable.is_not(None),
        tuple_(t.rank_at, t.id) > tuple_(bindparam("at", type_=BigInteger()), bindparam("id", type_=Text())),
    )
    .order_by(t.rank_at, t.id)
    .limit(bindparam("most"))
)
QUEUED = Query(select(func.count().label("n")).where(t.unroutable.is_not(None)))
r = refused_progress.c
PUT_REFUSED = BulkInsert(refused_progress, REFUSED_COLUMNS, conflict="DO NOTHING")
REFUSED = Query(
    select(refused_progress)
    .where(
        tuple_(r.at, r.source, r.id)
        < tuple_(bindparam("at", type_=BigInteger()), bindparam("source", type_=Text()), bindparam("id", type_=Text()))
    )
    .order_by(r.at.desc(), r.source.desc(), r.id.desc())
    .limit(bindparam("most"))
)
u = untold_refusals.c
PUT_UNTOLD = BulkInsert(untold_refusals, ("at", "source", "id"), conflict="DO NOTHING")
UNTOLD = Query(
    select(u.at, u.source, u.id, r.network, r.order_id, r.type, r.reason)
    .select_from(untold_refusals.join(refused_progress, and_(u.source == r.source, u.id == r.id)))
    .order_by(u.at, u.source, u.id)
    .limit(bindparam("most"))
)
TOLD = Query(delete(untold_refusals).where(*(u[name] == bindparam(name) for name in ("at", "source", "id"))))
REFUSED_BEFORE = Query(select(r.source, r.id).where(any_of(r.source, "sources"), any_of(r.id, "ids")))


@dataclass(frozen=True, slots=True)
class RefusedProgress:
    """A message of a local network that was not taken; `source` and `id` name it once."""

    source: str
    id: str
    network: NetworkCode
    order: str | None
    type: str
    reason: str
    body: str
    at: datetime


async def queue(database: Database, *, after: tuple[int, str], most: int) -> Sequence[tuple[Ticket, Standing]]:
    """Tickets that wait to be routed by hand, by rank: the most urgent first."""
    rows = await database.fetch(QUEUE, at=after[0], id=after[1], most=most)
    return [(STATE.validate_json(r["state"]), Standing(r["tier"], r["breach_at"], r["rank_at"])) for r in rows]


async def queued(database: Database) -> int:
    rows = await database.fetch(QUEUED)
    return int(rows[0]["n"])


async def record_refused(tx: Tx, refused: Sequence[RefusedProgress]) -> None:
    """A message that comes twice is recorded once. Who sent it is still to be told."""
    rows = [(x.source, x.id, x.network, x.order, x.type, x.reason, x.body, to_ms(x.at)) for x in refused]
    await tx.insert(PUT_REFUSED, rows)
    await tx.insert(PUT_UNTOLD, [(to_ms(x.at), x.source, x.id) for x in refused])


async def untold(database: Database, *, most: int) -> Sequence[Row]:
    """The oldest refusals that their networks have not been told of."""
    return await database.fetch(UNTOLD, most=most)


async def told(tx: Tx, refused: Sequence[Row]) -> None:
    for row in refused:
        await tx.fetch(TOLD, at=row["at"], source=row["source"], id=row["id"])


async def refused_before(database: Database, names: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of these messages, named by source and id, that were refused; others of these sources may be among them."""
    sources, ids = (list({name[i] for name in names}) for i in (0, 1))
    rows = await database.fetch(REFUSED_BEFORE, sources=sources, ids=ids)
    return {(row["source"], row["id"]) for row in rows}


async def refused(database: Database, *, before: tuple[int, str, str] | None, most: int) -> Sequence[Row]:
    at, source, id = before or (2**62, "", "")
    return await database.fetch(REFUSED, at=at, source=source, id=id, most=most)
