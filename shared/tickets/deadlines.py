"""What is due about a ticket and when: a pure function of its state, so that nothing has to be kept in step.

A step that was taken is in the log, and so in the state (`fired`, the escalation, the restoration): it is due no more,
however often somebody looks. `look_at` is never later than the first step; it is stored beside the state in the
transaction that changes it, and a tick asks which tickets are to be looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.clock import to_ms
from shared.contracts.facts import DeadlineKind
from shared.ids import NetworkCode
from shared.tickets.hours import after, counted
from shared.tickets.marks import stretches
from shared.tickets.model import Ticket


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


def steps(ticket: Ticket) -> list[Step]:
    """Those that are not taken, in the order of time. None while nothing was promised."""
    return sorted((s for s in _all(ticket) if s.percent > ticket.fired.get(s.name, 0)), key=lambda s: s.at)


def due(ticket: Ticket, now: int) -> list[Step]:
    """Of each deadline the furthest step that is due: what was passed over is not told one by one."""
    furthest = {s.name: s for s in steps(ticket) if s.at <= now}
    return list(furthest.values())


def look_at(ticket: Ticket) -> int | None:
    return min((s.at for s in _all(ticket) if s.percent > ticket.fired.get(s.name, 0)), default=None)


def restore_due_at(ticket: Ticket) -> int | None:
    """When the restore target is broken if nothing more happens, counted to the last entry; None without a promise."""
    return None if ticket.terms is None else _restore_at(ticket, 100)


def _restore_at(ticket: Ticket, percent: int) -> int:
    """When so much of the restore target is over. While the clock stands still: if it went on right now."""
    assert ticket.terms is not None
    hours, left = ticket.terms.hours, ticket.terms.restore_ms * percent // 100
    last = ticket.marks[-1].at
    for stretch in stretches(ticket.marks, last):
        if not stretch.counts:
            continue
        length = counted(stretch.start, stretch.end, hours)
        if length >= left:
            return after(stretch.start, left, hours)
        left -= length
    return after(last, left, hours)


def _all(ticket: Ticket) -> Iterator[Step]:
    if ticket.terms is None:
        return
    yield from _report(ticket)
    if ticket.is_over:
        return
    if ticket.status == "resolved":
        yield from _confirm(ticket)
        return
    yield from _accept(ticket)
    yield from _update(ticket)
    yield from _escalate(ticket)
    if ticket.marks[-1].state != "pending":
        yield from _restore(ticket)


def _percents(ticket: Ticket) -> tuple[int, ...]:
    assert ticket.terms is not None
    return (*ticket.terms.warn_percent, 100)


def _accept(ticket: Ticket) -> Iterator[Step]:
    assert ticket.terms is not None
    for order in ticket.orders:
        if order.state == "issued":
            issued, name = to_ms(order.issued_at), f"accept/{order.id}/{to_ms(order.issued_at)}"
            ends = after(issued, ticket.terms.accept_ms, ticket.terms.hours)
            for percent in _percents(ticket):
                at = after(issued, ticket.terms.accept_ms * percent // 100, ticket.terms.hours)
                yield Step("accept", name, percent, at, ends, order.network)


def _restore(ticket: Ticket) -> Iterator[Step]:
    assert ticket.terms is not None
    name, ends = f"restore/{ticket.terms.restore_ms}", _restore_at(ticket, 100)
    for percent in _percents(ticket):
        yield Step("restore", name, percent, _restore_at(ticket, percent), ends)


def _update(ticket: Ticket) -> Iterator[Step]:
    assert ticket.terms is not None
    at = after(ticket.told_at, ticket.terms.update_ms, ticket.terms.hours)
    yield Step("update", f"update/{ticket.told_at}", 100, at, at)


def _escalate(ticket: Ticket) -> Iterator[Step]:
    escalation = ticket.escalation
    if escalation and not escalation.acknowledged and escalation.again_at is not None:
        at = to_ms(escalation.again_at)
        yield Step("escalate", f"escalate/{escalation.seq}", 100, at, at)


def _confirm(ticket: Ticket) -> Iterator[Step]:
    assert ticket.terms is not None
    if ticket.terms.confirm_ms is not None:
        at = ticket.restored_said_at + ticket.terms.confirm_ms
        yield Step("confirm", f"confirm/{ticket.restored_said_at}", 100, at, at)


def _report(ticket: Ticket) -> Iterator[Step]:
    """The fault report, cause and remedy, is due after a restoration that stands, also when the ticket is closed."""
    assert ticket.terms is not None
    if ticket.terms.report_ms is None or ticket.fault_report_at is not None or ticket.restored_at is None:
        return
    restored = to_ms(ticket.restored_at)
    ends = after(restored, ticket.terms.report_ms, ticket.terms.hours)
    for percent in _percents(ticket):
        at = after(restored, ticket.terms.report_ms * percent // 100, ticket.terms.hours)
        yield Step("report", f"report/{restored}", percent, at, ends)
