"""Disputed suspensions in and out of the database."""

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import BigInteger, Integer, Text, bindparam, delete, select, tuple_

from services.dispatcher.disputes.model import to_decide
from services.dispatcher.disputes.tables import DISPUTED_COLUMNS, disputed_suspensions
from shared.clock import rfc3339, to_ms
from shared.contracts.facts import TicketSuspended
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of
from shared.tickets import store as tickets
from shared.tickets.log import Entry
from shared.tickets.model import Doubt, Ticket

d = disputed_suspensions.c
PUT = BulkInsert(disputed_suspensions, DISPUTED_COLUMNS)
FORGET = Query(delete(disputed_suspensions).where(any_of(d.ticket, "tickets")))
LIST = Query(
    select(disputed_suspensions)
    .where(
        tuple_(d.at, d.ticket, d.suspension)
        > tuple_(
            bindparam("at", type_=BigInteger()), bindparam("ticket", type_=Text()), bindparam("seq", type_=Integer())
        )
    )
    .order_by(d.at, d.ticket, d.suspension)
    .limit(bindparam("most"))
)


async def put(tx: Tx, changed: Sequence[Ticket]) -> None:
    """These tickets' rows as they are to be by now. The tickets are locked."""
    await tx.fetch(FORGET, tickets=[ticket.id for ticket in changed])
    rows = [await _row(tx, ticket, doubt) for ticket in changed for doubt in to_decide(ticket)]
    if rows:
        await tx.insert(PUT, rows)


async def _row(tx: Tx, ticket: Ticket, doubt: Doubt) -> tuple[Any, ...]:
    (entry,) = await tickets.entries(tx, ticket.id, after=doubt.suspension - 1, most=1)
    data = orjson.dumps(_shown(entry, doubt)).decode()
    return ticket.id, doubt.suspension, ticket.account, to_ms(doubt.at), data


def _shown(entry: Entry, doubt: Doubt) -> dict[str, Any]:
    suspended = entry.fact()
    assert isinstance(suspended, TicketSuspended), "a doubt is about a suspension"
    return {
        "network": suspended.network, "reason": suspended.reason, "evidence": suspended.evidence,
        "suspended_at": rfc3339(suspended.occurred_at or entry.at), "suspended_by": entry.actor, "cause": doubt.cause,
        "disputed_by": doubt.by, "objection": doubt.reason,
    }  # fmt: skip


async def undecided(database: Database, *, after: tuple[int, str, int], most: int) -> Sequence[Row]:
    """The oldest first."""
    at, ticket, seq = after
    return await database.fetch(LIST, at=at, ticket=ticket, seq=seq, most=most)
