"""What is owed to whom, and what an attempt's outcome means for it: decisions without I/O.

A lane's next event is tried until it is delivered or its schedule is exhausted; only then does the lane move on, so
a subscription gets a ticket's events in the order of its log.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from shared.contracts.event import Event
from shared.ids import AccountId, SubscriptionId, TicketId

RetryReason = Literal[
    "timeout", "dns", "forbidden_target", "connect", "tls", "disconnected", "protocol", "redirect", "too_many_requests",
    "client_error", "server_error",
]  # fmt: skip
GiveUpReason = Literal["gone"]

MOST_SUBSCRIPTIONS = 20
SHORTEST_RETRY_AFTER = timedelta(seconds=1)
LONGEST_RETRY_AFTER = timedelta(hours=1)
JITTER = 0.2
# Dense while a repair is under way, then out to 75 hours: a receiver that is down over a weekend loses nothing.
RETRY_DELAYS = (
    *(timedelta(seconds=s) for s in (5, 15, 30, 60, 120, 300, 600, 1200, 1800)),
    *(timedelta(hours=h) for h in (1, 2, 4, 8, 12, 12, 12, 12)),
    timedelta(hours=10, minutes=51, seconds=10),
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver answered 2xx: it has the event."""

    status: int


@dataclass(frozen=True, slots=True)
class Retry:
    """Not taken, and may be later. `retry_after` is what the receiver asked for."""

    reason: RetryReason
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class GaveUp:
    """Never to be tried again: the receiver wants no more of this subscription."""

    reason: GiveUpReason


Outcome = Delivered | Retry | GaveUp


@dataclass(frozen=True, slots=True)
class Subscription:
    """`events` are the wanted event types; empty means all."""

    id: SubscriptionId
    account: AccountId
    url: str
    secret: str = field(repr=False)  # stays out of logs and tracebacks
    events: frozenset[str]
    created_at: datetime

    def wants(self, event: Event) -> bool:
        return event.account == self.account and (not self.events or event.type in self.events)


@dataclass(frozen=True, slots=True)
class Bump:
    """`events` have happened that this subscription wants; its lane over their ticket owes them."""

    subscription: Subscription
    ticket: TicketId
    events: Sequence[Event]

    @property
    def key(self) -> tuple[str, str]:
        return self.subscription.id, self.ticket

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

    `attempts` failed so far for the entry after `acked_seq`.
    """

    subscription: Subscription
    ticket: TicketId
    token: str
    acked_seq: int
    last_seq: int
    attempts: int = 0

    @property
    def key(self) -> tuple[str, str]:
        return self.subscription.id, self.ticket


@dataclass(frozen=True, slots=True)
class DeadLetter:
    seq: int
    reason: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Record:
    """What to write about a claimed lane. While more is owed: `due_at`, and the claim stays if `keep`."""

    claim: Claim
    acked_seq: int
    attempts: int
    due_at: datetime
    keep: bool
    dead: DeadLetter | None = None


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


def bumps(events: Iterable[Event], subscriptions: Sequence[Subscription]) -> list[Bump]:
    """Who wants which of these, ordered by subscription and ticket: every batch locks lanes in this order."""
    wanted: dict[tuple[SubscriptionId, TicketId], list[Event]] = {}
    by_id = {s.id: s for s in subscriptions}
    of_account: dict[str, list[Subscription]] = {}
    for subscription in subscriptions:
        of_account.setdefault(subscription.account, []).append(subscription)
    for event in events:
        for subscription in of_account.get(event.account, ()):
            if subscription.wants(event):
                wanted.setdefault((subscription.id, event.ticket), []).append(event)
    return [Bump(by_id[id], ticket, found) for (id, ticket), found in sorted(wanted.items(), key=lambda item: item[0])]


def retry_delay(failures: int, retry_after: timedelta | None, jitter: float) -> timedelta | None:
    """How long to wait after this many failures of one event; None when it is to be given up.

    `jitter` is in [-1, 1]. A Retry-After (between 1 s and 1 h) only ever puts the next try off: a receiver that always
    asks for a second would else use up 75 hours' worth of tries in one minute.
    """
    if failures > len(RETRY_DELAYS):
        return None
    delay = RETRY_DELAYS[failures - 1] * (1 + JITTER * jitter)
    if retry_after is None:
        return delay
    return max(delay, min(max(retry_after, SHORTEST_RETRY_AFTER), LONGEST_RETRY_AFTER))


def passed(claim: Claim, seq: int, until: datetime) -> Record:
    """`seq` and all before it are dealt with; the claim is good until `until` if more is owed."""
    return Record(claim, seq, 0, until, keep=True)


def failed(claim: Claim, event: Event, retry: Retry, *, now: datetime, until: datetime, jitter: float) -> Record:
    """Put off, or given up as a dead letter when the schedule is exhausted."""
    failures = claim.attempts + 1
    delay = retry_delay(failures, retry.retry_after, jitter)
    if delay is None:
        return Record(claim, event.seq, 0, until, keep=True, dead=DeadLetter(event.seq, retry.reason, failures))
    return Record(claim, event.seq - 1, failures, now + delay, keep=False)


def released(claim: Claim, now: datetime) -> Record:
    """Not worked on any longer; whoever looks next may have it."""
    return Record(claim, claim.acked_seq, claim.attempts, now, keep=False)
