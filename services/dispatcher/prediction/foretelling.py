"""What is said of when a ticket's service will be back: once when the networks are ordered, and again when it is news.

It is news when what was said last has passed, or when something it rests on changed (the faulty segment, the network,
a suspension) and moves it by much. So a ticket says it once more for each time that it outlasts the half of its kind:
once on average. Pure.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.dispatcher.prediction.history import Case, Found, History
from shared.clock import from_ms, to_ms
from shared.contracts import facts as f
from shared.ids import NetworkCode
from shared.registry.model.circuit import Circuit
from shared.tickets.deadlines import restore_due_at
from shared.tickets.expected import ESTIMATE, TARGET, Expected, expected
from shared.tickets.marks import outage
from shared.tickets.model import Ticket, evolve

AS_LONG_AGAIN = "elapsed"
AT_LEAST_MS, AT_MOST_MS = 10 * 60_000, 366 * 86_400_000  # longer ago is a history, or a slip of the hand
MUCH = timedelta(minutes=15)
Predicted = Sequence[f.RestorationPredicted]


def with_what_follows(
    ticket: Ticket, facts: Sequence[f.Fact], now: datetime, *, circuit: Circuit | None, history: History
) -> Sequence[f.Fact]:
    """These facts, and what they make of the expectation, if it rests on any of them."""
    if not any(map(_matters, facts)):
        return facts
    for fact in facts:
        ticket = evolve(ticket, fact, now)
    return *facts, *foretell(ticket, now, circuit=circuit, history=history)


def foretell(ticket: Ticket, now: datetime, *, circuit: Circuit | None, history: History) -> Predicted:
    """The prediction to record, if there is one and it is news."""
    said = expected(ticket)
    if said is None or (said.basis == ESTIMATE and said.at > now):
        return ()
    began = outage(ticket.marks)[0].at  # a repair that did not hold begins anew
    elapsed = min(max(to_ms(now) - began, 0), AT_MOST_MS)
    found = history.like(case_of(ticket, circuit), beyond=elapsed)
    if found is None and said.at > now:
        return ()
    overdue = said.at if said.basis == ESTIMATE else said.overdue_since
    predicted = replace(_of(found, began, now) if found else _last_resort(ticket, elapsed, now), overdue_since=overdue)
    return (predicted,) if _is_news(said, predicted, now) else ()


def _matters(fact: f.Fact) -> bool:
    match fact:
        case f.OrderProgressed(segment=segment):
            return segment is not None
        case f.OrderIssued() | f.OrderHandedOver() | f.TicketSuspended() | f.TicketResumed():
            return True
        case _:
            return False


def case_of(ticket: Ticket, circuit: Circuit | None) -> Case:
    """The faulty segment's network once it is known and at work; before that it may be any that was ordered."""
    at_work = tuple(o.network for o in ticket.live_orders if o.kind == "repair")
    name = ticket.fault_segment or ticket.segment
    segment = circuit.segment(name) if circuit and name else None
    networks: tuple[NetworkCode, ...] = at_work
    if segment and segment.network in at_work:
        networks = (segment.network,)
    return Case(
        networks=networks, segment=segment.kind if segment else None, impact=ticket.impact, cause=ticket.cause,
        suspended=any(mark.state == "pending" for mark in outage(ticket.marks)),
    )  # fmt: skip


def _of(found: Found, began: int, now: datetime) -> f.RestorationPredicted:
    soonest = to_ms(now) + AT_LEAST_MS
    at = max(began + found.median, soonest)
    return f.RestorationPredicted(
        expected_at=from_ms(at), earliest_at=from_ms(began + found.earliest),
        latest_at=from_ms(max(began + found.latest, at)), basis=found.basis, samples=found.samples,
    )  # fmt: skip


def _last_resort(ticket: Ticket, elapsed: int, now: datetime) -> f.RestorationPredicted:
    """The promise; once that has passed too, only how long it has lasted is known: half of what has lasted so long
    lasts as long again, and four fifths between a ninth and nine times of it (J. R. Gott, Nature 363, 315)."""
    due, since = restore_due_at(ticket), max(elapsed, AT_LEAST_MS)
    if due is not None and due > to_ms(now):
        return f.RestorationPredicted(from_ms(due), now, from_ms(due), TARGET, 0)
    at, earliest, latest = (from_ms(to_ms(now) + round(since * times)) for times in (1, 1 / 9, 9))
    return f.RestorationPredicted(at, earliest, latest, AS_LONG_AGAIN, 0)


def _is_news(said: Expected, predicted: f.RestorationPredicted, now: datetime) -> bool:
    if said.at <= now or TARGET in (said.basis, predicted.basis):
        return said.at <= now or said.basis != predicted.basis
    return abs(predicted.expected_at - said.at) >= max(MUCH, (said.at - now) / 4)
