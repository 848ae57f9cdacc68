"""Working hours by the calendar, written out as the windows of `shared.tickets.hours`. Pure.

A day off counts nothing, whatever the week says. A day that is worked although the week says otherwise has Monday's
hours. What nobody has said to be off counts: a year whose arrangement is not known yet goes by the week alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shared.clock import to_ms

ROUND_THE_CLOCK = "24x7"
WRITTEN_OUT = timedelta(days=92)
TIMES_THE_TARGET = 4
MOST_DAYS = 4000
DAY = timedelta(days=1)
Windows = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Calendar:
    """`weekly`: for Monday to Sunday the spans of the day in minutes since midnight, in order and disjoint. `years` are
    those whose days off are known; None where they are not looked up in a list."""

    name: str
    zone: ZoneInfo
    weekly: tuple[tuple[tuple[int, int], ...], ...]
    off: frozenset[date] = frozenset()
    work: frozenset[date] = frozenset()
    years: frozenset[int] | None = None

    def day_of(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def of(self, day: date) -> tuple[tuple[int, int], ...]:
        """The spans of this day, in minutes since its midnight."""
        if day in self.off:
            return ()
        return self.weekly[0 if day in self.work else day.weekday()]


def written_out(calendar: Calendar, reported_at: datetime, *, now: datetime, longest_ms: int) -> Windows:
    """From the day of the report (three months ago at the earliest) to three months from now and further, until four
    times the longest target has counted. The same for all of one day."""
    today, left = calendar.day_of(now), TIMES_THE_TARGET * longest_ms
    first = max(calendar.day_of(reported_at), today - WRITTEN_OUT)
    found: list[tuple[int, int]] = []
    for day in (first + n * DAY for n in range(MOST_DAYS)):
        if day > today + WRITTEN_OUT and left <= 0:
            break
        for opens, closes in windows(calendar, day):
            if day > today:
                left -= closes - opens
            if found and opens <= found[-1][1]:
                found[-1] = found[-1][0], max(closes, found[-1][1])
            else:
                found.append((opens, closes))
    return tuple(found)


def unknown_years(calendar: Calendar, now: datetime) -> list[int]:
    """Those of the next three months whose days off should be in a list and are not."""
    if calendar.years is None:
        return []
    return sorted({now.year, (now + WRITTEN_OUT).year} - calendar.years)


def windows(calendar: Calendar, day: date) -> Iterator[tuple[int, int]]:
    """The windows of one local day; where the clocks change it is as long as it is."""
    for begin, end in calendar.of(day):
        opens, closes = (to_ms(_instant(calendar.zone, day, minute)) for minute in (begin, end))
        if opens < closes:
            yield opens, closes


def _instant(zone: ZoneInfo, day: date, minute: int) -> datetime:
    days, minute = divmod(minute, 24 * 60)
    return datetime.combine(day + days * DAY, time(minute // 60, minute % 60), zone)
