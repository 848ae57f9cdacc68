"""A statement as OpenAPI describes it; what each field means is `docs/architecture/statement.md`."""

from typing import Annotated, Any

from pydantic import BaseModel, Field

from shared.statement.sealing import FORMAT
from shared.tickets.marks import State
from shared.tickets.promises import Kind, Verdict

Moment = Annotated[str, Field(examples=["2026-11-21T08:30:00.250Z"], json_schema_extra={"format": "date-time"})]
Length = Annotated[int, Field(ge=0, description="Milliseconds")]
Hex = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class NameView(BaseModel):
    zh: str
    en: str


class NamesView(BaseModel):
    account: NameView | None
    networks: dict[str, NameView]


class StatementFigures(BaseModel):
    state: State
    reported_at: Moment
    restored_at: Moment | None
    time_to_repair_ms: Length | None
    is_final: bool
    response_ms: Length | None
    last_heard_at: Moment
    pending_ms: dict[str, Length]
    held_ms: dict[str, Length]
    stages_ms: dict[str, Length | None]


class StatementTarget(BaseModel):
    target_ms: int
    used_ms: Length | None
    verdict: Verdict | None
    due_at: Moment | None


class StatementGoal(BaseModel):
    target_ms: Length
    used_ms: Length | None
    verdict: Verdict | None


class StatementInterval(BaseModel):
    seq: int
    start: Moment
    end: Moment
    length_ms: Length
    state: State
    counts: bool
    reason: str | None
    evidence: str | None
    network: str | None
    author: str
    struck_out: bool


class StatementOrder(BaseModel):
    order: str
    network: str
    start: Moment
    end: Moment | None
    ended_by: str | None
    accepted_at: Moment | None
    counted_ms: int


class StatementEntry(BaseModel):
    """`data` is the fact's JSON as a text, which is what the hash is of."""

    seq: int
    at: Moment
    type: str
    actor: str
    account: str
    status: str
    origin: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
    data: str
    hash: Hex


class StatementView(BaseModel):
    """Everything but `names`, `key` and `signature` follows from `entries` and `as_of`."""

    format: Annotated[str, Field(examples=[FORMAT])]
    as_of: Moment
    ticket: str
    account: str
    circuit: str
    names: NamesView
    status: str
    impact: str
    tier: str | None
    figures: StatementFigures
    targets: Annotated[dict[Kind, StatementTarget], Field(description="Those that were promised")]
    goals: Annotated[dict[str, StatementGoal], Field(description="5h and 2h, round the clock, whatever was promised")]
    intervals: list[StatementInterval]
    orders: list[StatementOrder]
    shares: Annotated[dict[str, int], Field(description="Milliseconds by network")]
    terms: list[dict[str, Any]]
    suspensions: list[dict[str, Any]]
    restorations: list[dict[str, Any]]
    fault_reports: list[dict[str, Any]]
    timeouts: list[dict[str, Any]]
    escalations: list[dict[str, Any]]
    entries: list[StatementEntry]
    key: Hex
    signature: Annotated[str, Field(pattern="^[0-9a-f]{128}$")]
