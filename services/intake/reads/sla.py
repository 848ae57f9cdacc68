"""What the SLA clock says of a ticket, read at any time: every figure from the log, as of now."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from services.intake.reads.routes import visible
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.clock import Clock, from_ms, rfc3339
from shared.db import port
from shared.ids import TICKET_PATTERN, TicketId
from shared.tickets import store as tickets
from shared.tickets import timing
from shared.tickets.log import Entry, fold
from shared.tickets.marks import State
from shared.tickets.model import Ticket
from shared.tickets.promises import Kind, Promise, Verdict
from shared.tickets.timing import STAGES, Figures, Interval, Spell
from shared.web.routes import READ_PROBLEMS, StrictRoute, allow

Reader = Annotated[Principal, Depends(allow("account", "operator", needs="tickets:read"))]
HOUR_MS = 3_600_000
Moment = Annotated[str, Field(examples=["2026-11-21T08:30:00.250Z"], json_schema_extra={"format": "date-time"})]
Length = Annotated[int, Field(ge=0, description="Milliseconds")]


class IntervalView(BaseModel):
    """The service was in this state; `counts`: it is time to repair. The others are those of a suspension."""

    start: Moment
    end: Moment
    state: State
    counts: bool
    reason: str | None
    evidence: str | None
    network: str | None
    struck: Annotated[bool, Field(description="A suspension that was struck out")]


class SpellView(BaseModel):
    """A network held its order; `counted_ms` leaves out what waited for the customer."""

    order: str
    network: str
    start: Moment
    end: Moment | None
    ended_by: str | None
    counted_ms: Length


class TargetView(BaseModel):
    """What was promised, in time that counts: `left_ms` is what is left of it, negative beyond; `due_at` when it is,
    was or would have been used up, null while the clock stands still. Without a verdict nobody has had to wait."""

    target_ms: Length
    used_ms: Length | None
    left_ms: int | None
    verdict: Verdict | None
    due_at: Moment | None


class TermsView(BaseModel):
    """The policy's version, the rules of it that hold (who gave what: GET …/terms), and whose hours count."""

    policy: str
    rule: str
    calendar: Annotated[str | None, Field(description="null: round the clock")]


class SlaView(BaseModel):
    """Figures of one ticket as of `now`; the rules are in the architecture's page on the SLA clock."""

    ticket: str
    now: Moment
    state: State
    reported_at: Moment
    restored_at: Moment | None
    time_to_repair_ms: Length | None
    is_final: bool
    within_5_hours: bool | None
    within_2_hours: bool | None
    terms: TermsView | None
    targets: Annotated[dict[Kind, TargetView], Field(description="Those that were promised")]
    response_ms: Length | None
    last_heard_at: Moment
    pending_ms: dict[str, Length]
    held_ms: dict[str, Length]
    stages_ms: Annotated[dict[str, Length | None], Field(description=", ".join(STAGES))]
    intervals: list[IntervalView]
    orders: list[SpellView]


def sla_routes(database: port.Database, clock: Clock) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["tickets"])

    @router.get("/v1/tickets/{id}/sla", responses=READ_PROBLEMS, summary="What the SLA clock says, and why")
    async def read_sla(caller: Reader, id: Annotated[TicketId, Path(pattern=TICKET_PATTERN)]) -> SlaView:
        reader = reader_for(caller, database)
        await visible(reader, caller, id)
        log = await whole_log(reader, id)
        return _view(fold(log), timing.figures(log, clock.now()))

    return router


async def whole_log(reader: port.Reader, ticket: TicketId) -> Sequence[Entry]:
    """However long it is."""
    found: list[Entry] = []
    while page := await tickets.entries(reader, ticket, after=len(found)):
        found += page
    return found


def _view(ticket: Ticket, figures: Figures) -> SlaView:
    took, final = figures.time_to_repair, timing.is_final(figures)
    return SlaView(
        ticket=ticket.id, now=_moment(figures.now), state=figures.state, reported_at=_moment(figures.reported_at),
        restored_at=_perhaps(figures.restored_at), time_to_repair_ms=took, is_final=final,
        within_5_hours=took <= 5 * HOUR_MS if took is not None and final else None,
        within_2_hours=took <= 2 * HOUR_MS if took is not None and final else None,
        terms=_terms(ticket), targets={kind: _target(promise) for kind, promise in figures.promises.items()},
        response_ms=figures.response, last_heard_at=_moment(figures.last_heard_at),
        pending_ms=dict(figures.pending), held_ms=dict(figures.held), stages_ms=dict(figures.stages),
        intervals=[_interval(i) for i in figures.intervals], orders=[_spell(s) for s in figures.spells],
    )  # fmt: skip


def _terms(ticket: Ticket) -> TermsView | None:
    terms = ticket.terms
    return TermsView(policy=terms.policy, rule=terms.rule, calendar=terms.calendar) if terms else None


def _target(promise: Promise) -> TargetView:
    return TargetView(
        target_ms=promise.target, used_ms=promise.used,
        left_ms=None if promise.used is None else promise.target - promise.used, verdict=promise.verdict,
        due_at=_perhaps(promise.due_at),
    )  # fmt: skip


def _interval(i: Interval) -> IntervalView:
    return IntervalView(
        start=_moment(i.start), end=_moment(i.end), state=i.state, counts=i.counts, reason=i.reason,
        evidence=i.evidence, network=i.network, struck=i.struck,
    )  # fmt: skip


def _spell(s: Spell) -> SpellView:
    return SpellView(
        order=s.order, network=s.network, start=_moment(s.start), end=_perhaps(s.end), ended_by=s.ended_by,
        counted_ms=s.counted,
    )  # fmt: skip


def _moment(ms: int) -> str:
    return rfc3339(from_ms(ms))


def _perhaps(ms: int | None) -> str | None:
    return None if ms is None else _moment(ms)
