"""A calendar as people write it in the SLA policy: hours by weekday, a list of public holidays, days of one's own."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.tickets.calendars import Calendar
from shared.toml_file import read_toml

LISTS = Path(__file__).with_name("holidays")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPAN = re.compile(r"^([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)$")
DAY = timedelta(days=1)
MOST_DAYS = 366


def _days(given: object) -> object:
    """`2026-10-01`, or `2026-10-01..2026-10-07`."""
    if not isinstance(given, list):
        return given
    return frozenset(day for item in given for day in _each(item))


def _each(item: object) -> Iterator[date]:
    if type(item) is date:
        yield item
        return
    first, _, last = str(item).partition("..")
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last or first)
    except ValueError:
        raise ValueError(f'{item} is neither a day, 2026-10-01, nor some, "2026-10-01..2026-10-07"') from None
    if not timedelta(0) <= end - begin < MOST_DAYS * DAY:
        raise ValueError(f"{item} does not go from a day to a later one of the same year")
    yield from (begin + n * DAY for n in range((end - begin).days + 1))


Days = Annotated[frozenset[date], BeforeValidator(_days)]


def _spans(given: list[str]) -> list[str]:
    before = 0
    for span in given:
        begin, end = _minutes(span)
        if end <= begin:
            raise ValueError(
                f"{span} ends before it begins; what goes over midnight is two spans: 22:00-24:00, 00:00-06:00"
            )
        if begin < before:
            raise ValueError(f"{span} begins before the one in front of it ends")
        before = end
    return given


def _minutes(span: str) -> tuple[int, int]:
    match = SPAN.match(span)
    if match is None:
        raise ValueError(f"{span} is not hours such as 08:30-17:30")
    begin = int(match[1]) * 60 + int(match[2])
    return begin, 24 * 60 if match[3] is None else int(match[3]) * 60 + int(match[4])


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name} is no time zone such as Asia/Shanghai") from None
    return name


def _named(days: str) -> Iterator[int]:
    """`mon-fri`, `sat`: the numbers of these days."""
    first, _, last = days.partition("-")
    if first not in DAYS or (last or first) not in DAYS or DAYS.index(last or first) < DAYS.index(first):
        raise ValueError(f"{days} is no day or days such as mon, sat, mon-fri")
    yield from range(DAYS.index(first), DAYS.index(last or first) + 1)


class _Year(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: str
    off: Days
    work: Days = frozenset()


class _List(BaseModel):
    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, _Year] = Field(init=False)


class CalendarTable(BaseModel):
    """`hours`: weekdays to the hours of each. `holidays`: a list that ships. `off`, `work`: more days off, and more
    that are worked by Monday's hours although the week says otherwise; here `work` wins over the list's `off`."""

    model_config = ConfigDict(extra="forbid")

    time_zone: Annotated[str, AfterValidator(_zone)]
    hours: dict[str, Annotated[list[str], AfterValidator(_spans)]]
    holidays: Literal["china"] | None = None
    off: Days = frozenset()
    work: Days = frozenset()

    @model_validator(mode="after")
    def _whole(self) -> "CalendarTable":
        found = [day for days in self.hours for day in _named(days)]
        if twice := sorted({day for day in found if found.count(day) > 1}):
            raise ValueError(f"hours: {DAYS[twice[0]]} stands there twice")
        if not any(self.hours.values()):
            raise ValueError("hours: there are none in the whole week")
        if both := sorted(self.off & self.work):
            raise ValueError(f"{both[0]} is in off and in work")
        return self


@dataclass(frozen=True, slots=True)
class Holidays:
    """`sources`: for each year that was published, where it is from."""

    off: frozenset[date]
    work: frozenset[date]
    sources: Mapping[int, str]


@cache
def holidays(name: str) -> Holidays:
    """A list that ships with the package."""
    years = read_toml(LISTS / f"{name}.toml", _List).__pydantic_extra__
    off = frozenset(day for year in years.values() for day in year.off)
    work = frozenset(day for year in years.values() for day in year.work)
    return Holidays(off, work, {int(year): given.source for year, given in years.items()})


def calendar_of(name: str, table: CalendarTable) -> Calendar:
    weekly: list[tuple[tuple[int, int], ...]] = [()] * 7
    for days, spans in table.hours.items():
        for day in _named(days):
            weekly[day] = tuple(map(_minutes, spans))
    listed = holidays(table.holidays) if table.holidays else Holidays(frozenset(), frozenset(), {})
    years = {*listed.sources, *(day.year for day in table.off | table.work)}
    return Calendar(
        name=name, zone=ZoneInfo(table.time_zone), weekly=tuple(weekly), off=(listed.off - table.work) | table.off,
        work=(listed.work - table.off) | table.work,
        years=frozenset(years) if listed.sources else None,
    )  # fmt: skip
