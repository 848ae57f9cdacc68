"""What reports ask of the measures: one statement for all dimensions, on both databases, added up where the rows are.

Tickets are those whose restoration stands and lies within [since, until). Percentiles are by nearest rank: of n values
in order the one at place ⌈p·n⌉, so each is a time that a repair really took. NULL (not known) is a group of its own.
"""

from collections.abc import Sequence
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Text,
    and_,
    bindparam,
    case,
    cast,
    distinct,
    exists,
    func,
    select,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.selectable import Subquery

from services.dispatcher.measures.tables import measures, network_shares
from shared.db.statement import Query, any_of
from shared.tickets.tables import tickets

Dimension = Literal["account", "tier", "network", "province", "segment", "service", "cause", "impact", "month"]
HOUR_MS = 3_600_000
BEIJING_MS = 8 * HOUR_MS
m, e = measures.c, tickets.c


class month_of(ColumnElement[str]):
    """`2026-11`: the month in China of an instant in milliseconds."""

    inherit_cache = True
    type = Text()

    def __init__(self, column: ColumnElement[int]) -> None:
        self.column = column


@compiles(month_of, "postgresql")
def _month_postgresql(element: month_of, compiler: SQLCompiler, **kw: Any) -> str:
    seconds = f"(({compiler.process(element.column, **kw)} + {BEIJING_MS}) / 1000)"
    return f"to_char(to_timestamp({seconds}) AT TIME ZONE 'UTC', 'YYYY-MM')"


@compiles(month_of, "sqlite")
def _month_sqlite(element: month_of, compiler: SQLCompiler, **kw: Any) -> str:
    return f"strftime('%Y-%m', ({compiler.process(element.column, **kw)} + {BEIJING_MS}) / 1000, 'unixepoch')"


COLUMNS: dict[Dimension, ColumnElement[Any]] = {
    "account": m.account, "tier": m.tier, "network": m.network, "province": m.province, "segment": m.segment_kind,
    "service": m.service, "cause": m.cause, "impact": m.impact, "month": month_of(m.restored_at),
}  # fmt: skip


def _text(name: str) -> ColumnElement[str]:
    return bindparam(name, type_=Text())


def _number(name: str) -> ColumnElement[int]:
    return bindparam(name, type_=BigInteger())


def _key(name: str) -> ColumnElement[Any]:
    """The value of the dimension that the parameter names; '' of none."""
    return case(*((_text(name) == dimension, column) for dimension, column in COLUMNS.items()), else_="")


_within = and_(m.restored_at >= _number("since"), m.restored_at < _number("until"))
_of_some = and_(_within, any_of(m.account, "accounts"))


def _counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((condition, 1)))


def _total(column: ColumnElement[Any]) -> ColumnElement[int]:
    return cast(func.coalesce(func.sum(column), 0), BigInteger)


def _attainment(whose: ColumnElement[bool]) -> Query:
    kept = (m.time_to_repair, m.response, m.verdict, m.response_verdict, m.pending, m.held, m.reopened)
    base = select(_key("by").label("one"), _key("then").label("two"), *kept).where(whose).subquery()
    b = base.c
    groups = [b.one, b.two]
    ranked = select(
        *b,
        func.row_number().over(partition_by=groups, order_by=b.time_to_repair).label("place"),
        func.count().over(partition_by=groups).label("n"),
        func.row_number().over(partition_by=groups, order_by=[b.response.is_(None), b.response]).label("answer_place"),
        func.count(b.response).over(partition_by=groups).label("answered"),
    ).subquery()
    r = ranked.c
    return Query(
        select(
            r.one, r.two, func.count().label("tickets"),
            _counted(r.time_to_repair <= 5 * HOUR_MS).label("within_5h"),
            _counted(r.time_to_repair <= 2 * HOUR_MS).label("within_2h"),
            func.count(r.verdict).label("judged"), _counted(r.verdict == "met").label("met"),
            _total(r.time_to_repair).label("total"), *_ranks(ranked, "time_to_repair", "place", "n"),
            _total(r.response).label("response_total"), func.count(r.response).label("answered"),
            *_ranks(ranked, "response", "answer_place", "answered"),
            func.count(r.response_verdict).label("response_judged"),
            _counted(r.response_verdict == "met").label("response_met"),
            _total(r.pending).label("pending"), _total(r.held).label("held"),
            _counted(r.reopened > 0).label("reopened"),
        ).group_by(r.one, r.two).limit(bindparam("most"))
    )  # fmt: skip


def _ranks(ranked: Subquery, column: str, place: str, count: str) -> list[ColumnElement[int]]:
    value, at, n = ranked.c[column], ranked.c[place], ranked.c[count]
    wanted = {"median": (n + 1) // 2, "p90": (9 * n + 9) // 10}
    return [func.max(case((at == rank, value))).label(f"{column}_{name}") for name, rank in wanted.items()]


def _repeats(whose: ColumnElement[bool]) -> Query:
    """A ticket repeats where its circuit had been restored of an earlier one so shortly before it was reported."""
    before = measures.alias("before")
    restored = select(e.id).select_from(tickets.join(before, before.c.ticket == e.id))
    shortly = before.c.restored_at >= m.reported_at - _number("span")
    repeats = exists(restored.where(e.circuit == m.circuit, e.opened_at < m.opened_at, shortly).correlate(measures))
    base = select(_key("by").label("one"), _key("then").label("two"), case((repeats, 1), else_=0).label("again"))
    b = base.where(whose).subquery().c
    n, again = func.count().label("tickets"), _total(b.again).label("repeats")
    return Query(select(b.one, b.two, n, again).group_by(b.one, b.two).limit(bindparam("most")))


_breached, _time = _counted(m.verdict == "breached"), _total(m.time_to_repair)
_longest = func.max(m.time_to_repair)


def _worst(columns: Sequence[ColumnElement[Any]], whose: ColumnElement[bool]) -> Query:
    """By breaches, then by the time that the service was down."""
    kept = (*columns, func.count().label("tickets"), _breached.label("breached"))
    times = (_time.label("total"), _longest.label("longest"))
    ordered = (_breached.desc(), _time.desc(), _longest.desc(), columns[0])
    found = select(*kept, *times).where(whose).group_by(*columns).order_by(*ordered)
    return Query(found.limit(bindparam("most")))


ATTAINMENT, ATTAINMENT_OF_SOME = _attainment(_within), _attainment(_of_some)
REPEATS, REPEATS_OF_SOME = _repeats(_within), _repeats(_of_some)
WORST_CIRCUITS, WORST_CIRCUITS_OF_SOME = (_worst((m.circuit, m.account), whose) for whose in (_within, _of_some))
WORST_ACCOUNTS, WORST_ACCOUNTS_OF_SOME = (_worst((m.account,), whose) for whose in (_within, _of_some))

_s = network_shares.c
_own, _held = _total(_s.counted), func.max(_s.counted)
_late = func.count(distinct(case((m.verdict == "breached", m.ticket))))
WORST_NETWORKS = Query(
    select(
        _s.network, func.count(distinct(m.ticket)).label("tickets"), _late.label("breached"), _own.label("total"),
        _held.label("longest"),
    )
    .select_from(measures.join(network_shares, _s.ticket == m.ticket))
    .where(_within)
    .group_by(_s.network)
    .order_by(_own.desc(), _held.desc(), _s.network)
    .limit(bindparam("most"))
)  # fmt: skip

_after = tuple_(m.restored_at, m.ticket) > tuple_(_number("at"), bindparam("ticket", type_=Text()))
_over = (m.ticket, m.account, m.circuit, m.tier, m.restored_at, m.counted, m.restore_target)


def _breaches(whose: ColumnElement[bool]) -> Query:
    found = select(*_over, month_of(m.restored_at).label("month")).where(whose, _after, m.verdict == "breached")
    return Query(found.order_by(m.restored_at, m.ticket).limit(bindparam("most")))


BREACHES, BREACHES_OF_SOME = _breaches(_within), _breaches(_of_some)
