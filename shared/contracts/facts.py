"""The facts a ticket log is made of, past tense, one dataclass each; `TYPES` gives their public names.

A fact carries what its readers need without asking back: an order can be worked from `OrderIssued` alone.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal, get_args

import orjson
from pydantic import TypeAdapter

from shared.contracts.satisfaction import (
    FollowUpAsked,
    FollowUpLate,
    FollowUpOpened,
    FollowUpUnanswered,
    FollowUpWorked,
    SatisfactionAnswered,
    SurveyAnswered,
    SurveyAsked,
)
from shared.ids import AccountId, CircuitId, NetworkCode, OrderId

Impact = Literal["down", "degraded", "intermittent"]
Stage = Literal["diagnosing", "diagnosed", "travelling", "on_site", "repairing", "testing", "other"]
DeclineReason = Literal["not_our_segment", "no_fault_found", "no_resources", "other"]
SuspendReason = Literal[
    "customer_unavailable", "no_site_access", "customer_power", "customer_lan", "awaiting_customer_test",
    "force_majeure", "third_party", "spares", "internal",
]  # fmt: skip
OrderKind = Literal["repair", "assistance"]
DeadlineKind = Literal["accept", "update", "restore", "report", "confirm", "escalate"]
Level = Literal["network", "province", "headquarters"]
EscalationCause = Literal["warning", "breach", "mass_fault", "chase", "by_hand"]
Scope = Literal["own", "with-partner", "with-customer-lan"]
Service = Literal[
    "ip", "ip-vpn", "leased-line", "video", "sdh", "dwdm", "copper", "fibre", "wireless", "voice",
    "intelligent-network",
]  # fmt: skip
Cause = Literal[
    "fibre", "equipment", "power", "configuration", "customer_side", "third_party", "no_fault_found", "other"
]
RemedyCode = Literal[
    "spliced", "replaced", "repaired", "reconfigured", "rerouted", "restarted", "power_restored", "customer_acted",
    "cleared_itself", "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contact:
    name: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What is promised, by which version of the policy and which of its rules; a ticket keeps it until its log says
    otherwise. Durations are ms that count: within `hours`, windows of ms since 1970 in which time counts (None: round
    the clock). `warn_percent`: at which parts of a target somebody is warned. None: not promised."""

    policy: str
    rule: str
    accept_ms: int
    update_ms: int
    restore_ms: int
    report_ms: int | None
    confirm_ms: int | None
    head_start_ms: int
    warn_percent: tuple[int, ...]
    calendar: str | None = None
    hours: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class FaultReported:
    """`impact` is what is recorded; `reported_impact` what was reported, where that is another: one of the two paths
    of a protected circuit is down, so the service is degraded. `tier` and `breach_at`: the promise it is
    opened under."""

    account: AccountId
    circuit: CircuitId
    impact: Impact
    description: str
    reported_at: datetime
    reference: str | None = None
    contact: Contact | None = None
    segment: str | None = None
    reported_impact: Impact | None = None
    tier: str | None = None
    breach_at: datetime | None = None
    terms: Terms | None = None


@dataclass(frozen=True, slots=True)
class ReportJoined:
    """A further report of the same outage; the ticket keeps its own description and number. Impacts as above."""

    impact: Impact
    description: str
    reported_at: datetime
    reference: str | None = None
    contact: Contact | None = None
    segment: str | None = None
    reported_impact: Impact | None = None


@dataclass(frozen=True, slots=True)
class TicketUnroutable:
    """`registry_version` is the one by which it was decided, here and in an order."""

    reason: str
    registry_version: int | None = None


@dataclass(frozen=True, slots=True)
class TicketSuspended:
    """`clock` pending: waiting for the customer's side; held: waiting inside or for our suppliers."""

    order: OrderId
    network: NetworkCode
    clock: Literal["pending", "held"]
    reason: SuspendReason
    evidence: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TicketResumed:
    order: OrderId | None = None
    network: NetworkCode | None = None
    note: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ServiceRestored:
    order: OrderId
    network: NetworkCode
    restored_at: datetime
    cause: Cause | None = None
    remedy: str | None = None
    remedy_code: RemedyCode | None = None


@dataclass(frozen=True, slots=True)
class RestorationConfirmed:
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class TicketClosed:
    """`unanswered`: the time in which the customer could say that it does not hold is over."""

    reason: Literal["confirmed", "unanswered"]


@dataclass(frozen=True, slots=True)
class TicketReopened:
    reason: str


@dataclass(frozen=True, slots=True)
class TicketCancelled:
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TicketRejected:
    reason: str


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """`networks` are those with a live order at that moment: the note reaches them too."""

    text: str
    networks: tuple[NetworkCode, ...] = ()


@dataclass(frozen=True, slots=True)
class FaultRepeated:
    """Early warning: with this ticket a circuit, a circuit without a second path, or a site (`account/network/name`)
    of the ticket's account has had so many `faults` in so many `days`."""

    kind: Literal["circuit", "unprotected", "site"]
    subject: str
    faults: int
    days: int


@dataclass(frozen=True, slots=True)
class AttainmentFell:
    """Early warning: of the account's repairs within `days` so many percent were within their target, in as many days
    before it were more. Told on its newest ticket that is closed, which need not be one of them."""

    days: int
    before_percent: int
    after_percent: int
    repairs: int


@dataclass(frozen=True, slots=True)
class SuspensionDisputed:
    """Somebody says that the suspension of entry `suspension` was none; a duty manager decides."""

    suspension: int
    reason: str


@dataclass(frozen=True, slots=True)
class SuspensionStruckOut:
    """The clock ran all the while: every figure is computed as if it had not been suspended."""

    suspension: int
    reason: str


@dataclass(frozen=True, slots=True)
class SuspensionUpheld:
    suspension: int
    reason: str


@dataclass(frozen=True, slots=True)
class TermsChanged:
    """From here on other terms hold, for the whole of the ticket. `tier`, `impact`: where it is they that changed."""

    terms: Terms
    reason: str
    tier: str | None = None
    impact: Impact | None = None


@dataclass(frozen=True, slots=True)
class TicketChased:
    """The customer asks where it stays (催单). `networks` are those with a live order: they hear it too."""

    text: str | None = None
    networks: tuple[NetworkCode, ...] = ()


@dataclass(frozen=True, slots=True)
class DeadlineWarned:
    """`percent` of the time until `due_at` is over. `deadline` names it within the ticket, `network` whose it is."""

    kind: DeadlineKind
    deadline: str
    percent: int
    due_at: datetime
    network: NetworkCode | None = None


@dataclass(frozen=True, slots=True)
class DeadlineMissed:
    kind: DeadlineKind
    deadline: str
    due_at: datetime
    network: NetworkCode | None = None


@dataclass(frozen=True, slots=True)
class TicketUnchanged:
    """Nothing new since `since`, and the next word comes by `next_update_by`."""

    since: datetime
    next_update_by: datetime


@dataclass(frozen=True, slots=True)
class TicketEscalated:
    """`to`: the roles that are told; `times`: how often this level was told; `again_at`: when it is told again, unless
    somebody acknowledges. `networks` are those whose orders it is about. `group` names a mass fault."""

    level: Level
    cause: EscalationCause
    reason: str
    to: tuple[str, ...]
    times: int = 1
    again_at: datetime | None = None
    networks: tuple[NetworkCode, ...] = ()
    group: str | None = None


@dataclass(frozen=True, slots=True)
class EscalationAcknowledged:
    """`escalation` is the entry that is acknowledged."""

    escalation: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class RestorationPredicted:
    """From `samples` repairs like this one (`basis` says which): half of them were over by `expected_at`, most of them
    between the other two. `overdue_since`: the network's own estimate, which has passed without a restoration."""

    expected_at: datetime
    earliest_at: datetime
    latest_at: datetime
    basis: str
    samples: int
    overdue_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class FaultReportGiven:
    """The fault report that the customer is owed after the restoration."""

    cause: Cause
    remedy_code: RemedyCode
    text: str
    prevention: str | None = None


@dataclass(frozen=True, slots=True)
class OrderIssued:
    order: OrderId
    network: NetworkCode
    kind: OrderKind
    reason: str
    round: int
    circuit: CircuitId
    segments: tuple[str, ...]
    impact: Impact
    description: str
    reported_at: datetime
    contact: Contact | None = None
    scope: Scope | None = None
    registry_version: int | None = None
    tier: str | None = None
    breach_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderAccepted:
    order: OrderId
    network: NetworkCode
    engineer: str | None = None
    expected_restoration_at: datetime | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderDeclined:
    order: OrderId
    network: NetworkCode
    reason: DeclineReason
    note: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderProgressed:
    order: OrderId
    network: NetworkCode
    stage: Stage
    note: str | None = None
    segment: str | None = None
    expected_restoration_at: datetime | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AssistanceRequested:
    order: OrderId
    network: NetworkCode
    of: NetworkCode
    note: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderHandedOver:
    order: OrderId
    network: NetworkCode
    to: NetworkCode
    reason: str
    segment: str | None = None
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderStoodDown:
    order: OrderId
    network: NetworkCode
    reason: Literal["restored", "cancelled", "rejected", "rerouted"]


Fact = (
    FaultReported | ReportJoined | TicketUnroutable | TicketSuspended | TicketResumed | ServiceRestored
    | RestorationConfirmed | TicketClosed | TicketReopened | TicketCancelled | TicketRejected | NoteAdded
    | FaultRepeated | AttainmentFell | OrderIssued | OrderAccepted | OrderDeclined | OrderProgressed
    | AssistanceRequested | OrderHandedOver | OrderStoodDown | SuspensionDisputed | SuspensionStruckOut
    | SuspensionUpheld | TermsChanged | TicketChased | DeadlineWarned | DeadlineMissed | TicketUnchanged
    | TicketEscalated | EscalationAcknowledged | RestorationPredicted | FaultReportGiven | FollowUpAsked
    | FollowUpUnanswered | SatisfactionAnswered | FollowUpOpened | FollowUpWorked | FollowUpLate | SurveyAsked
    | SurveyAnswered
)  # fmt: skip

NAMES: dict[type[Fact], str] = {
    FaultReported: "ticket.reported",
    ReportJoined: "ticket.report_joined",
    TicketUnroutable: "ticket.unroutable",
    TicketSuspended: "ticket.suspended",
    TicketResumed: "ticket.resumed",
    ServiceRestored: "ticket.restored",
    RestorationConfirmed: "ticket.confirmed",
    TicketClosed: "ticket.closed",
    TicketReopened: "ticket.reopened",
    TicketCancelled: "ticket.cancelled",
    TicketRejected: "ticket.rejected",
    NoteAdded: "ticket.noted",
    FaultRepeated: "ticket.repeated",
    AttainmentFell: "ticket.attainment_fell",
    OrderIssued: "order.issued",
    OrderAccepted: "order.accepted",
    OrderDeclined: "order.declined",
    OrderProgressed: "order.progressed",
    AssistanceRequested: "order.assistance_requested",
    OrderHandedOver: "order.handed_over",
    OrderStoodDown: "order.stood_down",
    SuspensionDisputed: "ticket.suspension_disputed",
    SuspensionStruckOut: "ticket.suspension_struck_out",
    SuspensionUpheld: "ticket.suspension_upheld",
    TermsChanged: "ticket.terms_changed",
    TicketChased: "ticket.chased",
    DeadlineWarned: "ticket.deadline_warned",
    DeadlineMissed: "ticket.deadline_missed",
    TicketUnchanged: "ticket.unchanged",
    TicketEscalated: "ticket.escalated",
    EscalationAcknowledged: "ticket.escalation_acknowledged",
    RestorationPredicted: "ticket.restoration_predicted",
    FaultReportGiven: "ticket.fault_report_given",
    FollowUpAsked: "ticket.follow_up_asked",
    FollowUpUnanswered: "ticket.follow_up_unanswered",
    SatisfactionAnswered: "ticket.satisfaction_answered",
    FollowUpOpened: "ticket.follow_up_opened",
    FollowUpWorked: "ticket.follow_up_worked",
    FollowUpLate: "ticket.follow_up_late",
    SurveyAsked: "ticket.survey_asked",
    SurveyAnswered: "ticket.survey_answered",
}
TYPES: dict[str, type[Fact]] = {name: fact for fact, name in NAMES.items()}
ADAPTERS: dict[str, TypeAdapter[Fact]] = {name: TypeAdapter(fact) for name, fact in TYPES.items()}

assert set(NAMES) == set(get_args(Fact)), "every fact has exactly one public name"


def encode(fact: Fact) -> bytes:
    """The fact's JSON as the log stores, hashes and publishes it; instants end in Z."""
    return orjson.dumps(fact, option=orjson.OPT_UTC_Z)


@lru_cache(maxsize=1024)  # the same entry is read by several consumers, and by measuring several times in a row
def decode(type_: str, data: bytes | str) -> Fact:
    """Raises KeyError for an unknown type, ValueError for data of another shape."""
    return ADAPTERS[type_].validate_json(data)
