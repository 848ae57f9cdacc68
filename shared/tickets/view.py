"""A ticket and an order as the API shows them: the models describe, the functions make the bytes."""

from datetime import datetime
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, Field

from shared.clock import from_ms, rfc3339
from shared.contracts.facts import Cause, Contact, Impact, OrderKind, RemedyCode, Stage, SuspendReason
from shared.tickets.deadlines import report_due_at
from shared.tickets.expected import Expected, expected
from shared.tickets.model import FollowUp, Order, OrderState, Status, Suspension, Ticket


class OrderView(BaseModel):
    id: str
    ticket: str
    network: str
    kind: OrderKind
    state: OrderState
    reason: str
    segments: list[str]
    stage: Stage | None
    issued_at: datetime
    accepted_at: datetime | None
    updated_at: datetime


class SuspensionView(BaseModel):
    clock: str
    reason: SuspendReason
    order: str
    since: datetime


class ExpectedView(BaseModel):
    """When the service is expected back; half of what is predicted is over by `at`, four fifths from `from` to `to`.

    `basis`: `estimate` is the network's own, `target` what was promised, any other what was known of the `samples`
    repairs like this one. `overdue_since`: the network had named that instant, and the service was not back.
    """

    at: datetime
    from_: Annotated[datetime | None, Field(alias="from")]
    to: datetime | None
    basis: str
    samples: int
    overdue_since: datetime | None


class FaultReportView(BaseModel):
    """The last one; `given_at` is when the first was given after the restoration that stands."""

    given_at: datetime
    cause: Cause
    remedy_code: RemedyCode
    text: str
    prevention: str | None


Satisfaction = Literal["asked", "satisfied", "dissatisfied", "unanswered"]


class TicketView(BaseModel):
    """`status` is TM Forum TMF621's; `seq` counts the entries of the ticket's log."""

    id: str
    status: Status
    account: str
    circuit: str
    impact: Impact
    description: str
    reported_at: datetime
    opened_at: datetime
    updated_at: datetime
    restored_at: datetime | None
    closed_at: datetime | None
    expected_restoration_at: datetime | None
    expected_restoration: ExpectedView | None
    reference: str | None
    contact: Contact | None
    segment: str | None
    fault_segment: str | None
    cause: Cause | None
    remedy: str | None
    remedy_code: RemedyCode | None
    fault_report: FaultReportView | None
    fault_report_due_at: Annotated[datetime | None, Field(description="While a fault report is owed")]
    reports: int
    reopened: int
    suspension: SuspensionView | None
    awaiting_routing: str | None
    satisfaction: Satisfaction | None
    orders: list[OrderView]
    seq: int


def _at(instant: datetime | None) -> str | None:
    return rfc3339(instant) if instant else None


def ticket_view(t: Ticket) -> dict[str, Any]:
    return {
        "id": t.id, "status": t.status, "account": t.account, "circuit": t.circuit, "impact": t.impact,
        "description": t.description, "reported_at": rfc3339(t.reported_at), "opened_at": rfc3339(t.opened_at),
        "updated_at": rfc3339(t.updated_at), "restored_at": _at(t.restored_at), "closed_at": _at(t.closed_at),
        "expected_restoration_at": _at(t.expected_restoration_at),
        "expected_restoration": _expected_view(expected(t)), "reference": t.reference, "contact": t.contact,
        "segment": t.segment, "fault_segment": t.fault_segment, "cause": t.cause, "remedy": t.remedy,
        "remedy_code": t.remedy_code, "fault_report": _fault_report_view(t), "fault_report_due_at": _due_at(t),
        "reports": t.reports, "reopened": t.round - 1, "suspension": _suspension_view(t.suspension),
        "awaiting_routing": t.unroutable, "satisfaction": satisfaction(t.follow_up),
        "orders": [order_view(t, o) for o in t.orders], "seq": t.seq,
    }  # fmt: skip


def satisfaction(follow_up: FollowUp) -> Satisfaction | None:
    """What the customer said of a closed ticket; None before it was asked."""
    if follow_up.satisfied is not None:
        return "satisfied" if follow_up.satisfied else "dissatisfied"
    if follow_up.unanswered:
        return "unanswered"
    return "asked" if follow_up.asked else None


def order_view(ticket: Ticket, o: Order) -> dict[str, Any]:
    return {
        "id": o.id, "ticket": ticket.id, "network": o.network, "kind": o.kind, "state": o.state, "reason": o.reason,
        "segments": o.segments, "stage": o.stage, "issued_at": rfc3339(o.issued_at),
        "accepted_at": _at(o.accepted_at), "updated_at": rfc3339(o.updated_at),
    }  # fmt: skip


def _expected_view(e: Expected | None) -> dict[str, Any] | None:
    if e is None:
        return None
    return {
        "at": rfc3339(e.at), "from": _at(e.earliest), "to": _at(e.latest), "basis": e.basis, "samples": e.samples,
        "overdue_since": _at(e.overdue_since),
    }  # fmt: skip


def _fault_report_view(t: Ticket) -> dict[str, Any] | None:
    if t.fault_report is None:
        return None
    given = t.fault_report
    return {
        "given_at": _at(t.fault_report_at), "cause": given.cause, "remedy_code": given.remedy_code, "text": given.text,
        "prevention": given.prevention,
    }  # fmt: skip


def _due_at(t: Ticket) -> str | None:
    due = report_due_at(t)
    return None if due is None else rfc3339(from_ms(due))


def _suspension_view(s: Suspension | None) -> dict[str, Any] | None:
    if s is None:
        return None
    return {"clock": s.clock, "reason": s.reason, "order": s.order, "since": rfc3339(s.since)}


def ticket_bytes(ticket: Ticket) -> bytes:
    return orjson.dumps(ticket_view(ticket))
