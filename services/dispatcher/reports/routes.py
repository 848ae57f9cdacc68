"""The routes of reports: JSON or CSV, of all accounts for operators, of their own for accounts."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any, Literal, cast, get_args
from urllib.parse import urlencode

import orjson
from fastapi import APIRouter, Depends, Header, Query, Response
from pydantic import AfterValidator

from services.dispatcher.reports import shapes
from services.dispatcher.reports.adding import KEYS, SUMS, Group, added_up
from services.dispatcher.reports.queries import Dimension
from services.dispatcher.reports.reports import WORST, Asked, Lines, Reports, Worst
from shared.audit.trail import Act, record
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.clock import Clock, from_ms, rfc3339, to_ms
from shared.contracts.instant import DAY_PATTERN
from shared.db.port import Database
from shared.errors import FieldError, Forbidden, InvalidInput
from shared.web.accept import preferred
from shared.web.csv_answer import csv_answer
from shared.web.pages import OfEntry
from shared.web.routes import StrictRoute, allow, problems

CHINA = timezone(timedelta(hours=8))
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
_ONE = f"({'|'.join(DIMENSIONS)})"
Reader = Annotated[Principal, Depends(allow("account", "operator", needs="exports:read"))]
BY = f"^({_ONE}(,{_ONE})?)?$"
CHOICE = f"at most two of {', '.join(DIMENSIONS)}"


def _by(said: str) -> str:
    if not re.fullmatch(BY, said):
        raise ValueError(f"must be {CHOICE}, with a comma between them")
    return said


By = Annotated[
    str,
    Query(json_schema_extra={"pattern": BY}, description=f"{CHOICE.capitalize()}; none: a total"),
    AfterValidator(_by),
]
Day = Annotated[str | None, Query(pattern=DAY_PATTERN, examples=["2026-11-01"])]
Since = Annotated[Day, Query(alias="from", description="The first day, in China; else the first of `to`'s month")]
Until = Annotated[Day, Query(alias="to", description="The day after the last; else tomorrow")]
Format = Annotated[Literal["json", "csv"] | None, Query(description="Else what the reader accepts")]
Accept = Annotated[str | None, Header(include_in_schema=False)]
REFUSED = problems(401, 403, 422, 503)
CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
ANSWERS: dict[int | str, dict[str, Any]] = {**CSV, **REFUSED}
FORMS = ("application/json", "text/csv")
MOST = Annotated[int, Query(ge=1, le=500)]


@dataclass(frozen=True, slots=True)
class Report:
    """One that was made: `head` are the fields beside `items`, `columns` those of a line in CSV."""

    name: str
    head: dict[str, Any]
    items: Lines
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class Period:
    since: date
    until: date

    def head(self) -> dict[str, Any]:
        return {"from": self.since.isoformat(), "to": self.until.isoformat()}


def routes(reports: Reports, database: Database, clock: Clock) -> APIRouter:
    router, door = APIRouter(route_class=StrictRoute, tags=["reports"]), _Door(database, clock)
    _add_shares(router, reports, door)
    _add_faults(router, reports, door)
    return router


def _add_shares(router: APIRouter, reports: Reports, door: "_Door") -> None:
    @router.get("/v1/reports/attainment", response_model=shapes.AttainmentReport, responses=ANSWERS)
    async def report_attainment(
        caller: Reader, by: By = "", since: Since = None, until: Until = None, account: OfEntry = None,
        format: Format = None, accept: Accept = None,
    ) -> Response:  # fmt: skip
        """Repairs within 5 hours, 2 hours and the promise; mean, median and 90th percentile; response."""
        period, asked = door.asked(caller, since, until, account)
        keys = _dimensions(by)
        items = await reports.attainment(asked, keys)
        total = items if not keys else await reports.attainment(asked, ())
        columns = [*keys, *_columns(shapes.AttainmentLine)]
        beside = {"satisfaction": _satisfaction(caller, asked, keys)}
        head = {**period.head(), "total": total[0] if total else None, **beside}
        return await door.answer(caller, Report("attainment", head, items, columns), format, accept)

    @router.get("/v1/reports/repeats", response_model=shapes.RepeatsReport, responses=ANSWERS)
    async def report_repeats(
        caller: Reader, by: By = "", since: Since = None, until: Until = None, account: OfEntry = None,
        days: Annotated[int, Query(ge=1, le=366)] = 30, format: Format = None, accept: Accept = None,
    ) -> Response:  # fmt: skip
        """Tickets whose circuit had been restored of an earlier one at most `days` before they were reported."""
        period, asked = door.asked(caller, since, until, account)
        keys, span = _dimensions(by), days * 86_400_000
        items = await reports.repeats(asked, keys, span_ms=span)
        total = items if not keys else await reports.repeats(asked, (), span_ms=span)
        columns = [*keys, *_columns(shapes.RepeatsLine)]
        head = {**period.head(), "days": days, "total": total[0] if total else None}
        return await door.answer(caller, Report("repeats", head, items, columns), format, accept)


def _add_faults(router: APIRouter, reports: Reports, door: "_Door") -> None:
    @router.get("/v1/reports/worst", response_model=shapes.WorstReport, responses=ANSWERS)
    async def report_worst(
        caller: Reader, of: Worst = "circuit", since: Since = None, until: Until = None, account: OfEntry = None,
        limit: MOST = 20, format: Format = None, accept: Accept = None,
    ) -> Response:  # fmt: skip
        """Circuits and accounts by breaches, networks by their own share of the time (for operators)."""
        if of == "network" and caller.role != "operator":
            raise Forbidden("Networks are compared for operators only.")
        if of == "network" and account is not None:
            raise InvalidInput(FieldError("query:account", "networks are compared over all accounts"))
        period, asked = door.asked(caller, since, until, account)
        items = await reports.worst(asked, of, most=limit)
        columns = [name for name in shapes.WorstLine.model_fields if name in WORST[of][0] or name not in WORST]
        return await door.answer(caller, Report("worst", period.head(), items, columns), format, accept)

    @router.get("/v1/reports/compensation", response_model=shapes.CompensationReport, responses=ANSWERS)
    async def report_compensation(
        caller: Reader, by: Group = "account", since: Since = None, until: Until = None, account: OfEntry = None,
        format: Format = None, accept: Accept = None,
    ) -> Response:  # fmt: skip
        """What is due for missed restore targets, by the rules of the contracts."""
        period, asked = door.asked(caller, since, until, account)
        month_began = _ms(period.since.replace(day=1))
        items, total = await added_up(reports.compensation(asked, month_began=month_began), by)
        named = [name for name in shapes.CompensationLine.model_fields if name in (*KEYS[by], *SUMS)]
        rules = {"rules": reports.rules.version, "currency": reports.rules.currency}
        head = {**period.head(), **rules, "total": total}
        return await door.answer(caller, Report("compensation", head, items, named), format, accept)


class _Door:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def asked(
        self, caller: Principal, since: str | None, until: str | None, account: str | None
    ) -> tuple[Period, Asked]:
        """Raises InvalidInput."""
        today = self._clock.now().astimezone(CHINA).date()
        last = _day("to", until) if until else today + timedelta(days=1)
        first = _day("from", since) if since else (last - timedelta(days=1)).replace(day=1)
        if first >= last:
            raise InvalidInput(FieldError("query:to", "must be after from: it is the first day that is not in it"))
        asked = Asked(reader_for(caller, self._database), caller.reading(account), _ms(first), _ms(last))
        return Period(first, last), asked

    async def answer(self, caller: Principal, report: Report, format: str | None, accept: str | None) -> Response:
        """What an operator takes away as a file is an act."""
        if format == "json" or (format is None and preferred(accept, FORMS) != "text/csv"):
            body = {**report.head, "items": report.items}
            return Response(orjson.dumps(body, default=float), headers={"Vary": "Accept"}, media_type=FORMS[0])
        period = f"{report.head['from']}-{report.head['to']}"
        if caller.role == "operator":
            details = {"from": report.head["from"], "to": report.head["to"], "lines": len(report.items)}
            act = Act(self._clock.now(), caller.actor, "export.made", f"report:{report.name}", details, caller.origin)
            await self._database.transact(lambda tx: record(tx, act))
        found = csv_answer(report.items, report.columns, name=f"{report.name}-{period}")
        found.headers["Vary"] = "Accept"
        return found


def _dimensions(by: str) -> Sequence[Dimension]:
    return list(dict.fromkeys(cast(Dimension, name) for name in by.split(",") if name))


def _satisfaction(caller: Principal, asked: Asked, keys: Sequence[Dimension]) -> str | None:
    """Where to read what customers said of the same time: operators only, of all accounts, by one dimension."""
    by = keys[0] if keys else "tier"
    if asked.accounts is not None or len(keys) > 1 or by not in ("tier", "network", "cause"):
        return None
    if "tickets:read" not in caller.permissions:
        return None
    span = {"since": rfc3339(from_ms(asked.since)), "until": rfc3339(from_ms(asked.until))}
    return f"/v1/follow-ups/summary?{urlencode({'by': by, **span})}"


def _columns(shape: type[shapes.AttainmentLine] | type[shapes.RepeatsLine]) -> list[str]:
    return [name for name in shape.model_fields if name not in DIMENSIONS]


def _day(name: str, said: str) -> date:
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise InvalidInput(FieldError(f"query:{name}", "is no day of the calendar")) from None


def _ms(day: date) -> int:
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=CHINA).astimezone(UTC))
