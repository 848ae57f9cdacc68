"""Every figure that Prometheus is shown from the record, added up from the logs alone: imports nothing of the product.

It takes logs as customers read them, what the registry says of circuits, and answers samples: (name, labels) → value.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.independent_clock import compute, ms

Json = dict[str, Any]
Sample = tuple[str, frozenset[tuple[str, str]]]
MIN, HOUR = 60_000, 3_600_000
REPAIR = [15 * MIN, 30 * MIN, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 5 * HOUR, 8 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR]
RESPONSE = [5 * MIN, 10 * MIN, 15 * MIN, 30 * MIN, HOUR, 2 * HOUR, 4 * HOUR]
NETWORK = [30 * MIN, HOUR, 2 * HOUR, 4 * HOUR, 5 * HOUR, 8 * HOUR, 24 * HOUR]
SOON = {"15m": 15 * MIN, "30m": 30 * MIN, "1h": HOUR}
LEVELS = "network", "province", "headquarters"
DEADLINES = "accept", "update", "restore", "report", "confirm", "escalate"
Kinds = Mapping[str, Mapping[str, str]]


class Tally:
    def __init__(self) -> None:
        self.samples = Counter[Sample]()
        self.nexts: dict[str, int] = {}

    def add(self, name: str, n: float = 1, **labels: str) -> None:
        self.samples[name, frozenset(labels.items())] += n  # type: ignore[assignment]

    def observe(self, name: str, bounds: Sequence[int], took: int, **labels: str) -> None:
        for at, bound in enumerate([*bounds, None]):
            le = "+Inf" if bound is None else str(bound / 1000)
            self.add(f"{name}_bucket", at >= bisect_left(bounds, took), le=le, **labels)
        self.add(f"{name}_count", **labels)
        self.add(f"{name}_sum", took, **labels)  # in ms: floats are not added up here


def recount(logs: Mapping[str, list[Json]], now: int, *, tiers: Sequence[str], kinds: Kinds) -> Mapping[Sample, float]:
    """`kinds`: circuit → its segments' kinds. `_sum` and `_seconds` are in ms."""
    tally = Tally()
    _from_the_beginning(tally, tiers)
    for log in logs.values():
        tier = _last(log, "tier")
        _ticket(tally, log, now, tier=tier if tier in tiers else "other", kinds=kinds)
    for tier, at in tally.nexts.items():
        tally.add("vrc_next_breach_seconds", at - now, tier=tier)
    return tally.samples


def _from_the_beginning(tally: Tally, tiers: Sequence[str]) -> None:
    for tier in (*tiers, "other"):
        tally.add("vrc_open_tickets_breached", 0, tier=tier)
        for within in SOON:
            tally.add("vrc_open_tickets_to_breach", 0, tier=tier, within=within)
    for tier in tiers:
        for target in ("2h", "5h", "own"):
            for verdict in ("met", "breached"):
                tally.add("vrc_repairs", 0, target=target, tier=tier, verdict=verdict)
        for promise in ("accept", "update", "report"):
            for verdict in ("met", "breached"):
                tally.add("vrc_promises", 0, promise=promise, tier=tier, verdict=verdict)
    for level in LEVELS:
        tally.add("vrc_escalations", 0, level=level)
        tally.add("vrc_escalations_unacknowledged", 0, level=level)
    for kind in DEADLINES:
        tally.add("vrc_deadlines_missed", 0, kind=kind)
    tally.add("vrc_chases", 0)
    tally.add("vrc_reopenings", 0)


def _ticket(tally: Tally, log: list[Json], now: int, *, tier: str, kinds: Kinds) -> None:
    impact, status, report = _last(log, "impact"), log[-1]["status"], log[0]["data"]
    then, over = compute(log, ms(log[-1]["at"])), status in ("closed", "cancelled", "rejected")
    promised = then["promises"]
    if over:
        tally.add("vrc_over_tickets", tier=tier, status=status)
    else:
        tally.add("vrc_open_tickets", tier=tier, status=status, impact=impact)
    if then["restored_at"] is not None:
        named = [e["data"]["segment"] for e in log if e["type"] in ("order.progressed", "order.handed_over")]
        said = [e["data"]["segment"] for e in log if e["type"] in ("ticket.reported", "ticket.report_joined")]
        segment = next((s for s in (*reversed(named), *said) if s), None)
        kind = kinds.get(report["circuit"], {}).get(segment, "")
        network = next(e["data"]["network"] for e in reversed(log) if e["type"] == "ticket.restored")
        verdict = promised.get("restore", {}).get("verdict")
        _repaired(tally, then["time_to_repair"], verdict, tier=tier, impact=impact, kind=kind, network=network)
    elif then["state"] in ("running", "held") and promised:
        _running(tally, compute(log, now)["promises"]["restore"]["due_at"], now, tier)
    if then["response"] is not None:
        tally.observe("vrc_response_seconds", RESPONSE, then["response"], tier=tier, impact=impact)
    for promise in ("accept", "update", "report"):
        verdict = promised.get(promise, {}).get("verdict")
        if verdict in ("met", "breached"):
            tally.add("vrc_promises", promise=promise, tier=tier, verdict=verdict)
    for spell in then["spells"]:
        if spell["end"] is not None:
            tally.observe("vrc_network_share_seconds", NETWORK, spell["counted"], network=spell["network"])
    for pause in then["intervals"]:
        if pause["reason"] and not pause["struck"]:
            told = {"clock": pause["state"], "reason": pause["reason"]}
            tally.add("vrc_suspensions", **told)
            tally.add("vrc_suspended_seconds", pause["end"] - pause["start"], **told)
    _words(tally, log, over=over)


def _repaired(tally: Tally, took: int, own: str | None, *, tier: str, impact: str, kind: str, network: str) -> None:
    tally.observe("vrc_time_to_repair_seconds", REPAIR, took, tier=tier, impact=impact, segment=kind)
    tally.observe("vrc_network_time_to_repair_seconds", NETWORK, took, network=network)
    for name, limit in (("2h", 2 * HOUR), ("5h", 5 * HOUR)):
        tally.add("vrc_repairs", target=name, tier=tier, verdict="met" if took <= limit else "breached")
    if own:
        tally.add("vrc_repairs", target="own", tier=tier, verdict=own)


def _running(tally: Tally, breach_at: int, now: int, tier: str) -> None:
    if breach_at < now:
        tally.add("vrc_open_tickets_breached", tier=tier)
        return
    tally.nexts[tier] = min(breach_at, tally.nexts.get(tier, breach_at))
    for within, length in SOON.items():
        tally.add("vrc_open_tickets_to_breach", breach_at <= now + length, tier=tier, within=within)


def _words(tally: Tally, log: list[Json], *, over: bool) -> None:
    last: Json | None = None
    for entry in log:
        match entry["type"]:
            case "ticket.escalated":
                last = entry["data"]
                tally.add("vrc_escalations", level=last["level"])
            case "ticket.escalation_acknowledged":
                last = None
            case "ticket.deadline_missed":
                tally.add("vrc_deadlines_missed", kind=entry["data"]["kind"])
            case "ticket.chased":
                tally.add("vrc_chases")
            case "ticket.reopened":
                tally.add("vrc_reopenings")
    if last and not over:
        tally.add("vrc_escalations_unacknowledged", level=last["level"])


def _last(log: list[Json], name: str) -> Any:
    """What the report said, unless changed terms said otherwise later."""
    said = [e["data"][name] for e in log if e["type"] in ("ticket.reported", "ticket.terms_changed")]
    return next((value for value in reversed(said) if value), None)
