"""Hours by the calendar: holidays, days worked instead, time zones, and how far they are written out."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.clock import from_ms, to_ms
from shared.tickets.calendar_file import CalendarTable, calendar_of, holidays
from shared.tickets.calendars import Calendar, written_out
from shared.tickets.hours import counted

BEIJING = ZoneInfo("Asia/Shanghai")
HOUR_MS, DAY = 3_600_000, timedelta(days=1)
OFFICE = {"mon-fri": ["08:30-12:00", "13:30-17:30"]}


def calendar(**said: Any) -> Calendar:
    return calendar_of("office", CalendarTable.model_validate({"time_zone": "Asia/Shanghai", "hours": OFFICE, **said}))


def hours_of(calendar: Calendar, day: str) -> float:
    """How many hours of this Beijing day count."""
    begin = datetime.fromisoformat(day).replace(tzinfo=BEIJING)
    windows = written_out(calendar, begin, now=begin, longest_ms=0)
    return counted(to_ms(begin), to_ms(begin + DAY), windows) / HOUR_MS


def test_workday_counts_by_its_hours_and_a_sunday_not_at_all() -> None:
    assert (hours_of(calendar(), "2026-11-20"), hours_of(calendar(), "2026-11-22")) == (7.5, 0)


def test_holiday_counts_nothing_and_the_weekend_day_worked_for_it_counts_as_a_monday() -> None:
    china = calendar(holidays="china")
    assert [hours_of(china, f"2026-10-0{day}") for day in range(1, 8)] == [0] * 7
    assert (hours_of(china, "2026-10-10"), hours_of(china, "2026-10-11")) == (7.5, 0)


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_shipped_holidays_are_off_on_workdays_and_work_on_weekends_only(year: int) -> None:
    """What the notices have in common: a day worked instead is a weekend day, and no day is both."""
    china = holidays("china")
    off, work = ({d for d in days if d.year == year} for days in (china.off, china.work))
    assert all(day.weekday() >= 5 for day in work)
    assert not off & work
    assert 28 <= len(off) <= 33
    assert china.sources[year].startswith(f"国务院办公厅关于{year}年部分节假日安排的通知，国办发明电〔{year - 1}〕")


def workdays(year: int) -> int:
    """The working days of a year by the shipped arrangement."""
    china = calendar(holidays="china")
    return sum(
        bool(china.of(date(year, 1, 1) + n * DAY)) for n in range(366) if (date(year, 1, 1) + n * DAY).year == year
    )


def test_years_have_as_many_working_days_as_the_law_leaves() -> None:
    """365 or 366 less weekends less the statutory holidays (11, since 2025 13) of which none is lost to a weekend, so
    the days worked instead even out."""
    assert {year: workdays(year) for year in (2024, 2025, 2026)} == {2024: 251, 2025: 248, 2026: 248}


def test_own_days_win_over_the_list() -> None:
    own = calendar(holidays="china", work=["2026-10-05..2026-10-06"], off=[date(2026, 10, 10)])
    assert [hours_of(own, day) for day in ("2026-10-04", "2026-10-05", "2026-10-06", "2026-10-10")] == [0, 7.5, 7.5, 0]


def test_round_the_clock_by_a_calendar_is_one_window() -> None:
    whole = calendar(hours={"mon-sun": ["00:00-24:00"]})
    start = datetime(2026, 11, 20, 3, tzinfo=UTC)
    assert len(written_out(whole, start, now=start, longest_ms=0)) == 1


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-10-26", 24)])
def test_day_on_which_the_clocks_change_is_as_long_as_it_is(day: str, hours: int) -> None:
    berlin = calendar(time_zone="Europe/Berlin", hours={"mon-sun": ["00:00-24:00"]})
    begin = datetime.fromisoformat(day).replace(tzinfo=berlin.zone)
    windows = written_out(berlin, begin - DAY, now=begin - DAY, longest_ms=0)
    end = datetime.combine(begin.date() + DAY, begin.time(), berlin.zone)
    assert counted(to_ms(begin), to_ms(end), windows) == hours * HOUR_MS == to_ms(end) - to_ms(begin)


def test_hours_that_a_change_of_the_clocks_leaves_out_are_passed_over() -> None:
    early = calendar(time_zone="Europe/Berlin", hours={"sun": ["02:00-03:00"]})
    begin = datetime(2026, 3, 29, tzinfo=early.zone)
    windows = written_out(early, begin, now=begin, longest_ms=0)
    assert from_ms(windows[0][0]).astimezone(early.zone).date() == date(2026, 4, 5)


def test_hours_reach_three_months_ahead_and_until_four_targets_have_counted() -> None:
    now = datetime(2026, 11, 20, 3, tzinfo=UTC)
    near, far = (written_out(calendar(), now, now=now, longest_ms=hours * HOUR_MS) for hours in (24, 400))
    assert from_ms(near[-1][1]) >= now + 91 * DAY
    assert counted(to_ms(now + DAY), far[-1][1], far) >= 4 * 400 * HOUR_MS


def test_report_from_long_ago_is_counted_from_three_months_back() -> None:
    now = datetime(2026, 11, 20, 3, tzinfo=UTC)
    windows = written_out(calendar(), datetime(1980, 1, 1, tzinfo=UTC), now=now, longest_ms=0)
    assert now - 93 * DAY < from_ms(windows[0][0]) < now - 89 * DAY


SPANS = st.lists(st.integers(0, 24 * 4), min_size=2, max_size=6, unique=True).map(sorted)


def _spans(quarters: list[int]) -> list[str]:
    words = [f"{q // 4:02}:{q % 4 * 15:02}" for q in quarters]
    return [f"{a}-{b}" for a, b in zip(words[::2], words[1::2], strict=False)]


@given(
    st.dictionaries(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), SPANS.map(_spans), min_size=1),
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]),
    st.integers(0, 365 * 24).map(lambda hour: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hour)),
)
def test_written_out_hours_are_in_order_and_disjoint_in_any_zone(
    week: dict[str, list[str]], zone: str, at: datetime
) -> None:
    windows = written_out(calendar(hours=week, time_zone=zone), at, now=at, longest_ms=HOUR_MS)
    edges = [edge for window in windows for edge in window]
    assert edges == sorted(set(edges))
    assert windows[0][0] >= to_ms(at - 2 * DAY)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"time_zone": "Asia/Bejing"}, "no time zone"),
        ({"hours": {"mon-fry": ["08:00-12:00"]}}, "mon-fry is no day"),
        ({"hours": {"fri-mon": ["08:00-12:00"]}}, "fri-mon is no day"),
        ({"hours": {"mon-fri": ["08:00-12:00"], "fri": []}}, "fri stands there twice"),
        ({"hours": {"mon": ["22:00-06:00"]}}, "ends before it begins"),
        ({"hours": {"mon": ["13:00-17:00", "08:00-12:00"]}}, "begins before the one in front"),
        ({"hours": {"mon": ["8-17"]}}, "not hours such as"),
        ({"hours": {"mon": []}}, "none in the whole week"),
        ({"holidays": "austria"}, "china"),
        ({"off": ["1st of May"]}, "neither a day"),
        ({"off": ["2026-05-05..2026-05-01"]}, "a later one"),
        ({"off": [date(2026, 5, 1)], "work": [date(2026, 5, 1)]}, "in off and in work"),
    ],
)
def test_what_is_wrong_with_a_calendar_is_said(said: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        calendar(**said)
