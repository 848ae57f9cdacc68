"""The audit trail, the anchors and the chains they cover, read in pages; and the little that is written beside acts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Integer, Text, bindparam, func, or_, select, tuple_, update

from shared.audit.anchors import Anchor, NoAnchor, read_line
from shared.audit.chain import Finding, Link
from shared.audit.tables import AUDIT_COLUMNS, anchored_heads, audit_anchors, audit_head, audit_log
from shared.audit.trail import HEAD, Fields, link
from shared.clock import to_ms
from shared.db.port import Reader, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of
from shared.origin import digest_of
from shared.tickets import log as ticket_chain
from shared.tickets.log import GENESIS
from shared.tickets.tables import LOG_COLUMNS, ticket_log, tickets

PATIENCE_S = 60.0  # verifying reads everything, beside a center at work
PAGE = 1000

a, h, n, t, e = audit_log.c, audit_head.c, anchored_heads.c, tickets.c, ticket_log.c
_last = select(func.max(a.position).label("last")).subquery()
ENDS = Query(
    select(h.position, h.hash, h.sealed_position, h.seal, _last.c.last).select_from(
        _last.outerjoin(audit_head, h.name == HEAD)
    )
)
ACTS = Query(
    select(*(a[name] for name in AUDIT_COLUMNS))
    .where(a.position > bindparam("after"), a.position <= bindparam("until"))
    .order_by(a.position)
    .limit(bindparam("most"))
)
BETWEEN = Query(
    select(func.min(a.position).label("first"), func.max(a.position).label("last")).where(
        a.at >= bindparam("since"), a.at < bindparam("until")
    )
)
ANCHORS = Query(select(audit_anchors).order_by(audit_anchors.c.number))
LAST_ANCHOR = Query(select(audit_anchors.c.line).order_by(audit_anchors.c.number.desc()).limit(1))
PUT_ANCHOR = BulkInsert(audit_anchors, ("number", "at", "line"))
SEAL = Query(
    update(audit_head)
    .where(h.name == HEAD, h.sealed_position < bindparam("upto"))
    .values(sealed_position=bindparam("upto"), seal=bindparam("mark"))
    .returning(h.position)
)
_ends = (
    select(e.ticket, func.max(e.seq).label("seq"))
    .where(e.ticket > bindparam("after"))
    .group_by(e.ticket)
    .order_by(e.ticket)
    .limit(bindparam("most"))
    .subquery()
)
TICKET_ENDS = Query(
    select(e.ticket, e.seq, e.hash)
    .select_from(ticket_log.join(_ends, (e.ticket == _ends.c.ticket) & (e.seq == _ends.c.seq)))
    .order_by(e.ticket)
)
ANCHORED = Query(select(n.ticket, func.max(n.seq).label("seq")).where(any_of(n.ticket, "ids")).group_by(n.ticket))
PUT_HEADS = BulkInsert(anchored_heads, ("ticket", "anchor", "seq", "hash"), conflict="DO NOTHING")
HEADS_OF = Query(
    select(n.ticket, n.seq, n.hash)
    .where(n.anchor == bindparam("anchor"), n.ticket > bindparam("after", type_=Text()))
    .order_by(n.ticket)
    .limit(bindparam("most"))
)
HEADS_AND_ENTRIES = Query(
    select(n.ticket, n.anchor, n.seq, n.hash, e.hash.label("now"))
    .select_from(anchored_heads.outerjoin(ticket_log, (n.ticket == e.ticket) & (n.seq == e.seq)))
    .where(tuple_(n.anchor, n.ticket) > tuple_(bindparam("anchor", type_=Integer()), bindparam("after", type_=Text())))
    .order_by(n.anchor, n.ticket)
    .limit(bindparam("most"))
)
_after = tuple_(e.ticket, e.seq) > tuple_(bindparam("ticket", type_=Text()), bindparam("seq", type_=Integer()))
_with_head = select(*(e[name] for name in LOG_COLUMNS), t.head.label("head")).select_from(
    ticket_log.outerjoin(tickets, t.id == e.ticket)
)
ENTRIES = Query(_with_head.where(_after).order_by(e.ticket, e.seq).limit(bindparam("most")))
ENTRIES_BETWEEN = Query(
    _with_head.where(
        _after,
        t.updated_at >= bindparam("since", type_=BigInteger()),
        t.opened_at < bindparam("until", type_=BigInteger()),
    )
    .order_by(e.ticket, e.seq)
    .limit(bindparam("most"))
)
WITHOUT_LOG = Query(
    select(t.id).where(~select(e.ticket).where(e.ticket == t.id).exists()).order_by(t.id).limit(bindparam("most"))
)
COUNT_ENTRIES = Query(select(func.count().label("n")).select_from(ticket_log))


def _if_given(column: Any, name: str) -> Any:
    given = bindparam(name, type_=column.type)
    return or_(given.is_(None), column == given)


_since, _until = bindparam("since", type_=BigInteger()), bindparam("until", type_=BigInteger())
NEWEST = Query(
    select(*(a[name] for name in AUDIT_COLUMNS))
    .where(
        a.position < bindparam("before"),
        _if_given(a.actor, "actor"),
        _if_given(a.action, "action"),
        _if_given(a.object, "object"),
        or_(_since.is_(None), a.at >= _since),
        or_(_until.is_(None), a.at < _until),
    )
    .order_by(a.position.desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Ends:
    """Where the trail ends by its head, by its rows, and by its seal."""

    position: int
    hash: bytes
    last: int
    sealed_position: int
    seal: bytes


async def ends(database: Reader) -> Ends:
    """Without a head the trail is at its beginning, whatever rows there are."""
    (r,) = await database.fetch(ENDS, patience_s=PATIENCE_S)
    if r["position"] is None:
        return Ends(0, GENESIS, r["last"] or 0, 0, b"")
    return Ends(r["position"], bytes(r["hash"]), r["last"] or 0, r["sealed_position"], bytes(r["seal"]))


async def acts(database: Reader, *, after: int, until: int) -> Sequence[Row]:
    return await database.fetch(ACTS, patience_s=PATIENCE_S, after=after, until=until, most=PAGE)


async def newest(
    database: Reader,
    *,
    before: int | None,
    actor: str | None,
    action: str | None,
    object: str | None,
    since_ms: int | None,
    until_ms: int | None,
    most: int,
) -> Sequence[Row]:
    return await database.fetch(
        NEWEST, before=before or 2**62, actor=actor, action=action, object=object, since=since_ms, until=until_ms,
        most=most,
    )  # fmt: skip


def act_link(row: Row) -> Link:
    fields: Fields = (
        row["at"], row["actor"], row["credential"], row["address"], row["action"], row["object"], row["details"]
    )  # fmt: skip
    return Link(
        row["position"], bytes(row["hash"]), lambda before, place: link(before, place, fields), bytes(row["previous"])
    )


def entry_link(row: Row) -> Link:
    ticket, at, type_, actor, account = (row[name] for name in ("ticket", "at", "type", "actor", "account"))
    status, data, origin = row["status"], row["data"].encode(), digest_of(row["origin"])

    def hashed(before: bytes, seq: int) -> bytes:
        return ticket_chain.link(before, (ticket, seq, at, type_, actor, account, status, origin), data)

    return Link(row["seq"], bytes(row["hash"]), hashed)


async def anchors(database: Reader) -> Sequence[Anchor | Finding]:
    """All of them, oldest first: one a day. A row that holds none is a finding."""
    return [_anchor(row) for row in await database.fetch(ANCHORS, patience_s=PATIENCE_S)]


def _anchor(row: Row) -> Anchor | Finding:
    try:
        anchor = read_line(row["line"])
    except NoAnchor as error:
        return Finding("anchors", row["number"], "edited", str(error))
    if (anchor.number, to_ms(anchor.at)) != (row["number"], row["at"]):
        return Finding("anchors", row["number"], "edited", "its line says another number or instant")
    return anchor


async def last_anchor(database: Reader | Tx) -> Anchor | None:
    """Raises NoAnchor."""
    rows = await database.fetch(LAST_ANCHOR)
    return read_line(rows[0]["line"]) if rows else None
