"""The answers of the local networks' door, documented by OpenAPI."""

from datetime import datetime
from typing import Any

import orjson
from pydantic import BaseModel

from shared.clock import from_ms, rfc3339
from shared.contracts.facts import Contact, Impact, OrderKind, Scope
from shared.db.statement import Row
from shared.tickets.model import OrderState


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
    scope: Scope | None
    registry_version: int | None


class OrderPage(BaseModel):
    items: list[OrderDetail]
    next: str | None


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
        "scope": issued.get("scope"), "registry_version": issued.get("registry_version"),
    }  # fmt: skip
