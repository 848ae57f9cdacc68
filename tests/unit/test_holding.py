"""Quiet hours and digests: they put off and merge, hold up nothing that is urgent, and keep the order of a ticket."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.model.holding import MOST_MERGED, Ready, Wait, after_quiet, due_at, parcel
from services.notifier.model.preferences import EVERYTHING, Preferences, QuietHours
from shared.contracts.event import Event
from shared.testing.clock import START
from tests.cases import log_of, notes

_, (*ENTRIES,) = log_of(*notes(60))
NIGHT = QuietHours("Asia/Shanghai", "22:00", "07:00")  # 14:00 to 23:00 UTC
NOON = QuietHours("Asia/Shanghai", "12:00", "13:30")
MINUTE = timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


def at(text: str, *types: str) -> list[Event]:
    """Entries that happen at that moment, one behind the other."""
    return [replace(entry, at=utc(text), type=type) for entry, type in zip(ENTRIES, types, strict=False)]


@pytest.mark.parametrize(
    ("quiet", "moment", "until"),
    [
        (NIGHT, "2026-11-21T13:59", "2026-11-21T13:59"), (NIGHT, "2026-11-21T14:00", "2026-11-21T23:00"),
        (NIGHT, "2026-11-21T22:59", "2026-11-21T23:00"), (NIGHT, "2026-11-21T23:00", "2026-11-21T23:00"),
        (NIGHT, "2026-11-21T16:30", "2026-11-21T23:00"), (NOON, "2026-11-21T04:00", "2026-11-21T05:30"),
        (NOON, "2026-11-21T03:59", "2026-11-21T03:59"), (NOON, "2026-11-21T05:30", "2026-11-21T05:30"),
        # The night in which the clocks of Paris go back: 22:00 in summer time to 7:00 in winter time.
        (QuietHours("Europe/Paris", "22:00", "07:00"), "2026-10-24T20:00", "2026-10-25T06:00"),
    ],
)  # fmt: skip
def test_quiet_hours_are_by_the_clock_on_the_wall(quiet: QuietHours, moment: str, until: str) -> None:
    assert after_quiet(quiet, utc(moment)) == utc(until)


@given(st.integers(0, 2 * 365 * 24 * 3600), st.sampled_from([NIGHT, NOON]))
def test_nobody_is_woken_and_nothing_is_put_off_without_need(later_s: int, quiet: QuietHours) -> None:
    moment = START + timedelta(seconds=later_s)
    until = after_quiet(quiet, moment)
    assert after_quiet(quiet, until) == until
    assert moment <= until < moment + timedelta(hours=9, seconds=1)


def test_news_at_night_wait_for_the_morning_and_come_as_one() -> None:
    wanted, night = Preferences(quiet=NIGHT), at("2026-11-21T15:00", "ticket.noted", "order.progressed")
    assert parcel(wanted, night, utc("2026-11-21T15:00")) == Wait(utc("2026-11-21T23:00"))
    assert parcel(wanted, night, utc("2026-11-21T23:00")) == Ready(2)


def test_what_is_urgent_waits_for_nothing_and_takes_along_what_waits() -> None:
    wanted = Preferences(quiet=NIGHT, digest_min=60)
    night = at("2026-11-21T15:00", "ticket.noted", "ticket.restored", "ticket.noted")
    assert parcel(wanted, night, utc("2026-11-21T15:00")) == Ready(2)
    assert parcel(wanted, night[1:], utc("2026-11-21T15:00")) == Ready(1)
    assert due_at(wanted, night, utc("2026-11-21T15:00")) == utc("2026-11-21T15:00")


@pytest.mark.parametrize(
    "type", ["ticket.deadline_missed", "ticket.escalated", "ticket.restored", "ticket.suspended", "ticket.unroutable"]
)
def test_breach_escalation_restoration_suspension_and_no_route_are_urgent(type: str) -> None:
    assert parcel(Preferences(quiet=NIGHT), at("2026-11-21T15:00", type), utc("2026-11-21T15:00")) == Ready(1)


def test_morning_s_news_are_not_merged_with_the_night_s() -> None:
    news = [*at("2026-11-21T22:00", "ticket.noted", "ticket.noted"), *at("2026-11-21T23:30", "ticket.noted")]
    assert parcel(Preferences(quiet=NIGHT), news, utc("2026-11-21T23:30")) == Ready(2)
    assert parcel(Preferences(quiet=NIGHT), news[2:], utc("2026-11-21T23:30")) == Ready(1)


def test_digest_waits_from_its_first_news_and_then_holds_all() -> None:
    wanted = Preferences(digest_min=30)
    news = [*at("2026-11-21T08:00", "ticket.noted"), *at("2026-11-21T08:29", "ticket.noted", "ticket.noted")]
    assert parcel(wanted, news, utc("2026-11-21T08:29")) == Wait(utc("2026-11-21T08:30"))
    assert parcel(wanted, news, utc("2026-11-21T08:30")) == Ready(3)


def test_digest_that_would_come_at_night_comes_in_the_morning() -> None:
    wanted = Preferences(digest_min=30, quiet=NIGHT)
    news = at("2026-11-21T13:45", "ticket.noted")
    assert parcel(wanted, news, utc("2026-11-21T13:50")) == Wait(utc("2026-11-21T23:00"))


def test_message_that_is_full_waits_no_longer() -> None:
    news = at("2026-11-21T08:00", *["ticket.noted"] * 60)
    assert parcel(Preferences(digest_min=30), news, utc("2026-11-21T08:00")) == Ready(MOST_MERGED)


def test_who_holds_nothing_gets_each_event_at_once() -> None:
    assert parcel(EVERYTHING, ENTRIES[:5], START) == Ready(1)
    assert due_at(EVERYTHING, ENTRIES[:5], START) == START


TYPES = st.sampled_from(["ticket.noted", "order.progressed", "ticket.restored"])
NEWS = st.lists(st.tuples(st.integers(0, 2000), TYPES), min_size=1, max_size=40)


@given(NEWS, st.integers(0, 3000), st.integers(0, 600), st.sampled_from([None, NIGHT, NOON]))
def test_nothing_is_lost_reordered_or_held_for_ever(
    news: list[tuple[int, str]], later: int, digest_min: int, quiet: QuietHours | None
) -> None:
    """Let time pass whenever there is something to wait for: all of it goes out, what is urgent without a wait."""
    wanted = Preferences(quiet=quiet, digest_min=digest_min)
    minutes = sorted(minute for minute, _ in news)
    events: Sequence[Event] = [
        replace(ENTRIES[n], at=START + minute * MINUTE, type=type)
        for n, (minute, (_, type)) in enumerate(zip(minutes, news, strict=True))
    ]
    now = events[-1].at + later * MINUTE
    while events:
        met = parcel(wanted, events, now)
        if isinstance(met, Wait):
            assert met.until > now
            assert not any(event.type == "ticket.restored" for event in events)
            now = met.until
        else:
            assert 1 <= met.count <= len(events)
            events = events[met.count :]
