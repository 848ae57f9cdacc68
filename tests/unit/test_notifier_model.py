"""The notifier's decisions: what is new, who wants it, when to try again, and how many at once."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.channels.webhook.transport import retry_after
from services.notifier.handlers.room import Room
from services.notifier.model.lane import Bump, Claim, Missing, Record, bumps, failed, sift
from services.notifier.model.outcome import Retry
from services.notifier.model.preferences import Preferences
from services.notifier.model.retrying import OUTAGE, PATIENCE, RETRY_DELAYS, most_failures, retry_delay
from services.notifier.model.subscription import Subscription
from shared.contracts.event import Event
from shared.ids import AccountId, SubscriptionId
from shared.testing.clock import START
from tests.cases import ACCOUNT, TICKET, log_of, notes

_, ENTRIES = log_of(*notes(9))


def subscription(id: str, *events: str, account: AccountId = ACCOUNT) -> Subscription:
    wanted = Preferences(events=frozenset(events))
    return Subscription(SubscriptionId(id), account, "webhook", "https://example.com", wanted, START)


@settings(deadline=None)
@given(st.lists(st.integers(0, 9), max_size=30), st.integers(0, 10))
def test_sifting_finds_each_event_once_in_order_and_names_every_hole(order: list[int], mark: int) -> None:
    found = sift([ENTRIES[i] for i in order], {TICKET: mark})
    seqs: list[int] = []
    for item in found:
        seqs += [item.seq] if isinstance(item, Event) else range(item.after + 1, item.before)
    newest = max([mark, *(i + 1 for i in order)])
    assert seqs == list(range(mark + 1, newest + 1))


def test_hole_is_named_before_what_follows_it() -> None:
    assert sift([ENTRIES[0], ENTRIES[4]], {}) == [ENTRIES[0], Missing(TICKET, 1, 5), ENTRIES[4]]


def test_bump_holds_what_its_subscription_wants_and_says_what_was_before() -> None:
    all_, reports, bank = (
        subscription("b"),
        subscription("a", "ticket.reported"),
        subscription("c", account=AccountId("beiyuan-bank")),
    )
    found = bumps(ENTRIES[:3], [all_, reports, bank], readers={}, places={})
    assert found == [Bump(reports, TICKET, ENTRIES[:1]), Bump(all_, TICKET, ENTRIES[:3])]
    assert [(b.acked_seq, b.last_seq) for b in found] == [(0, 1), (0, 3)]


def test_tries_are_dense_at_first_and_end_after_75_hours() -> None:
    delays = [retry_delay(failures, None, 0.0) for failures in range(1, 20)]
    assert delays[:5] == [timedelta(seconds=s) for s in (5, 15, 30, 60, 120)]
    assert sum((d for d in delays if d), timedelta()) == timedelta(hours=75)
    assert delays[-1] is None


@settings(deadline=None)
@given(st.integers(1, len(RETRY_DELAYS)), st.floats(-1, 1))
def test_jitter_moves_a_try_by_a_fifth_at_most(failures: int, jitter: float) -> None:
    delay = retry_delay(failures, None, jitter)
    assert delay is not None
    assert abs(delay - RETRY_DELAYS[failures - 1]) <= RETRY_DELAYS[failures - 1] * 0.2001


@settings(deadline=None)
@given(st.integers(1, len(RETRY_DELAYS)), st.floats(-1, 1))
def test_whatever_failed_only_in_an_outage_is_known_by_how_often(failures: int, jitter: float) -> None:
    delays = [retry_delay(n, None, jitter) or timedelta() for n in range(1, failures)]
    assert failures <= most_failures(max(sum(delays, timedelta()), OUTAGE))


def test_what_failed_before_an_outage_is_known_too() -> None:
    assert [most_failures(timedelta(minutes=m)) for m in (4, 5, 60)] == [0, 6, 10]


@pytest.mark.parametrize(
    ("asked", "waited"),
    [(0, 5), (2, 5), (40, 40), (3600, 3600), (10**9, 3600), (-5, 5)],
)
def test_retry_after_only_ever_puts_off_and_by_an_hour_at_most(asked: int, waited: int) -> None:
    assert retry_delay(1, timedelta(seconds=asked), 0.0) == timedelta(seconds=waited)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None), ("7", 7), (" 7 ", 7), ("soon", None), ("-1", None), ("1.5", None), ("٣", None), ("", None),
        ("Sat, 21 Nov 2026 08:02:00 GMT", 120), ("Sat, 21 Nov 2026 07:00:00 GMT", -3600), ("9" * 400, 999_999_999),
        ("Sat, 99 Nov 2026 08:02:00 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_header(value: str | None, seconds: int | None) -> None:
    found = retry_after(value, START)
    assert found == (None if seconds is None else timedelta(seconds=seconds))


def tried(attempts: int, outcome: Retry, *, age: timedelta, run: str = "") -> Record:
    """An event of that age is not taken once more."""
    claim = Claim(subscription("mails"), TICKET, "token", 0, 9, attempts, run=run)
    now = ENTRIES[0].at + age
    return failed(claim, ENTRIES[:1], outcome, now=now, until=now, jitter=0.0)


def test_what_fails_by_our_own_fault_is_tried_every_half_hour_for_75_hours() -> None:
    """A mail server that is back at three is no reason for mails at noon."""
    ours, age = Retry("connect", ours=True), timedelta(hours=20)
    assert tried(40, ours, age=age).due_at == ENTRIES[0].at + age + timedelta(minutes=30)
    assert [len(tried(150, ours, age=PATIENCE + more).dead) for more in (-OUTAGE, OUTAGE)] == [0, 1]


def test_what_failed_by_our_own_fault_is_not_given_up_because_of_it() -> None:
    theirs, age = Retry("deferred"), timedelta(hours=20)
    assert tried(40, theirs, age=age).due_at == ENTRIES[0].at + age + RETRY_DELAYS[-1]
    assert [len(tried(40, theirs, age=PATIENCE + more).dead) for more in (-OUTAGE, OUTAGE)] == [0, 1]


def test_replay_of_what_is_old_has_the_whole_schedule() -> None:
    ours = Retry("connect", ours=True)
    found = [tried(attempts, ours, age=timedelta(days=99), run="rpl_1") for attempts in (0, 18)]
    assert [len(record.dead) for record in found] == [0, 1]


def test_subscription_starts_with_a_few_and_earns_more() -> None:
    room = Room()
    assert [room.enter("s") for _ in range(5)] == [True] * 4 + [False]
    assert room.full() == {"s"}
    room.succeeded("s")
    assert [room.enter("s") for _ in range(5)] == [True] * 4 + [False]
    for _ in range(10):
        room.succeeded("s")
    assert sum(room.enter("s") for _ in range(1000)) == 128 - 8


def test_subscription_has_more_than_its_share_only_while_half_of_all_is_free() -> None:
    room = Room(total=32, per_subscription=4)
    for name in ("greedy", "other"):
        for _ in range(10):
            room.succeeded(name)
    assert sum(room.enter("greedy") for _ in range(20)) == 16
    assert sum(room.enter("other") for _ in range(20)) == 4
    for _ in range(6):
        room.leave("greedy")
    assert sum(room.enter("greedy") for _ in range(20)) == 3
    room.failed("greedy")
    assert [room.enter("greedy"), room.is_open_to("greedy")] == [False, False]
    assert sum(room.enter(str(n)) for n in range(20)) == 15


def test_failing_subscriptions_share_a_quarter() -> None:
    room = Room(total=8, failing=2)
    for name in "abcd":
        room.failed(name)
        room.failed(name)
    assert [room.enter(name) for name in "abcd"] == [True, True, False, False]
    assert room.full() == {"a", "b", "c", "d"}
    assert [room.enter("healthy") for _ in range(5)] == [True] * 4 + [False]


def test_those_that_die_at_once_with_much_under_way_leave_room_to_the_healthy() -> None:
    room = Room(total=8, failing=2)
    assert [room.enter(name) for name in "aabbccdd"] == [True] * 8
    assert room.free == 0
    for name in "aabbccdd":
        room.failed(name)
    assert room.free == 6
    assert [room.enter("healthy") for _ in range(5)] == [True] * 4 + [False]
    assert not room.enter("a")


def test_room_is_never_more_than_there_is() -> None:
    room = Room(total=6)
    assert sum(room.enter(str(i)) for i in range(20)) == 6
    room.leave("3")
    assert room.free == 1


@given(
    st.lists(st.tuples(st.sampled_from(["enter", "leave", "failed", "succeeded", "forget"]), st.sampled_from("abc")))
)
def test_room_counts_right_whatever_happens(steps: list[tuple[str, str]]) -> None:
    room = Room(total=8, per_subscription=4, failing=2)
    inside: list[str] = []
    for step, name in steps:
        if step == "enter" and room.enter(name):
            inside.append(name)
        elif step == "leave" and name in inside:
            inside.remove(name)
            room.leave(name)
        elif step in ("failed", "succeeded", "forget"):
            getattr(room, step)(name)
        beyond = sum(each in room._failing for each in inside) - 2
        assert room.free == 8 - len(inside) + max(beyond, 0)
        assert all(inside.count(each) <= 4 for each in "abc")
    for name in inside:
        room.leave(name)
    assert room.free == 8
    assert room.full() == set()
