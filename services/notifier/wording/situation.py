"""How a ticket stood right after an event: folded from its log up to there, so every try tells the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from shared.clock import from_ms, to_ms
from shared.contracts.event import Event
from shared.tickets import timing
from shared.tickets.deadlines import restore_due_at
from shared.tickets.hours import Hours, after, counted
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
    figures, due = timing.figures(log, log[-1].at), restore_due_at(ticket)
    if ticket.terms is None or due is None or figures.time_to_repair is None:
        return None
    target, hours = ticket.terms.restore_ms, ticket.terms.hours
    used = sum(counted(i.start, i.end, hours) for i in figures.intervals if i.counts)
    verdict: Verdict = "running"
    if used > target:
        verdict = "breached"
    elif timing.is_final(figures):
        verdict = "met"
    elif figures.state == "pending":
        verdict = "stopped"
    return Promise(target, used, verdict, from_ms(due))


def _next_update_by(ticket: Ticket) -> datetime | None:
    if ticket.terms is None or ticket.is_over or ticket.status == "resolved":
        return None
    hours: Hours = ticket.terms.hours
    return from_ms(after(max(ticket.told_at, to_ms(ticket.opened_at)), ticket.terms.update_ms, hours))
