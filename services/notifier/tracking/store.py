"""Tracking links in and out of the database."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson
from sqlalchemy import BigInteger, Text, bindparam, delete, func, select, tuple_, update

from services.notifier.tracking.links import Link
from services.notifier.tracking.tables import LINK_COLUMNS, tracking_links
from shared.clock import from_ms, to_ms
from shared.contracts.facts import Contact
from shared.db.port import Database, Reader, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of
from shared.ids import TicketId

LOCK_CLASS = 0x5652_4310  # "VRC", links of one ticket
PRUNED_AT_ONCE = 1000

t = tracking_links.c
_MOMENT = bindparam("now", type_=BigInteger())
PUT = BulkInsert(tracking_links, LINK_COLUMNS)
GET = Query(select(tracking_links).where(t.id == bindparam("link")))
THESE = Query(select(tracking_links).where(any_of(t.id, "links")))
COUNT_LIVE = Query(
    select(func.count().label("n")).where(t.ticket == bindparam("of"), t.revoked_at.is_(None), t.expires_at > _MOMENT)
)
PAGE = Query(
    select(tracking_links)
    .where(
        t.ticket == bindparam("of"),
        tuple_(t.created_at, t.id) < tuple_(bindparam("at", type_=BigInteger()), bindparam("link", type_=Text())),
    )
    .order_by(t.created_at.desc(), t.id.desc())
    .limit(bindparam("most"))
)
REVOKE = Query(
    update(tracking_links)
    .where(t.id == bindparam("link"), t.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
    .returning(t.id)
)
_over = select(t.id).where(t.expires_at < bindparam("before", type_=BigInteger())).limit(PRUNED_AT_ONCE)
PRUNE = Query(delete(tracking_links).where(t.id.in_(_over)).returning(t.id))


async def lock(tx: Tx, ticket: TicketId) -> None:
    """Until the commit, nobody else makes one for this ticket."""
    if tx.dialect == "postgresql":
        await tx.raw.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", LOCK_CLASS, ticket)


async def count_live(tx: Tx, ticket: TicketId, now: datetime) -> int:
    return int((await tx.fetch(COUNT_LIVE, of=ticket, now=to_ms(now)))[0]["n"])


async def add(tx: Tx, link: Link) -> None:
    await tx.insert(PUT, [_row(link)])


async def get(source: Reader | Tx, id: str) -> Link | None:
    rows = await source.fetch(GET, link=id)
    return _link(rows[0]) if rows else None


async def these(database: Database, ids: Iterable[str]) -> Sequence[Link]:
    return [_link(row) for row in await database.fetch(THESE, links=sorted(ids))]


async def newest(reader: Reader, ticket: TicketId, *, before: tuple[int, str] | None, most: int) -> Sequence[Link]:
    """Newest first, those that are over too. `before`: creation in ms and id of the last one of the page before."""
    at, id = before or (2**62, "")
    return [_link(row) for row in await reader.fetch(PAGE, of=ticket, at=at, link=id, most=most)]


async def revoke(tx: Tx, id: str, now: datetime) -> bool:
    """False when it was revoked before."""
    return bool(await tx.fetch(REVOKE, link=id, at=to_ms(now)))


async def prune(tx: Tx, before: datetime) -> int:
    """Forgets some of those that expired before then; answers how many."""
    return len(await tx.fetch(PRUNE, before=to_ms(before)))


def _row(link: Link) -> tuple[object, ...]:
    return (
        link.id, link.ticket, link.account, link.label, orjson.dumps(link.contact).decode(), link.created_by,
        to_ms(link.created_at), to_ms(link.expires_at), None,
    )  # fmt: skip


def _link(row: Row) -> Link:
    revoked_at = row["revoked_at"]
    return Link(
        id=row["id"], ticket=row["ticket"], account=row["account"], label=row["label"],
        contact=Contact(**orjson.loads(row["contact"])), created_by=row["created_by"],
        created_at=from_ms(row["created_at"]), expires_at=from_ms(row["expires_at"]),
        revoked_at=None if revoked_at is None else from_ms(revoked_at),
    )  # fmt: skip
