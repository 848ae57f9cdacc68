"""What a statement tells beside the figures: terms, suspensions with what became of them, time-outs, escalations. Pure.

Each names the entry it comes from (`seq`), so that whoever doubts it finds the words themselves.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import orjson

from shared.clock import rfc3339
from shared.contracts import facts as f
from shared.contracts.event import Event
from shared.tickets.timing import Figures

Json = dict[str, Any]
Facts = Sequence[tuple[Event, f.Fact]]
F = TypeVar("F", bound=f.Fact)


def terms(facts: Facts) -> list[Json]:
    """Every set of terms, with when and why it came to hold."""
    return [
        {
            **_entry(event), "reason": getattr(fact, "reason", None), "tier": fact.tier, "impact": fact.impact,
            "terms": orjson.loads(event.data).get("terms"),
        }
        for event, fact in facts
        if isinstance(fact, f.FaultReported | f.TermsChanged)
    ]  # fmt: skip


def suspensions(facts: Facts, figures: Figures) -> list[Json]:
    """Also those that were struck out, and those that took no time: then `length_ms` is 0."""
    length = {i.seq: i.length for i in figures.intervals}
    struck = {fact.suspension: event.seq for event, fact in of(facts, f.SuspensionStruckOut)}
    return [
        {
            **_entry(event), "order": fact.order, "network": fact.network, "clock": fact.clock, "reason": fact.reason,
            "evidence": fact.evidence, "occurred_at": None if fact.occurred_at is None else rfc3339(fact.occurred_at),
            "length_ms": length.get(event.seq, 0), "struck_out": struck.get(event.seq, 0) > event.seq,
            "disputes": list(_disputes(facts, event.seq)),
        }
        for event, fact in of(facts, f.TicketSuspended)
    ]  # fmt: skip


def _disputes(facts: Facts, suspension: int) -> Iterator[Json]:
    for event, fact in facts:
        match fact:
            case f.SuspensionDisputed(suspension=seq):
                what = "disputed"
            case f.SuspensionStruckOut(suspension=seq):
                what = "struck_out"
            case f.SuspensionUpheld(suspension=seq):
                what = "upheld"
            case _:
                continue
        if seq == suspension:
            yield {**_entry(event), "what": what, "reason": fact.reason}


def restorations(facts: Facts) -> list[Json]:
    return [
        {
            **_entry(event), "network": fact.network, "restored_at": rfc3339(fact.restored_at), "cause": fact.cause,
            "remedy_code": fact.remedy_code, "remedy": fact.remedy,
        }
        for event, fact in of(facts, f.ServiceRestored)
    ]  # fmt: skip


def fault_reports(facts: Facts) -> list[Json]:
    return [
        {
            **_entry(event), "cause": fact.cause, "remedy_code": fact.remedy_code, "text": fact.text,
            "prevention": fact.prevention,
        }
        for event, fact in of(facts, f.FaultReportGiven)
    ]  # fmt: skip


def timeouts(facts: Facts) -> list[Json]:
    """Deadlines that somebody was warned of, or that were missed (`percent` 100)."""
    return [
        {
            **_entry(event), "kind": fact.kind, "deadline": fact.deadline, "network": fact.network,
            "percent": fact.percent if isinstance(fact, f.DeadlineWarned) else 100, "due_at": rfc3339(fact.due_at),
        }
        for event, fact in facts
        if isinstance(fact, f.DeadlineWarned | f.DeadlineMissed)
    ]  # fmt: skip


def escalations(facts: Facts) -> list[Json]:
    acknowledged = of(facts, f.EscalationAcknowledged)
    return [
        {
            **_entry(event), "level": fact.level, "cause": fact.cause, "reason": fact.reason, "to": list(fact.to),
            "times": fact.times, "networks": list(fact.networks), "group": fact.group,
            "acknowledged": [{**_entry(e), "note": a.note} for e, a in acknowledged if a.escalation == event.seq],
        }
        for event, fact in of(facts, f.TicketEscalated)
    ]  # fmt: skip


def of(facts: Facts, kind: type[F]) -> Sequence[tuple[Event, F]]:
    return [(event, fact) for event, fact in facts if isinstance(fact, kind)]


def _entry(event: Event) -> Json:
    return {"seq": event.seq, "at": rfc3339(event.at), "author": event.actor}
