"""What is due about a ticket and when: a pure function of its state, so that nothing has to be kept in step.

A step that was taken is in the log, and so in the state (`fired`, the escalation, the restoration): it is due no more,
however often somebody looks. What was missed stays due until it is said, also when the order was accepted or the
service came back before anybody looked; a warning is of use before that only. `look_at` is never later than the first
step; it is stored beside the state in the transaction that changes it, and a tick asks which tickets are to be looked
at.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from shared.clock import to_ms
from shared.contracts.facts import DeadlineKind, Terms
from shared.ids import NetworkCode
from shared.tickets.hours import Hours, after, counted
from shared.tickets.marks import restored_at, stretches
from shared.tickets.model import Order, Ticket


@dataclass(frozen=True, slots=True)
class Step:
    """At `at` (ms) `percent` of a deadline's time is over; at 100 it is missed. `name` is what `fired` knows it by.

    `escalate` and `confirm` know only 100: to say it again, and to close what the customer did not answer.
    """

    kind: DeadlineKind
    name: str
    percent: int
    at: int
    due_at: int
    network: NetworkCode | None = None


@dataclass(frozen=True, slots=True)
class _Deadline:
    """`percents`: those at which somebody is told, in their order; `at` says when each is reached."""

    kind: DeadlineKind
    name: str
    percents: Sequence[int]
    at: Callable[[int], int]
    network: NetworkCode | None = None


def steps(ticket: Ticket) -> list[Step]:
    """Those that are not taken, in the order of time. None while nothing was promised."""
    found = [
        Step(d.kind, d.name, percent, d.at(percent), d.at(100), d.network)
        for d in _deadlines(ticket)
        for percent in _ahead(ticket, d)
    ]
    return sorted(found, key=lambda s: s.at)


def due(ticket: Ticket, now: int) -> list[Step]:
    """Of each deadline the furthest step that is due: what was passed over is not told one by one."""
    furthest = {s.name: s for s in steps(ticket) if s.at <= now}
    return list(furthest.values())


def look_at(ticket: Ticket) -> int | None:
    firsts = ((d, next(_ahead(ticket, d), None)) for d in _deadlines(ticket))
    return min((d.at(percent) for d, percent in firsts if percent is not None), default=None)


def restore_due_at(ticket: Ticket) -> int | None:
    """When the restore target is broken if nothing more happens, counted to the last entry; None without a promise."""
    return None if ticket.terms is None else _restore_at(ticket, 100)


def restored_share(ticket: Ticket, now: int) -> float:
    """How much of the restore target is over, 1.0 being the whole; 0 without a promise."""
    if ticket.terms is None:
        return 0.0
    over = [s for s in stretches(ticket.marks, now) if s.counts]
    return sum(counted(s.start, s.end, ticket.terms.hours) for s in over) / ticket.terms.restore_ms


def _restore_at(ticket: Ticket, percent: int) -> int:
    """When so much of the restore target is over. While the clock stands still: if it went on right now; where the
    service came back: if it had not."""
    assert ticket.terms is not None
    hours, left = ticket.terms.hours, ticket.terms.restore_ms * percent // 100
    back = restored_at(ticket.marks)
    last = ticket.marks[-1].at if back is None else back
    for stretch in stretches(ticket.marks, last):
        if not stretch.counts:
            continue
        length = counted(stretch.start, stretch.end, hours)
        if length >= left:
            return after(stretch.start, left, hours)
        left -= length
    return after(last, left, hours)


def _ahead(ticket: Ticket, deadline: _Deadline) -> Iterator[int]:
    told = ticket.fired.get(deadline.name, 0)
    return (percent for percent in deadline.percents if percent > told)


def _deadlines(ticket: Ticket) -> Iterator[_Deadline]:
    terms = ticket.terms
    if terms is None:
        return
    parts = (*terms.warn_percent, 100)
    yield from _report(ticket, terms, parts)
    yield from _accept(ticket, terms, parts)
    yield _restore(ticket, terms, parts)
    if (escalation := ticket.open_escalation) and escalation.again_at is not None:
        yield _at_once("escalate", f"escalate/{escalation.seq}", to_ms(escalation.again_at))
    if ticket.is_over:
        return
    if ticket.status != "resolved":
        yield _at_once("update", f"update/{ticket.told_at}", after(ticket.told_at, terms.update_ms, terms.hours))
    elif terms.confirm_ms is not None:
        said = ticket.restored_said_at
        yield _at_once("confirm", f"confirm/{said}", said + terms.confirm_ms)


def _at_once(kind: DeadlineKind, name: str, at: int) -> _Deadline:
    return _Deadline(kind, name, (100,), lambda percent: at)


def _until(parts: Sequence[int], *, ends: int, ended: int | None) -> Sequence[int]:
    """Once what it is about has `ended`, only the whole is told of, and only where it was over before."""
    if ended is None:
        return parts
    return (100,) if ends < ended else ()


def _part(start: int, length: int, hours: Hours) -> Callable[[int], int]:
    return lambda percent: after(start, length * percent // 100, hours)


def _accept(ticket: Ticket, terms: Terms, parts: Sequence[int]) -> Iterator[_Deadline]:
    for order in ticket.orders:
        issued = to_ms(order.issued_at)
        at = _part(issued, terms.accept_ms, terms.hours)
        told = _until(parts, ends=at(100), ended=_answered_at(ticket, order))
        if told:
            yield _Deadline("accept", f"accept/{order.id}/{issued}", told, at, order.network)


def _answered_at(ticket: Ticket, order: Order) -> int | None:
    """When nobody waited any more for this order to be accepted; None: somebody does."""
    last = ticket.marks[-1]
    ends = [last.at] if last.state in ("restored", "over") else []
    if order.accepted_at is not None:
        ends.append(to_ms(order.accepted_at))
    elif order.state != "issued":
        ends.append(to_ms(order.updated_at))
    return min(ends, default=None)


def _restore(ticket: Ticket, terms: Terms, parts: Sequence[int]) -> _Deadline:
    last, at = ticket.marks[-1], partial(_restore_at, ticket)
    if last.state not in ("running", "held"):
        counts = [s.end for s in stretches(ticket.marks, last.at) if s.counts]
        parts = _until(parts, ends=at(100), ended=max(counts, default=ticket.marks[0].at))
    return _Deadline("restore", f"restore/{terms.restore_ms}", parts, at)


def report_due_at(ticket: Ticket) -> int | None:
    """When the fault report is due; None where none is owed (any more)."""
    if ticket.terms is None or ticket.fault_report_at is not None:
        return None
    return next((deadline.at(100) for deadline in _report(ticket, ticket.terms, ())), None)


def _report(ticket: Ticket, terms: Terms, parts: Sequence[int]) -> Iterator[_Deadline]:
    """The fault report, cause and remedy, is due after a restoration that stands, also when the ticket is closed."""
    if terms.report_ms is None or ticket.restored_at is None:
        return
    restored, given = to_ms(ticket.restored_at), ticket.fault_report_at
    at = _part(restored, terms.report_ms, terms.hours)
    told = _until(parts, ends=at(100), ended=None if given is None else to_ms(given))
    yield _Deadline("report", f"report/{restored}", told, at)
