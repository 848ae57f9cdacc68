"""The lists that readers get, as pydantic models: documented by OpenAPI."""

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, Field

from shared.contracts import facts as f
from shared.contracts.instant import Instant
from shared.registry.model.circuit import Circuit, scope
from shared.registry.model.service import domain
from shared.tickets.view import TicketView


class TicketPage(BaseModel):
    items: list[TicketView]
    next: str | None


class LogItem(BaseModel):
    """One fact of the ticket; `hash` chains it to the one before, `origin` is a digest (docs/architecture)."""

    id: str
    ticket: str
    seq: int
    at: Instant
    type: str
    actor: str
    status: str
    account: str
    data: dict[str, Any]
    origin: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
    hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class LogPage(BaseModel):
    items: list[LogItem]
    next: str | None


class EndView(BaseModel):
    network: str
    site: str
    address: str | None


class SegmentView(BaseModel):
    id: str
    kind: str
    side: str | None
    network: str | None
    party: str | None
    between: str | None
    demarcation: str | None


class CircuitView(BaseModel):
    """`scope` is how far the end-to-end service reaches; see docs/architecture/registry."""

    id: str
    account: str
    service: str
    domain: str | None
    scope: f.Scope
    bandwidth_mbps: int
    protected: bool
    a_end: EndView
    z_end: EndView
    segments: list[SegmentView]


class CircuitPage(BaseModel):
    items: list[CircuitView]
    next: str | None


def circuit_view(circuit: Circuit) -> CircuitView:
    """Whom to call at a demarcation is not the customer's business, and left out."""
    follows = {"domain": domain(circuit.service), "scope": scope(circuit)}
    return CircuitView.model_validate(asdict(circuit) | follows)
