"""The bodies and answers of escalations, documented by OpenAPI. Names and telephone numbers are the NOC's alone."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from services.dispatcher.escalation.duty import on_duty
from services.dispatcher.escalation.rules import Besides
from shared.clock import from_ms, rfc3339
from shared.contracts.facts import EscalationCause, Impact, Level
from shared.contracts.progress import Written
from shared.db.statement import Row
from shared.registry.model import Account, ContactPoint, Network
from shared.tickets.model import Status, Ticket
from shared.tickets.ranks import Standing


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ChaseBody(_Body):
    text: Annotated[Written | None, Field(description="What is asked; the local networks at work read it")] = None


class EscalateBody(_Body):
    level: Level
    reason: Annotated[Written, Field(description="The customer reads it too")]
    tell: Annotated[list[Besides], Field(max_length=2, description="Who is told besides")] = []


class AcknowledgeBody(_Body):
    note: Annotated[Written | None, Field(description="The customer reads it too")] = None


class DutyView(BaseModel):
    """Whom to call: on duty at this moment, the whole roster where it has a gap, else the network's contacts."""

    network: str
    name_zh: str | None
    name_en: str | None
    contacts: list[ContactPoint]


class EscalationView(BaseModel):
    """`seq` is the entry to be acknowledged; `times` how often this level was told; `group` a mass fault."""

    ticket: str
    status: Status
    account: str
    account_name_zh: str | None
    account_name_en: str | None
    circuit: str
    impact: Impact
    tier: str
    breach_at: datetime
    seq: int
    level: Level
    cause: EscalationCause
    reason: str
    escalated_at: datetime
    times: int
    again_at: datetime | None
    to: list[str]
    networks: list[str]
    group: str | None
    chases: int
    duty: list[DutyView]
    account_manager: ContactPoint | None


class EscalationPage(BaseModel):
    items: list[EscalationView]
    next: str | None


class MassFaultView(BaseModel):
    """`kinds` of segments on which all of `tickets` may have failed."""

    id: str
    network: str
    name_zh: str | None
    name_en: str | None
    kinds: list[str]
    began_at: datetime
    latest_at: datetime
    tickets: list[str]


class MassFaultPage(BaseModel):
    items: list[MassFaultView]
    next: str | None


class Acknowledged(BaseModel):
    """The tickets whose escalation was open until now."""

    tickets: list[str]


def mass_fault_view(row: Row, network: Network | None, tickets: Sequence[str]) -> dict[str, Any]:
    return {
        "id": row["id"], "network": row["network"], "name_zh": network and network.name_zh,
        "name_en": network and network.name_en, "kinds": row["kinds"].split(","),
        "began_at": rfc3339(from_ms(row["began_at"])), "latest_at": rfc3339(from_ms(row["latest_at"])),
        "tickets": tickets,
    }  # fmt: skip


def escalation_view(
    ticket: Ticket, standing: Standing, networks: Sequence[tuple[str, Network | None]], account: Account | None, *,
    now: datetime,
) -> dict[str, Any]:  # fmt: skip
    """`networks`: those it is about, by code."""
    found = ticket.escalation
    assert found is not None
    return {
        "ticket": ticket.id, "status": ticket.status, "account": ticket.account,
        "account_name_zh": account and account.name_zh, "account_name_en": account and account.name_en,
        "circuit": ticket.circuit, "impact": ticket.impact, "tier": standing.tier,
        "breach_at": rfc3339(from_ms(standing.breach_at)), "seq": found.seq, "level": found.level,
        "cause": found.cause, "reason": found.reason, "escalated_at": rfc3339(found.at or ticket.updated_at),
        "times": found.times, "again_at": found.again_at and rfc3339(found.again_at), "to": found.to,
        "networks": found.networks, "group": found.group, "chases": ticket.chases,
        "duty": [_duty(code, network, now) for code, network in networks],
        "account_manager": account and account.manager,
    }  # fmt: skip


def _duty(code: str, network: Network | None, now: datetime) -> dict[str, Any]:
    contacts = () if network is None else on_duty(network.duty, now) or network.contacts
    return {
        "network": code, "name_zh": network and network.name_zh, "name_en": network and network.name_en,
        "contacts": contacts,
    }  # fmt: skip
