"""What was promised for a ticket, and whether it was kept. Pure; rules: `docs/architecture/sla-clock.md`.

Terms that were changed hold for the whole of the ticket, from its beginning: the last ones judge everything. Only time
within their hours counts. Instants are milliseconds since 1970.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.clock import to_ms
from shared.contracts import facts as f
from shared.contracts.event import Event
from shared.tickets.hours import Hours, after, counted
from shared.tickets.marks import Marks, Stretch
from shared.tickets.model import is_customers

Kind = Literal["accept", "update", "restore", "report"]
Verdict = Literal["met", "breached", "running"]
Entries = Sequence[tuple[Event, f.Fact]]
Wait = tuple[int, int | None]
"""From when somebody waited and until when; None: somebody still does."""


@dataclass(frozen=True, slots=True)
class Promise:
    """`used` of the `target` is over, both in ms that count; None where nobody had to wait yet. `due_at` is when all of
    it is, was or would have been over; None while the clock stands still."""

    target: int
    used: int | None
    verdict: Verdict | None
    due_at: int | None


@dataclass(frozen=True, slots=True)
class Course:
    """What the clock found of a ticket until `now`; `orders` are the waits for each order to be accepted, or to end."""

    stretches: Sequence[Stretch]
    marks: Marks
    restored_at: int | None
    orders: Sequence[Wait]
    now: int


def terms_of(entries: Entries) -> f.Terms | None:
    """The last ones; None where nothing was promised."""
    found = [fact.terms for _, fact in entries if isinstance(fact, f.FaultReported | f.TermsChanged)]
    return found[-1] if found else None


def promises(entries: Entries, course: Course) -> Mapping[Kind, Promise]:
    """Those that were given, each judged as of `course.now`."""
    terms, first = terms_of(entries), entries[0][1]
    assert isinstance(first, f.FaultReported)
    if terms is None:
        if first.breach_at is None:
            return {}
        return {"restore": _restore(course, to_ms(first.breach_at) - to_ms(first.reported_at), None)}
    accept = [(start, _no_longer(end, course.marks)) for start, end in course.orders]
    found: dict[Kind, Promise] = {
        "accept": _longest(accept, terms.accept_ms, terms.hours, now=course.now),
        "update": _longest(_silences(entries, course.marks), terms.update_ms, terms.hours, now=course.now),
        "restore": _restore(course, terms.restore_ms, terms.hours),
    }
    if terms.report_ms is not None:
        report = _report(entries, course.restored_at)
        found["report"] = _longest(report, terms.report_ms, terms.hours, now=course.now)
    return found


def _no_longer(end: int | None, marks: Marks) -> int | None:
    """Nobody waits for an order to be accepted once the service is back or the ticket over."""
    if marks[-1].state not in ("restored", "over"):
        return end
    return marks[-1].at if end is None else min(end, marks[-1].at)


def _silences(entries: Entries, marks: Marks) -> Iterator[Wait]:
    """From each word to the customer to the next, while its service is not back. A reopening begins anew."""
    moved, state, since = {mark.seq: mark.state for mark in marks}, marks[0].state, None
    for event, fact in entries:
        state = moved.get(event.seq, state)
        is_down = state in ("running", "held", "pending")
        is_word = event.seq == 1 or not is_customers(event.actor) or isinstance(fact, f.TicketReopened)
        if since is not None and (is_word or not is_down):
            yield since, to_ms(event.at)
            since = None
        if is_word and is_down:
            since = to_ms(event.at)
    if since is not None:
        yield since, None


def _report(entries: Entries, restored_at: int | None) -> Sequence[Wait]:
    if restored_at is None:
        return ()
    given: int | None = None
    for event, fact in entries:
        if isinstance(fact, f.TicketReopened):  # what was reported of the restoration before was not the whole story
            given = None
        elif isinstance(fact, f.FaultReportGiven) and given is None:
            given = to_ms(event.at)
    return ((restored_at, given),)


def _longest(waits: Iterable[Wait], target: int, hours: Hours, *, now: int) -> Promise:
    """Kept while the longest of these waits is no longer than the target; due is the first one that is still open.

    A wait that ends before it begins has no length.
    """
    found = [(counted(start, now if end is None else end, hours), start, end) for start, end in waits]
    if not found:
        return Promise(target, None, None, None)
    longest = max(found, key=lambda wait: (wait[0], -wait[1]))
    open_since = [start for _, start, end in found if end is None]
    verdict: Verdict = "breached" if longest[0] > target else "running" if open_since else "met"
    return Promise(target, longest[0], verdict, after(min(open_since, default=longest[1]), target, hours))


def _restore(course: Course, target: int, hours: Hours) -> Promise:
    state, left, due_at = course.marks[-1].state, target, None
    for stretch in course.stretches:
        if not stretch.counts:
            continue
        length = counted(stretch.start, stretch.end, hours)
        if due_at is None and length >= left:
            due_at = after(stretch.start, left, hours)
        left -= length
    if state == "over" and course.restored_at is None:
        return Promise(target, target - left, None, None)
    if due_at is None and state != "pending":
        due_at = after(course.now if course.restored_at is None else course.restored_at, left, hours)
    verdict: Verdict = "breached" if left < 0 else "running" if course.restored_at is None else "met"
    return Promise(target, target - left, verdict, due_at)
