"""When a subscription is failing, when its account is told, and when it is disabled."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.handlers.troubles import told_of
from services.notifier.model.preferences import EVERYTHING
from services.notifier.model.standing import (
    DISABLED_AFTER,
    GOOD,
    Failed,
    Gone,
    Heard,
    Received,
    Standing,
    Taken,
    Undelivered,
    Verdict,
    after,
    is_news,
)
from services.notifier.model.subscription import NO_KEYS, Subscription
from shared.ids import SubscriptionId
from shared.testing.clock import START
from tests.cases import ACCOUNT

FAILING = Standing(START)


def test_first_failure_begins_a_series_and_tells_nobody() -> None:
    assert after(GOOD, Failed(1), START) == Verdict(FAILING)


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_nobody_is_told_before_the_fourth_failure(failures: int) -> None:
    assert after(FAILING, Failed(failures), START).tell is None


def test_fourth_failure_is_told_once_in_a_series() -> None:
    told = after(FAILING, Failed(4), START)
    assert told == Verdict(Standing(START, "failing"), "subscription.failing")
    assert after(told.standing, Failed(5), START).tell is None
    assert after(told.standing, Failed(4), START).tell is None


def test_event_that_is_given_up_is_told_once_in_a_series() -> None:
    told = after(Standing(START, "failing"), Failed(19, exhausted=True), START)
    assert told == Verdict(Standing(START, "exhausted"), "subscription.exhausted")
    assert after(told.standing, Failed(19, exhausted=True), START).tell is None


def test_whatever_is_taken_ends_the_series() -> None:
    assert after(Standing(START, "exhausted"), Taken(), START) == Verdict(GOOD)


def test_what_a_receipt_began_is_ended_by_a_receipt_only() -> None:
    told = after(Standing(START, "failing"), Undelivered(), START)
    assert told == Verdict(Standing(START, "undelivered"), "subscription.exhausted")
    assert after(told.standing, Undelivered(), START) == after(told.standing, Taken(), START) == Verdict(told.standing)
    assert after(told.standing, Failed(19, exhausted=True), START) == Verdict(told.standing)
    assert after(told.standing, Received(), START) == Verdict(GOOD)


def test_receiver_that_is_gone_is_disabled_at_once() -> None:
    assert after(GOOD, Gone(), START) == Verdict(Standing(START, None, START, "gone"), "subscription.disabled")


def test_five_days_of_nothing_but_failures_disable() -> None:
    just = START + DISABLED_AFTER
    assert after(FAILING, Failed(1), just - timedelta(seconds=1)).standing.disabled_at is None
    assert after(FAILING, Failed(1), just) == Verdict(Standing(START, None, just, "failing"), "subscription.disabled")


def test_what_another_process_delivered_meanwhile_counts() -> None:
    now = START + DISABLED_AFTER
    assert after(Standing(START, "failing"), Failed(1), now, taken_since=True) == Verdict(Standing(now))


def test_disabled_one_stays_so_whatever_is_heard() -> None:
    disabled = Standing(START, None, START, "gone")
    for heard in (Taken(), Gone(), Failed(4), Failed(19, exhausted=True)):
        assert after(disabled, heard, START) == Verdict(disabled)


HEARD = st.one_of(st.just(Taken()), st.builds(Failed, st.integers(1, 19), st.booleans()))


@given(st.lists(st.tuples(st.integers(0, 24 * 60), HEARD), max_size=60))
def test_what_is_told_in_a_series_is_told_once_and_what_is_no_news_changes_nothing(
    said: list[tuple[int, Heard]],
) -> None:
    standing, now, told = GOOD, START, set[str]()
    for minutes, heard in said:
        now += timedelta(minutes=minutes)
        verdict = after(standing, heard, now)
        assert is_news(standing, heard, now) == (verdict.standing != standing)
        if verdict.standing == GOOD:
            told.clear()
        if verdict.tell:
            assert verdict.tell not in told
            told.add(verdict.tell)
        standing = verdict.standing


def made(id: str, channel: str, standing: Standing = GOOD) -> Subscription:
    return Subscription(SubscriptionId(id), ACCOUNT, channel, "", EVERYTHING, START, NO_KEYS, standing)


def test_another_channel_is_told_and_only_without_one_another_webhook() -> None:
    about, mail, sms, webhook = (
        made("a", "webhook", FAILING),
        made("b", "email"),
        made("c", "sms"),
        made("d", "webhook"),
    )
    assert told_of(about, [about, mail, sms, webhook]) == [mail, sms]
    assert told_of(about, [about, webhook]) == [webhook]
    assert told_of(about, [about]) == []


def test_nobody_is_told_by_what_fails_itself() -> None:
    about, mail, webhook = made("a", "webhook"), made("b", "email", FAILING), made("d", "webhook")
    assert told_of(about, [about, mail, webhook]) == [webhook]
