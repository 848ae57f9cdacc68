"""Follow-ups and surveys in and out of the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, Text, bindparam, case, func, select, tuple_, update

from services.dispatcher.follow_up.model import look_at
from services.dispatcher.follow_up.rules import FollowUpRules
from services.dispatcher.follow_up.tables import FOLLOW_UP_COLUMNS, SURVEY_COLUMNS, follow_ups, is_case, surveys
from shared.clock import from_ms, to_ms
from shared.db.port import Database, Reader, Tx
from shared.db.statement import BulkInsert, Query, Row
from shared.ids import TicketId
from shared.tickets.model import Ticket
from shared.tickets.tables import tickets
from shared.tickets.view import satisfaction

By = Literal["tier", "network", "cause"]
u, s, t = follow_ups.c, surveys.c, tickets.c
_changed = ", ".join(f"{name} = excluded.{name}" for name in FOLLOW_UP_COLUMNS if name != "ticket")
PUT = BulkInsert(follow_ups, FOLLOW_UP_COLUMNS, conflict=f"(ticket) DO UPDATE SET {_changed}")
DUE = Query(
    select(u.ticket).where(u.look_at <= bindparam("now")).order_by(u.look_at, u.ticket).limit(bindparam("most"))
)
CASES = Query(
    select(follow_ups)
    .where(
        is_case,
        tuple_(u.case_due_at, u.ticket) > tuple_(bindparam("at", type_=BigInteger()), bindparam("id", type_=Text())),
    )
    .order_by(u.case_due_at, u.ticket)
    .limit(bindparam("most"))
)
_late = func.sum(case((u.case_due_at < bindparam("now"), 1), else_=0))
OPEN_CASES = Query(
    select(u.owner, func.count().label("n"), _late.label("late"))
    .where(is_case)
    .group_by(u.owner)
)  # fmt: skip


def _summary(by: By) -> Query:
    group = u[by]
    return Query(
        select(group.label("group"), func.coalesce(u.answer, "").label("answer"), func.count().label("n"))
        .where(u.closed_at >= bindparam("since"), u.closed_at < bindparam("until"))
        .group_by(group, u.answer)
        .order_by(group)
    )


BY_TIER, BY_NETWORK, BY_CAUSE = _summary("tier"), _summary("network"), _summary("cause")
SUMMARY: dict[By, Query] = {"tier": BY_TIER, "network": BY_NETWORK, "cause": BY_CAUSE}
PUT_SURVEYS = BulkInsert(surveys, SURVEY_COLUMNS, conflict="DO NOTHING")
TO_ASK = Query(
    select(t.account, func.max(t.id).label("ticket"))
    .where(t.opened_at >= bindparam("since"), t.opened_at < bindparam("until"), t.status == "closed")
    .where(~select(s.account).where(s.account == t.account, s.quarter == bindparam("quarter")).exists())
    .group_by(t.account)
    .limit(bindparam("most"))
)
SURVEYS = Query(select(surveys).where(s.account == bindparam("account")).order_by(s.quarter.desc()).limit(100))
SURVEY = Query(select(surveys).where(s.account == bindparam("account"), s.quarter == bindparam("quarter")))
ANSWERED = Query(
    update(surveys)
    .where(s.account == bindparam("account"), s.quarter == bindparam("of"))
    .values(
        answered_at=bindparam("at", type_=BigInteger()),
        score=bindparam("said"),
        comment=bindparam("text", type_=Text()),
    )
)


@dataclass(frozen=True, slots=True)
class Tally:
    """Closed tickets of one group by what their customers answered; `silent` said nothing, or not yet."""

    group: str
    satisfied: int = 0
    dissatisfied: int = 0
    unanswered: int = 0
    asked: int = 0
    not_asked: int = 0


async def put(tx: Tx, closed: Sequence[Ticket], rules: FollowUpRules) -> None:
    """As these tickets stand, which the caller holds locked."""
    await tx.insert(PUT, [_row(ticket, rules) for ticket in closed])


def _row(ticket: Ticket, rules: FollowUpRules) -> tuple[Any, ...]:
    at, follow_up = look_at(ticket, rules), ticket.follow_up
    is_open = follow_up.satisfied is False
    return (
        ticket.id, ticket.account, ticket.tier or "", _restored_by(ticket), ticket.cause or "",
        to_ms(ticket.closed_at or ticket.updated_at), None if at is None else to_ms(at), satisfaction(follow_up),
        follow_up.score, follow_up.owner if is_open else None,
        to_ms(follow_up.due_at) if is_open and follow_up.due_at else None,
    )  # fmt: skip


def _restored_by(ticket: Ticket) -> str:
    return next((order.network for order in ticket.orders if order.state == "restored"), "")


async def due(database: Database, now: datetime, *, most: int) -> Sequence[TicketId]:
    return [TicketId(row["ticket"]) for row in await database.fetch(DUE, now=to_ms(now), most=most)]


async def cases(reader: Reader, *, after: tuple[int, str], most: int) -> Sequence[Row]:
    """Open cases, the first due first."""
    return await reader.fetch(CASES, at=after[0], id=after[1], most=most)


async def summary(reader: Reader, by: By, *, since: datetime, until: datetime) -> Sequence[Tally]:
    counted: dict[str, dict[str, int]] = {}
    for row in await reader.fetch(SUMMARY[by], since=to_ms(since), until=to_ms(until)):
        counted.setdefault(row["group"], {})[row["answer"] or "not_asked"] = row["n"]
    return [Tally(group, **answers) for group, answers in sorted(counted.items())]


@dataclass(frozen=True, slots=True)
class Survey:
    account: str
    quarter: str
    ticket: TicketId
    asked_at: datetime
    answer_by: datetime
    answered_at: datetime | None
    score: int | None
    comment: str | None


def survey_of(row: Row) -> Survey:
    return Survey(
        row["account"], row["quarter"], TicketId(row["ticket"]), from_ms(row["asked_at"]), from_ms(row["answer_by"]),
        None if row["answered_at"] is None else from_ms(row["answered_at"]), row["score"], row["comment"],
    )  # fmt: skip
