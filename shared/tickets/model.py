"""What a ticket is: the fold of its facts, and the table of legal moves. Pure.

The states are TM Forum TMF621's. `evolve` never refuses: what is in the log has happened. Refusing is `require`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from shared.clock import EPOCH, from_ms, to_ms
from shared.contracts import facts as f
from shared.contracts import satisfaction as sat
from shared.errors import IllegalMove
from shared.ids import AccountId, CircuitId, NetworkCode, OrderId, TicketId
from shared.tickets.marks import Marks, advance, begin, restored_at

Status = Literal["acknowledged", "rejected", "pending", "held", "inProgress", "resolved", "closed", "cancelled"]
OrderState = Literal["issued", "accepted", "declined", "handed_over", "restored", "stood_down"]

CLOCK = "system:clock"
"""The actor of what nobody did but time."""
OVER: frozenset[Status] = frozenset({"rejected", "closed", "cancelled"})
LIVE: frozenset[OrderState] = frozenset({"issued", "accepted"})

TICKET_MOVES: dict[Status, tuple[str, ...]] = {
    "acknowledged": ("accept", "cancel", "reject", "route"),
    "inProgress": ("suspend", "restore", "cancel", "route"),
    "pending": ("resume", "restore", "cancel", "route"),
    "held": ("resume", "restore", "cancel", "route"),
    "resolved": ("confirm", "reopen"),
    "closed": (),
    "cancelled": (),
    "rejected": (),
}
ORDER_MOVES: dict[OrderState, tuple[str, ...]] = {
    "issued": ("accept", "decline", "hand-over"),
    "accepted": ("progress", "suspend", "resume", "assist", "hand-over", "decline", "restore"),
    "declined": (),
    "handed_over": (),
    "restored": ("fault-report",),
    "stood_down": (),
}


@dataclass(frozen=True, slots=True)
class Order:
    """The one repair order of a ticket to one local network; re-issued, never doubled, when it comes round again."""

    id: OrderId
    network: NetworkCode
    kind: f.OrderKind
    state: OrderState
    segments: tuple[str, ...]
    reason: str
    issued_at: datetime
    updated_at: datetime
    accepted_at: datetime | None = None
    stage: f.Stage | None = None


@dataclass(frozen=True, slots=True)
class Suspension:
    clock: Literal["pending", "held"]
    reason: f.SuspendReason
    order: OrderId
    since: datetime
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Doubt:
    """A suspension, by its entry, of which a duty manager is to decide whether it was one: since when, by whom, why."""

    suspension: int
    cause: Literal["disputed", "no_evidence"]
    at: datetime
    by: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Escalation:
    """The last one, by the entry `seq`, with what it said."""

    seq: int
    level: f.Level
    times: int
    again_at: datetime | None
    acknowledged: bool = False
    at: datetime | None = None
    cause: f.EscalationCause = "breach"
    reason: str = ""
    to: tuple[str, ...] = ()
    networks: tuple[NetworkCode, ...] = ()
    group: str | None = None


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What became of the question whether the customer is satisfied. With an `owner` it is a case: it said no."""

    asked: int = 0
    answer_by: datetime | None = None
    unanswered: bool = False
    satisfied: bool | None = None
    score: int | None = None
    owner: str | None = None
    due_at: datetime | None = None
    late: int = 0


@dataclass(frozen=True)
class Ticket:
    """`seq` entries are in its log. `round` counts report and reopenings, `routed_round` the last one dispatched.

    `marks` move the service's clock; `told_at` (ms) is when the customer heard of it last, `news_at` (ms) when that was
    more than the passing of time, `restored_said_at` (ms) when the restoration was recorded; `fired` is how much of
    each deadline, in percent, somebody was told of. `group` is the mass fault it is part of. `doubts` are suspensions
    to be decided on, `upheld` the entries of those that stand.

    Without slots on purpose: `_with` copies the instance dictionary, four times faster than setting so many fields.
    """

    id: TicketId
    account: AccountId
    circuit: CircuitId
    status: Status
    impact: f.Impact
    description: str
    reported_at: datetime
    opened_at: datetime
    updated_at: datetime
    seq: int
    reference: str | None = None
    contact: f.Contact | None = None
    segment: str | None = None
    reports: int = 1
    restored_at: datetime | None = None
    closed_at: datetime | None = None
    expected_restoration_at: datetime | None = None
    fault_segment: str | None = None
    cause: f.Cause | None = None
    remedy: str | None = None
    suspension: Suspension | None = None
    unroutable: str | None = None
    round: int = 1
    routed_round: int = 0
    orders: tuple[Order, ...] = ()
    tier: str | None = None
    breach_at: datetime | None = None
    terms: f.Terms | None = None
    marks: Marks = ()
    told_at: int = 0
    news_at: int = 0
    restored_said_at: int = 0
    fired: Mapping[str, int] = field(default_factory=dict)
    escalation: Escalation | None = None
    group: str | None = None
    chases: int = 0
    chased_at: datetime | None = None
    predicted: f.RestorationPredicted | None = None
    remedy_code: f.RemedyCode | None = None
    fault_report_at: datetime | None = None
    fault_report: f.FaultReportGiven | None = None
    follow_up: FollowUp = FollowUp()
    doubts: tuple[Doubt, ...] = ()
    upheld: tuple[int, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.status in OVER

    def order_to(self, network: NetworkCode) -> Order | None:
        return next((o for o in self.orders if o.network == network), None)

    @property
    def live_orders(self) -> Sequence[Order]:
        return [o for o in self.orders if o.state in LIVE]

    @property
    def open_escalation(self) -> Escalation | None:
        """The last one, while it waits to be acknowledged. A restoration ends those before it, for good."""
        last = self.escalation
        if last is None or last.acknowledged or self.status in ("cancelled", "rejected"):
            return None
        if any(mark.state == "restored" and mark.seq > last.seq for mark in self.marks):
            return None
        return None if self.restored_at is not None and self.fault_report_at is not None else last


def require_ticket_move(ticket: Ticket, move: str) -> None:
    """Raises IllegalMove with the moves that are legal now."""
    legal = TICKET_MOVES[ticket.status]
    if move not in legal:
        over = " A fault that is there is reported anew." if ticket.is_over else ""
        raise IllegalMove(f"Ticket {ticket.id} is {ticket.status}: {move} is not possible.{over}", legal=legal)


def require_order_move(order: Order, move: str) -> None:
    legal = ORDER_MOVES[order.state]
    if move not in legal:
        raise IllegalMove(f"Order {order.id} is {order.state}: {move} is not possible.", legal=legal)


def opened(id: TicketId, fact: f.FaultReported, at: datetime) -> Ticket:
    return _with(_BLANK, id=id, account=fact.account, circuit=fact.circuit, impact=fact.impact, tier=fact.tier,
        description=fact.description, reported_at=fact.reported_at, opened_at=at, updated_at=at, terms=fact.terms,
        reference=fact.reference, contact=fact.contact, segment=fact.segment, breach_at=fact.breach_at,
        marks=begin(fact.reported_at), told_at=(told_at := to_ms(at)), news_at=told_at,
    )  # fmt: skip


_BLANK = Ticket(TicketId(""), AccountId(""), CircuitId(""), "acknowledged", "down", "", EPOCH, EPOCH, EPOCH, 1)


def _with(ticket: Ticket, **changes: Any) -> Ticket:
    after = object.__new__(Ticket)
    after.__dict__.update(ticket.__dict__, **changes)
    return after


def evolve(ticket: Ticket, fact: f.Fact, at: datetime, *, actor: str = "") -> Ticket:
    """The ticket after one more fact, recorded at `at` by `actor`."""
    seq = ticket.seq + 1
    moved: dict[str, Any] = {"updated_at": at, "seq": seq}
    if not is_customers(actor) or isinstance(fact, f.TicketReopened):  # from then on it is owed a word again
        moved["told_at"] = to_ms(at)
        if actor != CLOCK:
            moved["news_at"] = to_ms(at)
    marks = advance(ticket.marks, fact, at=at, seq=seq)
    if marks is not ticket.marks:
        back = restored_at(marks)
        ticket = _with(ticket, marks=marks, restored_at=None if back is None else from_ms(back))
    if isinstance(fact, _ON_SUSPENSIONS):
        moved |= _doubted(ticket, fact, at, actor=actor)
    return _with(_apply(ticket, fact, at), **moved)


_ON_SUSPENSIONS = (f.TicketSuspended, f.SuspensionDisputed, f.SuspensionStruckOut, f.SuspensionUpheld)


def _doubted(ticket: Ticket, fact: f.Fact, at: datetime, *, actor: str) -> dict[str, Any]:
    """What is to be decided after it. A clock that was stopped without evidence is doubted by the center itself."""
    match fact:
        case f.TicketSuspended(clock="pending", evidence=None):
            return {"doubts": (*ticket.doubts, Doubt(ticket.seq + 1, "no_evidence", at, CLOCK))}
        case f.SuspensionDisputed(suspension=seq, reason=reason):
            return {"doubts": (*_without(ticket, seq), Doubt(seq, "disputed", at, actor, reason))}
        case f.SuspensionUpheld(suspension=seq):
            return {"doubts": _without(ticket, seq), "upheld": (*ticket.upheld, seq)}
        case f.SuspensionStruckOut(suspension=seq):
            return {"doubts": _without(ticket, seq)}
        case _:
            return {}


def _without(ticket: Ticket, suspension: int) -> tuple[Doubt, ...]:
    return tuple(doubt for doubt in ticket.doubts if doubt.suspension != suspension)


def is_customers(actor: str) -> bool:
    """Whether an entry is the customer's own: no news to it."""
    return actor.startswith("account:")


def _apply(ticket: Ticket, fact: f.Fact, at: datetime) -> Ticket:
    match fact:
        case f.ReportJoined():
            return _with(ticket, reports=ticket.reports + 1, segment=ticket.segment or fact.segment)
        case f.TicketUnroutable(reason=reason):
            return _with(ticket, unroutable=reason, routed_round=ticket.round)
        case f.TicketSuspended(clock=clock, reason=why, order=order):
            since = from_ms(ticket.marks[-1].at)
            return _with(ticket, status=clock, suspension=Suspension(clock, why, order, since, ticket.seq + 1))
        case f.TicketResumed():
            return _with(ticket, status="inProgress", suspension=None)
        case f.ServiceRestored():
            return _restored(ticket, fact, at)
        case f.TicketClosed():
            return _with(ticket, status="closed", closed_at=at)
        case f.TicketReopened():
            return _with(
                ticket, status="inProgress", round=ticket.round + 1, expected_restoration_at=None,
                fault_report_at=None, fault_report=None,
            )  # fmt: skip
        case f.TicketCancelled():
            return _with(ticket, status="cancelled", closed_at=at, suspension=None, unroutable=None)
        case f.TicketRejected():
            return _with(ticket, status="rejected", closed_at=at, suspension=None, unroutable=None)
        case _:
            return _apply_to_order(ticket, fact, at)


def _apply_to_order(ticket: Ticket, fact: f.Fact, at: datetime) -> Ticket:
    match fact:
        case f.OrderIssued():
            return _issued(ticket, fact, at)
        case f.OrderAccepted():
            working = "inProgress" if ticket.status == "acknowledged" else ticket.status
            ticket = _with(
                ticket,
                status=working,
                expected_restoration_at=fact.expected_restoration_at or ticket.expected_restoration_at,
            )
            return _with_order(ticket, fact.network, state="accepted", accepted_at=at, updated_at=at)
        case f.OrderDeclined():
            return _with_order(ticket, fact.network, state="declined", updated_at=at)
        case f.OrderProgressed():
            ticket = _with(
                ticket,
                expected_restoration_at=fact.expected_restoration_at or ticket.expected_restoration_at,
                fault_segment=fact.segment or ticket.fault_segment,
            )
            return _with_order(ticket, fact.network, stage=fact.stage, updated_at=at)
        case f.OrderHandedOver():
            ticket = _with(
                ticket, fault_segment=fact.segment or ticket.fault_segment, expected_restoration_at=None
            )  # it was the estimate of a network that leaves it to another
            return _with_order(ticket, fact.network, state="handed_over", updated_at=at)
        case f.OrderStoodDown():
            return _with_order(ticket, fact.network, state="stood_down", updated_at=at)
        case _:
            return _apply_to_promise(ticket, fact, at)


def _apply_to_promise(ticket: Ticket, fact: f.Fact, at: datetime) -> Ticket:
    match fact:
        case f.SuspensionStruckOut(suspension=seq) if ticket.suspension and ticket.suspension.seq == seq:
            return _with(ticket, status="inProgress", suspension=None)
        case f.TermsChanged(terms=terms, tier=tier, impact=impact):
            return _with(ticket, terms=terms, tier=tier or ticket.tier, impact=impact or ticket.impact)
        case f.TicketChased():
            return _with(ticket, chases=ticket.chases + 1, chased_at=at)
        case f.DeadlineWarned(deadline=name, percent=percent):
            return _with(ticket, fired={**ticket.fired, name: percent})
        case f.DeadlineMissed(deadline=name):
            return _with(ticket, fired={**ticket.fired, name: 100})
        case f.TicketEscalated():
            return _with(ticket, escalation=_escalated(ticket.seq + 1, fact, at), group=fact.group or ticket.group)
        case f.EscalationAcknowledged() if ticket.escalation:
            return _with(ticket, escalation=replace(ticket.escalation, acknowledged=True))
        case f.RestorationPredicted():
            return _with(ticket, predicted=fact)
        case f.FaultReportGiven(cause=cause, remedy_code=code):
            given_at = ticket.fault_report_at or at
            return _with(ticket, fault_report_at=given_at, fault_report=fact, cause=cause, remedy_code=code)
        case _:
            follow_up = _followed_up(ticket.follow_up, fact)
            return ticket if follow_up is ticket.follow_up else _with(ticket, follow_up=follow_up)


def _followed_up(before: FollowUp, fact: f.Fact) -> FollowUp:
    match fact:
        case sat.FollowUpAsked(times=times, answer_by=answer_by):
            return replace(before, asked=times, answer_by=answer_by)
        case sat.FollowUpUnanswered():
            return replace(before, unanswered=True)
        case sat.SatisfactionAnswered(satisfied=satisfied, score=score):
            return replace(before, unanswered=False, satisfied=satisfied, score=score, answer_by=None)
        case sat.FollowUpOpened(owner=owner, due_at=due_at) | sat.FollowUpWorked(owner=owner, due_at=due_at):
            return replace(before, owner=owner, due_at=due_at, late=0)
        case sat.FollowUpLate(times=times):
            return replace(before, late=times)
        case _:
            return before


def _escalated(seq: int, fact: f.TicketEscalated, at: datetime) -> Escalation:
    return Escalation(
        seq, fact.level, fact.times, fact.again_at, at=at, cause=fact.cause, reason=fact.reason, to=fact.to,
        networks=fact.networks, group=fact.group,
    )  # fmt: skip


def _issued(ticket: Ticket, fact: f.OrderIssued, at: datetime) -> Ticket:
    order = Order(
        id=fact.order, network=fact.network, kind=fact.kind, state="issued", segments=fact.segments,
        reason=fact.reason, issued_at=at, updated_at=at,
    )  # fmt: skip
    others = tuple(o for o in ticket.orders if o.network != fact.network)
    waits = None if fact.kind == "repair" else ticket.unroutable  # for a network to repair, whoever assists
    return _with(ticket, orders=(*others, order), routed_round=ticket.round, unroutable=waits)


def _restored(ticket: Ticket, fact: f.ServiceRestored, at: datetime) -> Ticket:
    ticket = _with(ticket, status="resolved", suspension=None, cause=fact.cause, remedy=fact.remedy,
        remedy_code=fact.remedy_code, unroutable=None, restored_said_at=to_ms(at),
    )  # fmt: skip
    return _with_order(ticket, fact.network, state="restored", updated_at=at)


def _with_order(ticket: Ticket, network: NetworkCode, **changes: Any) -> Ticket:
    orders = tuple(replace(o, **changes) if o.network == network else o for o in ticket.orders)
    return _with(ticket, orders=orders)
