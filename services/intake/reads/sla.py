"""What the SLA clock says of a ticket, read at any time: every figure from the log, as of now."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from services.intake.reads.routes import visible
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.clock import Clock, from_ms, rfc3339, to_ms
from shared.contracts.facts import FaultReported
from shared.db import port
from shared.ids import TICKET_PATTERN, TicketId
from shared.tickets import store as tickets
from shared.tickets import timing
from shared.tickets.log import Entry
from shared.tickets.marks import State
from shared.tickets.timing import STAGES, Figures, Interval, Spell, Verdict
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
    """`left_ms` is what is left of the target, negative beyond it; `breach_at` when it ends if nothing more happens."""

    restore_ms: Length
    verdict: Verdict | None
    left_ms: int | None
    breach_at: Moment | None


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
    target: TargetView | None
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
        log = await _whole_log(reader, id)
        report = log[0].fact()
        assert isinstance(report, FaultReported)
        promised = None if report.breach_at is None else to_ms(report.breach_at) - to_ms(report.reported_at)
        return _view(id, timing.figures(log, clock.now()), promised)

    return router


async def _whole_log(reader: port.Reader, ticket: TicketId) -> Sequence[Entry]:
    """However long it is."""
    found: list[Entry] = []
    while page := await tickets.entries(reader, ticket, after=len(found)):
        found += page
    return found


def _view(ticket: TicketId, figures: Figures, promised: int | None) -> SlaView:
    took, final = figures.time_to_repair, timing.is_final(figures)
    return SlaView(
        ticket=ticket, now=_moment(figures.now), state=figures.state, reported_at=_moment(figures.reported_at),
        restored_at=_perhaps(figures.restored_at), time_to_repair_ms=took, is_final=final,
        within_5_hours=took <= 5 * HOUR_MS if took is not None and final else None,
        within_2_hours=took <= 2 * HOUR_MS if took is not None and final else None,
        target=_target(figures, promised), response_ms=figures.response, last_heard_at=_moment(figures.last_heard_at),
        pending_ms=dict(figures.pending), held_ms=dict(figures.held), stages_ms=dict(figures.stages),
        intervals=[_interval(i) for i in figures.intervals], orders=[_spell(s) for s in figures.spells],
    )  # fmt: skip


def _target(figures: Figures, promised: int | None) -> TargetView | None:
    if promised is None:
        return None
    left = None if figures.time_to_repair is None else promised - figures.time_to_repair
    return TargetView(
        restore_ms=promised, verdict=timing.verdict(figures, promised), left_ms=left,
        breach_at=_perhaps(timing.breach_at(figures, promised)),
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
