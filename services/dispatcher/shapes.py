"""The bodies and answers of the local networks' door and the NOC's, documented by OpenAPI."""

from datetime import datetime
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field

from shared.clock import from_ms, rfc3339
from shared.contracts.facts import Contact, Impact, OrderKind
from shared.contracts.progress import Network, Text
from shared.db.statement import Row
from shared.tickets.model import OrderState, Ticket
from shared.tickets.targets import Standing
from shared.tickets.view import TicketView, ticket_view


class OrderDetail(BaseModel):
    """An order with all a local network needs to work on it."""

    id: str
    ticket: str
    network: str
    kind: OrderKind
    state: OrderState
    reason: str
    segments: list[str]
    issued_at: datetime
    accepted_at: datetime | None
    updated_at: datetime
    round: int
    circuit: str
    impact: Impact
    description: str
    reported_at: datetime
    contact: Contact | None
    tier: str
    breach_at: datetime


class OrderPage(BaseModel):
    items: list[OrderDetail]
    next: str | None


class QueuedTicket(TicketView):
    """`tier` and `breach_at`: as of the ticket's opening; what the queue is sorted by (docs/architecture/tiers.md)."""

    tier: str
    breach_at: datetime


class QueuePage(BaseModel):
    items: list[QueuedTicket]
    next: str | None


class RefusedView(BaseModel):
    source: str
    id: str
    network: str
    order: str | None
    type: str
    reason: str
    body: str
    at: datetime


class RefusedPage(BaseModel):
    items: list[RefusedView]
    next: str | None


class RouteBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    networks: Annotated[list[Network], Field(min_length=1, max_length=20)]
    reason: Text = "routed by hand"


class RejectBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Text


def order_detail(row: Row) -> dict[str, Any]:
    issued = orjson.loads(row["data"])
    return {
        "id": row["id"], "ticket": row["ticket"], "network": row["network"], "kind": issued["kind"],
        "state": row["state"], "reason": issued["reason"], "segments": issued["segments"],
        "issued_at": rfc3339(from_ms(row["issued_at"])),
        "accepted_at": rfc3339(from_ms(row["accepted_at"])) if row["accepted_at"] else None,
        "updated_at": rfc3339(from_ms(row["updated_at"])), "round": issued["round"], "circuit": issued["circuit"],
        "impact": issued["impact"], "description": issued["description"], "reported_at": issued["reported_at"],
        "contact": issued["contact"], "tier": row["tier"], "breach_at": rfc3339(from_ms(row["breach_at"])),
    }  # fmt: skip


def queued_ticket(ticket: Ticket, standing: Standing) -> dict[str, Any]:
    return {**ticket_view(ticket), "tier": standing.tier, "breach_at": rfc3339(from_ms(standing.breach_at))}


def refused_view(row: Row) -> dict[str, Any]:
    names = ("source", "id", "network", "type", "reason", "body")
    return {**{n: row[n] for n in names}, "order": row["order_id"], "at": rfc3339(from_ms(row["at"]))}
