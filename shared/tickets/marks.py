"""What moves a ticket's service clock: one fold over its facts, for the state and for every figure. Pure.

Instants are milliseconds since 1970. Marks never go back in time: what the field claims counts within what is possible,
and pauses that are said to be after the restoration lasted nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shared.clock import to_ms
from shared.contracts import facts as f

State = Literal["running", "held", "pending", "restored", "over"]


@dataclass(frozen=True, slots=True)
class Mark:
    """From `at` on the service is in `state`, by the entry `seq`. `struck`: a suspension that was struck out."""

    at: int
    state: State
    seq: int
    struck: bool = False


Marks = tuple[Mark, ...]


def begin(reported_at: datetime) -> Marks:
    return (Mark(to_ms(reported_at), "running", 1),)


def advance(marks: Marks, fact: f.Fact, *, at: datetime, seq: int) -> Marks:
    """The marks after a fact that was recorded at `at` as entry `seq`; the same where it moves nothing."""
    if isinstance(fact, f.SuspensionStruckOut):
        return tuple(_struck(mark) if mark.seq == fact.suspension else mark for mark in marks)
    moved = _moved(fact)
    if moved is None:
        return marks
    state, claimed = moved
    recorded, before = to_ms(at), outage(marks)[0] if state == "restored" else marks[-1]
    counted = max(recorded if claimed is None else min(recorded, to_ms(claimed)), before.at)
    return *(mark if mark.at <= counted else replace(mark, at=counted) for mark in marks), Mark(counted, state, seq)


def outage(marks: Marks) -> Marks:
    """Those since the service went down, by the report or a reopening; only the last one where it is not down."""
    up = max((i for i, mark in enumerate(marks) if mark.state in ("restored", "over")), default=-1)
    return marks[up + 1 :] or marks[-1:]


def _struck(mark: Mark) -> Mark:
    """Only a suspension can be struck out; then the clock ran."""
    return replace(mark, state="running", struck=True) if mark.state in ("pending", "held") else mark


def _moved(fact: f.Fact) -> tuple[State, datetime | None] | None:
    """The state this brings the service into, and when the field says it was; None when it moves nothing."""
    match fact:
        case f.TicketSuspended(clock=clock, occurred_at=claimed):
            return clock, claimed
        case f.TicketResumed(occurred_at=claimed):
            return "running", claimed
        case f.ServiceRestored(restored_at=claimed):
            return "restored", claimed
        case f.TicketReopened():
            return "running", None
        case f.TicketClosed() | f.TicketCancelled() | f.TicketRejected():
            return "over", None
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Stretch:
    """[start, end) under one mark; `counts` is whether it is time to repair."""

    mark: Mark
    start: int
    end: int
    counts: bool


def stretches(marks: Marks, now: int) -> list[Stretch]:
    """Without empty ones, and while the ticket is not over. A restoration in vain counts as none."""
    found = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        until = following.at if following else max(now, mark.at)
        if mark.state == "over" or until == mark.at:
            continue
        in_vain = mark.state == "restored" and following is not None and following.state not in ("over", "restored")
        found.append(Stretch(mark, mark.at, until, in_vain or mark.state in ("running", "held")))
    return found


def restored_at(marks: Marks) -> int | None:
    """When the service came back, if it did and that stands."""
    last = marks[-1]
    if last.state == "over" and len(marks) > 1:
        last = marks[-2]
    return last.at if last.state == "restored" else None
