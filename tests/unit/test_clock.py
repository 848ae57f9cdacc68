"""Instants are aware UTC in whole milliseconds, wherever they come from."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from shared.clock import EPOCH, SystemClock, from_ms, rfc3339, to_ms, whole_ms
from shared.testing.clock import START, ManualClock
from tests.strategies import INSTANTS

BEIJING_TIME = timezone(timedelta(hours=8))


def test_system_clock_says_utc_in_whole_milliseconds() -> None:
    now = SystemClock().now()
    assert now.utcoffset() == timedelta(0)
    assert now.microsecond % 1000 == 0


@given(st.integers(0, to_ms(datetime(9999, 12, 31, tzinfo=UTC))))
def test_milliseconds_survive_the_way_to_an_instant_and_back(ms: int) -> None:
    assert to_ms(from_ms(ms)) == ms


@given(st.timedeltas(timedelta(-100_000), timedelta(100_000)).map(lambda since: EPOCH.astimezone(BEIJING_TIME) + since))
def test_whole_ms_is_the_same_instant_in_utc_less_than_a_millisecond_earlier(instant: datetime) -> None:
    cut = whole_ms(instant)
    assert timedelta(0) <= instant - cut < timedelta(milliseconds=1)
    assert cut.tzinfo is UTC


def test_rfc3339_is_utc_with_milliseconds_and_z() -> None:
    instant = datetime(2026, 11, 21, 16, 30, 0, 250_999, tzinfo=BEIJING_TIME)
    assert rfc3339(instant) == "2026-11-21T08:30:00.250Z"


@given(INSTANTS)
def test_rfc3339_reads_back_as_the_same_instant(instant: datetime) -> None:
    assert datetime.fromisoformat(rfc3339(instant)) == instant


def test_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = ManualClock()
    assert clock.now() == clock.now() == START
    assert clock.advance(timedelta(minutes=5)) == clock.now() == START + timedelta(minutes=5)


def test_manual_clock_knows_whole_milliseconds_only_as_the_real_one() -> None:
    clock = ManualClock(START + timedelta(microseconds=1))
    assert clock.advance(timedelta(microseconds=1500)) == START + timedelta(milliseconds=1)
