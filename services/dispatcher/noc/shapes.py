"""The bodies and answers of the NOC's routes, documented by OpenAPI."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from shared.clock import from_ms, rfc3339
from shared.contracts.progress import Network, Written
from shared.db.statement import Row
from shared.tickets.model import Ticket
from shared.tickets.ranks import Standing
from shared.tickets.view import TicketView, ticket_view


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
    reason: Written = "routed by hand"


class RejectBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Written


def queued_ticket(ticket: Ticket, standing: Standing) -> dict[str, Any]:
    return {**ticket_view(ticket), "tier": standing.tier, "breach_at": rfc3339(from_ms(standing.breach_at))}


def refused_view(row: Row) -> dict[str, Any]:
    names = ("source", "id", "network", "type", "reason", "body")
    return {**{n: row[n] for n in names}, "order": row["order_id"], "at": rfc3339(from_ms(row["at"]))}
