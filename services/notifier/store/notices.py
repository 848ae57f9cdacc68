"""What accounts are told of their subscriptions: a log each, `notices.<account>`; lanes go along it as along others."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import bindparam, func, select

from services.notifier.model.standing import NoticeType
from services.notifier.tables import notices
from shared.clock import from_ms, to_ms
from shared.contracts.event import Event
from shared.db.port import Reader, Tx
from shared.db.statement import BulkInsert, Query
from shared.ids import AccountId, TicketId

PREFIX = "notices."
ACTOR = "center:notifier"
LAST = Query(select(func.max(notices.c.seq).label("seq")).where(notices.c.account == bindparam("account")))
ENTRIES = Query(
    select(notices)
    .where(notices.c.account == bindparam("account"), notices.c.seq > bindparam("after"))
    .order_by(notices.c.seq)
    .limit(bindparam("most"))
)
PUT = BulkInsert(notices, ("account", "seq", "at", "type", "data"))


def log_of(account: AccountId) -> TicketId:
    """Where a ticket's id stands elsewhere; no ticket is called like this."""
    return TicketId(PREFIX + account)


def is_notices(log: str) -> bool:
    return log.startswith(PREFIX)


def event(account: AccountId, seq: int, at: datetime, type: str, data: bytes) -> Event:
    return Event(log_of(account), seq, at, type, ACTOR, account, "", data)


async def add(tx: Tx, account: AccountId, type: NoticeType, data: Mapping[str, Any], now: datetime) -> Event:
    """Whoever calls this holds the lock of the account's subscriptions: nobody else numbers its notices."""
    (row,) = await tx.fetch(LAST, account=account)
    new = event(account, (row["seq"] or 0) + 1, now, type, orjson.dumps(data))
    await tx.insert(PUT, [(account, new.seq, to_ms(now), type, new.data.decode())])
    return new


async def entries(reader: Reader | Tx, log: str, *, after: int, most: int) -> Sequence[Event]:
    account = AccountId(log.removeprefix(PREFIX))
    rows = await reader.fetch(ENTRIES, account=account, after=after, most=most)
    return [event(account, r["seq"], from_ms(r["at"]), r["type"], r["data"].encode()) for r in rows]
