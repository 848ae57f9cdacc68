"""The bodies customers send and the lists they get, as pydantic models: the edge's shapes, documented by OpenAPI."""

from dataclasses import asdict
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictBool

from shared.contracts import facts as f
from shared.contracts.instant import Instant
from shared.contracts.progress import Short, Text
from shared.registry.model.circuit import Circuit, scope
from shared.registry.model.service import domain
from shared.tickets.view import TicketView


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ContactBody(_Body):
    name: Short | None = None
    phone: Short | None = None
    email: Short | None = None

    def fact(self) -> f.Contact:
        return f.Contact(self.name, self.phone, self.email)


def _named(contact: Any) -> Any:
    return {"name": contact} if isinstance(contact, str) else contact


class FaultBody(_Body):
    """A fault report. Leave `segment` out unless you know where the fault is."""

    circuit: Annotated[str, Field(min_length=1, max_length=64, examples=["010-0871-IPV-0001"])]
    impact: f.Impact
    both_paths: Annotated[
        StrictBool,
        Field(description="A protected circuit that is down is recorded as degraded, unless both its paths are lost"),
    ] = False
    description: Text
    reported_at: Instant | None = None
    reference: Annotated[Short | None, Field(description="Your own number for this fault")] = None
    contact: Annotated[
        ContactBody | None,
        BeforeValidator(_named, json_schema_input_type=ContactBody | Short | None),
        Field(description="Whom to call; a plain string is a name"),
    ] = None
    segment: Annotated[Short | None, Field(description="The circuit's segment that is known to be faulty")] = None

    def contact_fact(self) -> f.Contact | None:
        return self.contact.fact() if self.contact else None


class NoteBody(_Body):
    text: Text


class CancelBody(_Body):
    reason: Text | None = None


class ConfirmBody(_Body):
    comment: Text | None = None


class ReopenBody(_Body):
    reason: Text = "the service is not back"


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
