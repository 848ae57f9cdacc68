"""What has to wait for its subscription's quiet hours or digest, how long, and what it is then merged with.

Waiting only moves `due_at`, and what waited goes out as one message. What is urgent waits for nothing, and takes along
what was waiting before it in its ticket: order within a ticket is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from services.notifier.model.preferences import Preferences, QuietHours
from services.notifier.model.standing import NOTICES
from shared.contracts.event import Event

MOST_MERGED = 50
URGENT = NOTICES | {
    "ticket.deadline_missed", "ticket.escalated", "ticket.restored", "ticket.suspended", "ticket.unroutable",
}  # fmt: skip
MILESTONES = URGENT | {
    "ticket.reported", "ticket.resumed", "ticket.confirmed", "ticket.closed", "ticket.reopened", "ticket.cancelled",
    "ticket.rejected", "ticket.fault_report_given", "order.issued", "order.accepted",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ready:
    """The first `count` events are due now, as one message."""

    count: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is due before `until`."""

    until: datetime


def parcel(preferences: Preferences, events: Sequence[Event], now: datetime) -> Ready | Wait:
    """What of these (wanted, in order, not empty) goes out now."""
    if not preferences.holds or (first := _ready_at(preferences, events[0])) <= events[0].at:
        return Ready(1)
    held = sum(1 for _ in takewhile(lambda e: _ready_at(preferences, e) > e.at, events[:MOST_MERGED]))
    if held == MOST_MERGED:
        return Ready(held)
    if held < len(events):
        return Ready(held + (events[held].type in URGENT))
    return Wait(first) if now < first else Ready(held)


def due_at(preferences: Preferences, events: Sequence[Event], now: datetime) -> datetime:
    """When to look at a free lane to which these have come."""
    if not preferences.holds:
        return now
    decided = parcel(preferences, events, now)
    return decided.until if isinstance(decided, Wait) else now


def _ready_at(preferences: Preferences, event: Event) -> datetime:
    """When this event may go out if nothing urgent comes; its own moment if it need not wait."""
    if event.type in URGENT:
        return event.at
    ready = event.at + timedelta(minutes=preferences.digest_min)
    return ready if preferences.quiet is None else after_quiet(preferences.quiet, ready)


def after_quiet(quiet: QuietHours, at: datetime) -> datetime:
    """`at`, or the end of the quiet hours it falls into. They are by the clock on the wall, summer time and all."""
    start, end = quiet.span
    local = at.astimezone(quiet.tz)
    clock = local.time()
    inside = start <= clock < end if start < end else clock >= start or clock < end
    if not inside:
        return at
    day = local.date() if clock < end else local.date() + timedelta(days=1)
    return datetime.combine(day, end, quiet.tz).astimezone(UTC)
