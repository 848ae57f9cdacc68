"""Replays: lanes of their own over what is on record, due one after the other, so that they crowd out nothing."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, select, update

from services.notifier.tables import dead_letters, feed_marks, is_replay, lanes
from shared.clock import to_ms
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query, any_of
from shared.ids import AccountId, SubscriptionId, TicketId
from shared.tickets.tables import ticket_log, tickets

EVERY = timedelta(milliseconds=20)
d, log = dead_letters.c, ticket_log.c
PUT = BulkInsert(lanes, ("subscription", "ticket", "acked_seq", "last_seq", "attempts", "due_at", "run"))
UNDER_WAY = Query(
    select(func.count().label("n")).where(
        lanes.c.subscription == bindparam("subscription"), is_replay, lanes.c.due_at.is_not(None)
    )
)
FED = Query(
    select(tickets.c.account, feed_marks.c.seq)
    .select_from(tickets.join(feed_marks, feed_marks.c.ticket == tickets.c.id))
    .where(tickets.c.id == bindparam("ticket"))
)
SINCE = Query(
    select(tickets.c.id, func.min(log.seq).label("first"), feed_marks.c.seq.label("last"))
    .select_from(
        tickets.join(ticket_log, log.ticket == tickets.c.id).join(feed_marks, feed_marks.c.ticket == tickets.c.id)
    )
    .where(
        any_of(tickets.c.account, "accounts"), tickets.c.updated_at >= bindparam("since"),
        log.at >= bindparam("since"), log.seq <= feed_marks.c.seq,
    )
    .group_by(tickets.c.id, feed_marks.c.seq)
    .order_by(tickets.c.id)
    .limit(bindparam("most"))
)  # fmt: skip
DEAD = Query(
    select(d.ticket, func.min(d.seq).label("first"), func.max(d.seq).label("last"))
    .where(d.subscription == bindparam("subscription"), d.replayed_at.is_(None))
    .group_by(d.ticket)
    .order_by(d.ticket)
    .limit(bindparam("most"))
)
MARK = Query(
    update(dead_letters)
    .where(
        d.subscription == bindparam("of"), any_of(d.ticket, "tickets"), d.replayed_at.is_(None)
    )
    .values(replayed_at=bindparam("now"))
)  # fmt: skip
DROP_FINISHED = Query(delete(lanes).where(is_replay, lanes.c.due_at.is_(None)))


@dataclass(frozen=True, slots=True)
class Window:
    """Entries of one log, both ends included."""

    ticket: TicketId
    first: int
    last: int


async def under_way(tx: Tx, id: SubscriptionId) -> int:
    """How many of a subscription's replayed tickets are not done."""
    (row,) = await tx.fetch(UNDER_WAY, subscription=id)
    return int(row["n"])


async def fed(tx: Tx, ticket: TicketId) -> tuple[AccountId, int] | None:
    """Whose ticket it is, and how much of its log has happened as far as subscribers know."""
    rows = await tx.fetch(FED, ticket=ticket)
    return (rows[0]["account"], rows[0]["seq"]) if rows else None


async def since(tx: Tx, accounts: Collection[AccountId], at: datetime, *, most: int) -> Sequence[Window]:
    rows = await tx.fetch(SINCE, accounts=sorted(accounts), since=to_ms(at), most=most)
    return [Window(row["id"], row["first"], row["last"]) for row in rows]


async def dead(tx: Tx, id: SubscriptionId, *, most: int) -> Sequence[Window]:
    """What was given up and not replayed since: from the first to the last of each log."""
    rows = await tx.fetch(DEAD, subscription=id, most=most)
    return [Window(row["ticket"], row["first"], row["last"]) for row in rows]


async def mark_replayed(tx: Tx, id: SubscriptionId, windows: Iterable[Window], now: datetime) -> None:
    await tx.fetch(MARK, of=id, tickets=[w.ticket for w in windows], now=to_ms(now))


async def put(tx: Tx, id: SubscriptionId, run: str, windows: Sequence[Window], now: datetime) -> None:
    due = (now + number * EVERY for number in range(len(windows)))
    await tx.insert(
        PUT, [(id, w.ticket, w.first - 1, w.last, 0, to_ms(at), run) for w, at in zip(windows, due, strict=True)]
    )


async def drop_finished(database: Database) -> None:
    await database.transact(lambda tx: tx.fetch(DROP_FINISHED))
