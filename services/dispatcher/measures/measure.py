"""One ticket measured: every figure that is counted of it, from its whole log and what the registry says. Pure.

The clock is not read: a figure is of the log's last entry, so that the same log always makes the same row.
Instants are milliseconds since 1970, durations milliseconds.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from shared.clock import to_ms
from shared.contracts import facts as f
from shared.ids import AccountId, CircuitId, NetworkCode, OrderId, TicketId
from shared.registry.model import Circuit, SegmentKind
from shared.tickets.log import Entry, fold
from shared.tickets.model import Status
from shared.tickets.promises import Promise
from shared.tickets.timing import STAGES, Ending, Figures, figures, is_final

RULES = 4  # raised when the same log is measured otherwise: then every ticket is measured anew
Judged = Literal["met", "breached"]
CountKind = Literal["pending", "held", "escalated", "missed"]


@dataclass(frozen=True, slots=True)
class Place:
    """What the registry says of a ticket's circuit; `segments` are its segments' kinds by id."""

    service: str
    segments: Mapping[str, SegmentKind]

    @classmethod
    def of(cls, circuit: Circuit) -> "Place":
        return cls(circuit.service, {segment.id: segment.kind for segment in circuit.segments})


@dataclass(frozen=True, slots=True)
class Share:
    """A network held an order; the `number`th of the ticket. `ended_at` None: it still does. `counted` is without what
    was pending, up to the last entry."""

    number: int
    order: OrderId
    network: NetworkCode
    began_at: int
    accepted_at: int | None
    ended_at: int | None
    ended_by: Ending | None
    counted: int


@dataclass(frozen=True, slots=True)
class Count:
    """pending, held: `n` suspensions for the reason `which`, `ms` long together. escalated: to the level `which`.
    missed: deadlines of the kind `which`."""

    kind: CountKind
    which: str
    n: int
    ms: int = 0


@dataclass(frozen=True, slots=True)
class Measure:
    """`seq` entries are in the log, `head` is the last one's hash.

    `time_to_repair` and what follows from it are there while the restoration stands, None before. `counted` is that
    part of it which lies in the hours of the promise, `restore_target` is judged by it. `breach_at`, while the clock
    runs: when the target is broken, or was. `network` is the one that restored, before that the one ordered first.
    `response_target` is the time in which an order is to be accepted, `response_verdict` whether all were.
    `unacknowledged`: the level of an escalation that still waits for somebody. `foretold_…`: the first prediction of
    when the service would be back, its range and what it rested on.
    """

    ticket: TicketId
    seq: int
    head: bytes
    rules: int
    account: AccountId
    circuit: CircuitId
    service: str | None
    tier: str
    impact: f.Impact
    status: Status
    network: NetworkCode | None
    province: str | None
    segment: str | None
    segment_kind: SegmentKind | None
    cause: f.Cause | None
    remedy_code: f.RemedyCode | None
    policy: str | None
    opened_at: int
    reported_at: int
    accepted_at: int | None
    restored_at: int | None
    over_at: int | None
    time_to_repair: int | None
    counted: int | None
    restore_target: int | None
    verdict: Judged | None
    breach_at: int | None
    response: int | None
    response_target: int | None
    response_verdict: Judged | None
    update_verdict: Judged | None
    report_verdict: Judged | None
    pending: int
    held: int
    take_in: int | None
    dispatch: int | None
    acceptance: int | None
    diagnosis: int | None
    repair: int | None
    confirmation: int | None
    reports: int
    reopened: int
    chases: int
    escalations: int
    unacknowledged: f.Level | None
    fault_report_at: int | None
    foretold_basis: str | None
    foretold_from: int | None
    foretold_at: int | None
    foretold_to: int | None
    shares: tuple[Share, ...] = ()
    counts: tuple[Count, ...] = ()


def in_order(counts: Iterable[Count]) -> tuple[Count, ...]:
    """One order, whatever a database thinks of underscores."""
    return tuple(sorted(counts, key=lambda count: (count.kind, count.which)))


def measure(log: Sequence[Entry], place: Place | None, provinces: Mapping[NetworkCode, str]) -> Measure:
    """`log` is complete and in order. `place` is None for a circuit that the registry does not know.

    Raises ValueError when the log does not begin with a report, KeyError for an entry of an unknown type.
    """
    ticket, found = fold(log), figures(log, log[-1].at)
    facts, accept = [entry.fact() for entry in log], found.promises.get("accept")
    network, segment = _network(facts), ticket.fault_segment or ticket.segment
    counts = in_order(_counts(found, facts))
    escalation = None if ticket.is_over else ticket.escalation
    first = next((fact for fact in facts if isinstance(fact, f.RestorationPredicted)), None)
    return Measure(
        ticket=ticket.id, seq=ticket.seq, head=log[-1].hash, rules=RULES, account=ticket.account,
        circuit=ticket.circuit, service=place.service if place else None, tier=ticket.tier or "",
        impact=ticket.impact, status=ticket.status, network=network,
        province=provinces.get(network) if network else None, segment=segment,
        segment_kind=place.segments.get(segment) if place and segment else None, cause=ticket.cause,
        remedy_code=ticket.remedy_code, policy=ticket.terms.policy if ticket.terms else None,
        opened_at=to_ms(ticket.opened_at), reported_at=found.reported_at,
        accepted_at=next((to_ms(entry.at) for entry in log if entry.type == f.NAMES[f.OrderAccepted]), None),
        restored_at=found.restored_at, over_at=_ms(ticket.closed_at) if ticket.is_over else None,
        time_to_repair=found.time_to_repair if is_final(found) else None, **_restoring(found),
        response=found.response, response_target=accept.target if accept else None,
        response_verdict=_settled(accept), update_verdict=_settled(found.promises.get("update")),
        report_verdict=_settled(found.promises.get("report")),
        pending=sum(found.pending.values()), held=sum(found.held.values()),
        reports=ticket.reports, reopened=ticket.round - 1,
        chases=ticket.chases, escalations=sum(c.n for c in counts if c.kind == "escalated"),
        unacknowledged=escalation.level if escalation and not escalation.acknowledged else None,
        fault_report_at=_ms(ticket.fault_report_at),
        foretold_basis=first.basis if first else None, foretold_from=_ms(first.earliest_at if first else None),
        foretold_at=_ms(first.expected_at if first else None), foretold_to=_ms(first.latest_at if first else None),
        shares=tuple(
            Share(number, s.order, s.network, s.start, s.accepted, s.end, s.ended_by, s.counted)
            for number, s in enumerate(found.spells)
        ),
        counts=counts,
    )  # fmt: skip


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def _restoring(found: Figures) -> Mapping[str, Any]:
    """The stages, and what became of the promise: judged once the service is back, due while the clock runs."""
    promise, final = found.promises.get("restore"), is_final(found)
    return {
        "counted": promise.used if promise and final else found.time_to_repair if final else None,
        "restore_target": promise.target if promise else None,
        "verdict": _settled(promise) if final else None,
        "breach_at": promise.due_at if promise and found.state in ("running", "held") else None,
        **{name: found.stages[name] for name in STAGES},
    }


def _settled(promise: Promise | None) -> Judged | None:
    """None while it may still be kept, and where nothing was promised or nobody had to wait."""
    return promise.verdict if promise and promise.verdict != "running" else None


def _network(facts: Sequence[f.Fact]) -> NetworkCode | None:
    """That restored, else that was ordered first."""
    back = [fact.network for fact in facts if isinstance(fact, f.ServiceRestored)]
    ordered = [fact.network for fact in facts if isinstance(fact, f.OrderIssued)]
    return back[-1] if back else next(iter(ordered), None)


def _counts(found: Figures, facts: Sequence[f.Fact]) -> Iterator[Count]:
    pauses = Counter((i.state, i.reason) for i in found.intervals if i.reason is not None and not i.struck)
    for (state, reason), n in pauses.items():
        if state == "pending" or state == "held":
            yield Count(state, reason, n, (found.pending if state == "pending" else found.held)[reason])
    for level, n in Counter(fact.level for fact in facts if isinstance(fact, f.TicketEscalated)).items():
        yield Count("escalated", level, n)
    for kind, n in Counter(fact.kind for fact in facts if isinstance(fact, f.DeadlineMissed)).items():
        yield Count("missed", kind, n)
