"""Each stage alone: what it goes on with, and what it settles."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.notifier.channels.port import Notice
from services.notifier.model.lane import Claim
from services.notifier.model.outcome import Attempt, Delivered, GaveUp, Outcome, Refused, Retry
from services.notifier.model.preferences import Preferences
from services.notifier.model.subscription import Subscription
from services.notifier.pipeline.job import Job, Settled
from services.notifier.pipeline.stages import Deliver, Duplicate, Hold, Wanted
from shared.contracts.event import Event
from shared.ids import AccountId, SubscriptionId
from shared.testing.clock import START, ManualClock
from tests.cases import ACCOUNT, TICKET, log_of, notes, restored
from tests.keys import only_its_own

_, ENTRIES = log_of(*notes(4), restored())
UNTIL = START + timedelta(seconds=60)


def until(now: datetime) -> datetime:
    return now + timedelta(seconds=60)


def job(known: Sequence[Event] = ENTRIES, *, acked: int = 0, attempts: int = 0, **wanted: Any) -> Job:
    subscription = Subscription(SubscriptionId("sub"), ACCOUNT, "webhook", "url", Preferences(**wanted), START)
    return Job(Claim(subscription, TICKET, "token", acked, len(ENTRIES), attempts), deque(known))


class Post:
    """A channel that always comes to the same end."""

    reads_history = False
    timeout = timedelta(seconds=15)

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def objection(self, target: str) -> None:
        return None

    def new_secret(self) -> None:
        return None

    def render(self, notice: Notice) -> str:
        return " ".join(event.type for event in notice.events)

    async def deliver(self, subscription: Subscription, message: str) -> Attempt:
        return Attempt(self._outcome)

    async def close(self) -> None:
        return None


async def test_what_is_not_wanted_goes_no_further(clock: ManualClock) -> None:
    wanted = Wanted(only_its_own, until, clock)
    met = await wanted.take(job(events=frozenset({"ticket.restored"})))
    assert isinstance(met, Job)
    assert [event.type for event in met.known] == ["ticket.restored"]


async def test_page_of_nothing_wanted_is_passed(clock: ManualClock) -> None:
    met = await Wanted(only_its_own, until, clock).take(job(ENTRIES[:4], events=frozenset({"ticket.restored"})))
    assert isinstance(met, Settled)
    assert (met.record.acked_seq, met.record.keep) == (4, True)


async def test_parent_gets_its_childs_events_only_while_it_may_read_them(clock: ManualClock) -> None:
    child = AccountId("child")
    theirs = [replace(entry, account=child) for entry in ENTRIES]
    may = Wanted(lambda account: frozenset({account, ACCOUNT}), until, clock)
    assert isinstance(await may.take(job(theirs, accounts=frozenset({child}))), Job)
    may_not = Wanted(only_its_own, until, clock)
    assert isinstance(await may_not.take(job(theirs, accounts=frozenset({child}))), Settled)


async def test_what_the_cursor_has_passed_is_dropped(clock: ManualClock) -> None:
    met = await Duplicate(until, clock).take(job(acked=2))
    assert isinstance(met, Job)
    assert [event.seq for event in met.known] == [3, 4, 5, 6]
    assert isinstance(await Duplicate(until, clock).take(job(ENTRIES[:2], acked=2)), Settled)


async def test_one_goes_out_at_a_time_and_the_rest_stays(clock: ManualClock) -> None:
    met = await Hold(clock).take(job())
    assert isinstance(met, Job)
    assert ([event.seq for event in met.events], len(met.known)) == ([1], 5)


async def test_what_has_to_wait_lets_go_of_its_lane(clock: ManualClock) -> None:
    met = await Hold(clock).take(job(ENTRIES[:3], digest_min=30))
    assert isinstance(met, Settled)
    record = met.record
    assert (record.acked_seq, record.keep, record.due_at) == (0, False, START + timedelta(minutes=30))
    assert record.seen == len(ENTRIES)


async def test_replay_was_asked_for_and_waits_for_nothing(clock: ManualClock) -> None:
    given = job(ENTRIES[:3], digest_min=30)
    given.claim = replace(given.claim, run="rpl_1")
    met = await Hold(clock).take(given)
    assert isinstance(met, Job)
    assert ([event.seq for event in met.events], len(met.known)) == ([1], 2)


async def test_digest_takes_all_that_waited(clock: ManualClock) -> None:
    met = await Hold(clock).take(job(digest_min=30))
    assert isinstance(met, Job)
    assert [event.seq for event in met.events] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("outcome", "acked", "attempts", "dead"),
    [
        (Delivered(), 2, 0, 0), (Retry("timeout"), 0, 1, 0), (Refused("rejected"), 2, 0, 2), (GaveUp("gone"), 0, 1, 0),
    ],
)  # fmt: skip
async def test_attempt_is_judged(clock: ManualClock, outcome: Outcome, acked: int, attempts: int, dead: int) -> None:
    given = job()
    given.events = ENTRIES[:2]
    deliver = Deliver({"webhook": Post(outcome)}, clock, claimed_until=until, jitter=lambda: 0.0)
    met = await deliver.take(given)
    assert isinstance(met, Settled)
    assert (met.record.acked_seq, met.record.attempts, len(met.record.dead)) == (acked, attempts, dead)
    assert met.made
    assert met.made.attempt.outcome == outcome


async def test_channel_that_this_center_has_not_is_tried_again_later(clock: ManualClock) -> None:
    given = job()
    given.events = ENTRIES[:1]
    met = await Deliver({}, clock, claimed_until=until, jitter=lambda: 0.0).take(given)
    assert isinstance(met, Settled)
    assert (met.record.attempts, met.record.due_at) == (1, START + timedelta(seconds=5))
