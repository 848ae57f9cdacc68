"""A lane is one subscription's cursor over one ticket's log: what it owes, and what is to be written of it.

A lane's next event is tried until it is delivered or its schedule is exhausted; only then does the lane move on, so
a subscription gets a ticket's events in the order of its log.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notifier.model.outcome import GaveUp, Refused, Retry
from services.notifier.model.retrying import MOST_BY_US, PATIENCE, RETRY_DELAYS, retry_delay
from services.notifier.model.subscription import Place, Subscription
from shared.contracts.event import Event
from shared.ids import AccountId, SubscriptionId, TicketId

ALL = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Bump:
    """`events` have happened that this subscription wants; its lane over their ticket owes them."""

    subscription: Subscription
    ticket: TicketId
    events: Sequence[Event]
    place: Place | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.subscription.id, self.ticket, ""

    @property
    def acked_seq(self) -> int:
        """Where a lane stands that owes nothing else: what came before the first was either delivered or not wanted."""
        return self.events[0].seq - 1

    @property
    def last_seq(self) -> int:
        return self.events[-1].seq


@dataclass(frozen=True, slots=True)
class Claim:
    """A lane in the hands of one worker, for as long as the record still carries its `token`.

    `attempts` failed so far for the entry after `acked_seq`. `run` names a replay; it is empty for what happens.
    """

    subscription: Subscription
    ticket: TicketId
    token: str
    acked_seq: int
    last_seq: int
    attempts: int = 0
    place: Place | None = None
    run: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.subscription.id, self.ticket, self.run


@dataclass(frozen=True, slots=True)
class DeadLetter:
    seq: int
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Record:
    """What to write about a claimed lane. While more is owed: `due_at`, and the claim stays if `keep`.

    `dead` are events that were given up: several, when they were to go out as one message. `seen` is up to where the
    lane was looked at for a decision to wait: what came behind that is looked at at once.
    """

    claim: Claim
    acked_seq: int
    attempts: int
    due_at: datetime
    keep: bool
    dead: Sequence[DeadLetter] = ()
    seen: int = ALL


@dataclass(frozen=True, slots=True)
class Missing:
    """Entries of a ticket, `after` < seq < `before`, that did not come with the others: the log has them."""

    ticket: TicketId
    after: int
    before: int


def sift(events: Iterable[Event], marks: Mapping[TicketId, int]) -> list[Event | Missing]:
    """What of these is new, in order, with the holes named. `marks`: the last entry seen of each ticket."""
    seen = dict(marks)
    found: list[Event | Missing] = []
    for event in events:
        mark = seen.get(event.ticket, 0)
        if event.seq <= mark:
            continue
        if event.seq > mark + 1:
            found.append(Missing(event.ticket, mark, event.seq))
        found.append(event)
        seen[event.ticket] = event.seq
    return found


def bumps(
    events: Iterable[Event],
    subscriptions: Sequence[Subscription],
    *,
    readers: Mapping[AccountId, Iterable[AccountId]],
    places: Mapping[TicketId, Place],
) -> list[Bump]:
    """Who wants which of these, ordered by subscription and ticket: every batch locks lanes in this order.

    `readers` of an account's events: itself, and a parent that may read them. `places` as far as somebody asks.
    """
    wanted: dict[tuple[SubscriptionId, TicketId], list[Event]] = {}
    by_id = {s.id: s for s in subscriptions}
    of_account: dict[str, list[Subscription]] = {}
    for subscription in subscriptions:
        of_account.setdefault(subscription.account, []).append(subscription)
    for event in events:
        place = places.get(event.ticket)
        for reader in readers.get(event.account, (event.account,)):
            for subscription in of_account.get(reader, ()):
                if subscription.wants(event, place):
                    wanted.setdefault((subscription.id, event.ticket), []).append(event)
    return [
        Bump(by_id[id], ticket, found, places.get(ticket))
        for (id, ticket), found in sorted(wanted.items(), key=lambda item: item[0])
    ]


def passed(claim: Claim, seq: int, until: datetime) -> Record:
    """`seq` and all before it are dealt with; the claim is good until `until` if more is owed."""
    return Record(claim, seq, 0, until, keep=True)


def waiting(claim: Claim, until: datetime) -> Record:
    """Nothing is due before then; whoever looks then may have it."""
    return Record(claim, claim.acked_seq, claim.attempts, until, keep=False, seen=claim.last_seq)


def failed(
    claim: Claim,
    events: Sequence[Event],
    outcome: Retry | Refused | GaveUp,
    *,
    now: datetime,
    until: datetime,
    jitter: float,
) -> Record:
    """Put off, or given up as dead letters: when the schedule is exhausted, or when it will never be taken.

    What fails by our own fault is tried often, and given up when it is as old as the schedule is long; no event is
    given up younger, however often it was tried. A replay is of old events: it has the schedule alone. What was refused
    because its receiver is gone is put off too: whoever disables the subscription drops the lane.
    """
    failures = claim.attempts + 1
    is_young = not claim.run and now - events[0].at < PATIENCE
    by_us = isinstance(outcome, Retry) and outcome.ours and not claim.run
    counted = min(failures, MOST_BY_US if by_us else len(RETRY_DELAYS) if is_young else failures)
    delay = retry_delay(counted, getattr(outcome, "retry_after", None), jitter)
    if delay is None or (by_us and not is_young) or isinstance(outcome, Refused):
        dead = [DeadLetter(event.seq, outcome.reason, failures) for event in events]
        return Record(claim, events[-1].seq, 0, until, keep=True, dead=dead)
    return Record(claim, events[0].seq - 1, failures, now + delay, keep=False)


def released(claim: Claim, now: datetime) -> Record:
    """Not worked on any longer; whoever looks next may have it."""
    return waiting(claim, now)
