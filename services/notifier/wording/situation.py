"""How a ticket stood right after an event: folded from its log up to there, so every try tells the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.clock import from_ms, to_ms
from shared.contracts.event import Event
from shared.tickets import timing
from shared.tickets.deadlines import restore_due_at
from shared.tickets.hours import Hours, after
from shared.tickets.log import fold
from shared.tickets.model import Ticket

Verdict = Literal["met", "breached", "running", "stopped"]


@dataclass(frozen=True, slots=True)
class Promise:
    """Of the time to repair: what is promised, what of it is used, and `due_at`, when it ends if nothing happens."""

    target_ms: int
    used_ms: int
    verdict: Verdict
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """`promise` None: nothing was promised, or there is nothing (any more) to measure. `next_update_by`: while open."""

    ticket: Ticket
    promise: Promise | None
    next_update_by: datetime | None


def situation(log: Sequence[Event]) -> Situation:
    """After the last entry of `log`, which is complete up to there. Raises ValueError when it begins with no report."""
    ticket = fold(log)
    return Situation(ticket, _promise(ticket, log), _next_update_by(ticket))


def _promise(ticket: Ticket, log: Sequence[Event]) -> Promise | None:
    found, due = timing.figures(log, log[-1].at).promises.get("restore"), restore_due_at(ticket)
    if found is None or found.verdict is None or found.used is None or due is None:
        return None
    is_stopped = found.verdict == "running" and found.due_at is None
    return Promise(found.target, found.used, "stopped" if is_stopped else found.verdict, from_ms(due))


def _next_update_by(ticket: Ticket) -> datetime | None:
    if ticket.terms is None or ticket.is_over or ticket.status == "resolved":
        return None
    hours: Hours = ticket.terms.hours
    return from_ms(after(max(ticket.told_at, to_ms(ticket.opened_at)), ticket.terms.update_ms, hours))
