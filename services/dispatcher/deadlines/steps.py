"""What is said when a deadline comes nearer or is missed. Pure."""

from collections.abc import Sequence
from datetime import datetime

from services.dispatcher.escalation.matrix import by_deadlines
from services.dispatcher.escalation.rules import EscalationRules
from shared.clock import from_ms, to_ms
from shared.contracts import facts as f
from shared.tickets.deadlines import Step, due
from shared.tickets.hours import after
from shared.tickets.model import Ticket


def what_is_due(ticket: Ticket, now: datetime, rules: EscalationRules) -> Sequence[f.Fact]:
    """Of each deadline the furthest step, and to whom it escalates; that nothing changed where nothing else is said."""
    found = due(ticket, to_ms(now))
    told = [_told(step) for step in found if step.kind in ("accept", "restore", "report")]
    told += by_deadlines(ticket, found, now, rules)
    kinds = {step.kind for step in found}
    if "update" in kinds and not told:
        told.append(_unchanged(ticket, now))
    if "confirm" in kinds:
        told.append(f.TicketClosed("unanswered"))
    return told


def _told(step: Step) -> f.Fact:
    due_at = from_ms(step.due_at)
    if step.percent == 100:
        return f.DeadlineMissed(step.kind, step.name, due_at, step.network)
    return f.DeadlineWarned(step.kind, step.name, step.percent, due_at, step.network)


def _unchanged(ticket: Ticket, now: datetime) -> f.TicketUnchanged:
    assert ticket.terms is not None
    said_at = max(to_ms(now), to_ms(ticket.updated_at))  # a ticket's log never goes back in time
    next_by = after(said_at, ticket.terms.update_ms, ticket.terms.hours)
    return f.TicketUnchanged(since=from_ms(ticket.news_at or ticket.told_at), next_update_by=from_ms(next_by))
