"""What the record says, for Prometheus: totals of all measures, and what is about to break its target.

The same from every process, the same after a restart, and a sum of `measures`; figures go down when a ticket is
reopened. Label values are those of the policy, the registry and the code; what is none of them is `other`, and what is
not known is empty.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import BigInteger, bindparam, case, func, select

from services.dispatcher.measures import adding
from services.dispatcher.measures.tables import measures
from services.dispatcher.measures.totals import BEYOND, HISTOGRAMS, MINUTE, TARGETS, Name, Total, Totals
from shared.clock import Clock, to_ms
from shared.contracts import facts as f
from shared.db.port import Database
from shared.db.statement import Query
from shared.metrics import Metrics
from shared.registry.model import Network
from shared.registry.store import Registry

OTHER = "other"
WITHIN: Mapping[str, int] = {"15m": 15 * MINUTE, "30m": 30 * MINUTE, "1h": 60 * MINUTE}
PROMISES = ("accept", "update", "report")
m = measures.c
_now = bindparam("now", type_=BigInteger())
BREACHES = Query(
    select(
        m.tier,
        func.sum(case((m.breach_at < _now, 1), else_=0)).label("breached"),
        func.min(case((m.breach_at >= _now, m.breach_at))).label("next"),
        *(
            func.sum(case((m.breach_at.between(_now, _now + ms), 1), else_=0)).label(name)
            for name, ms in WITHIN.items()
        ),
    )
    .where(m.breach_at.is_not(None))
    .group_by(m.tier)
)
HELP: Mapping[str, str] = {
    "vrc_time_to_repair_seconds": "Time to repair of tickets whose restoration stands.",
    "vrc_response_seconds": "From the report to the first order accepted.",
    "vrc_network_time_to_repair_seconds": "Time to repair, by the network that restored the service.",
    "vrc_network_share_seconds": "How long a network held an order, without what waited for the customer.",
    "vrc_suspended_seconds": "Suspended time, without what was struck out.",
    "vrc_suspensions": "Suspensions, without those that were struck out.",
    "vrc_repairs": "Tickets whose restoration stands, by whether a target was met.",
    "vrc_promises": "Tickets by whether orders were accepted, the customer told and the fault report given in time.",
    "vrc_open_tickets": "Tickets that are not over.",
    "vrc_over_tickets": "Tickets that are over, by how they ended.",
    "vrc_escalations": "Escalations.",
    "vrc_escalations_unacknowledged": "Open tickets whose escalation nobody has acknowledged.",
    "vrc_deadlines_missed": "Deadlines that were missed.",
    "vrc_chases": "How often customers asked where it stays.",
    "vrc_reopenings": "Restorations that did not hold.",
    "vrc_next_breach_seconds": "Until the next open ticket breaks its target.",
    "vrc_open_tickets_breached": "Open tickets whose clock runs and whose target is broken.",
    "vrc_open_tickets_to_breach": "Open tickets that break their target within so long if nothing happens.",
    "vrc_network_info": "1 for each local network of the registry.",
}


@dataclass(frozen=True, slots=True)
class Breaches:
    """Of one tier: what is broken, what will be within each of WITHIN, and when the next is (ms since 1970)."""

    tier: str
    breached: int
    within: Mapping[str, int]
    next: int | None


@dataclass(frozen=True, slots=True)
class Seen:
    """The record as it was read at `now`."""

    totals: Totals
    breaches: Sequence[Breaches]
    now: int


class RecordMetrics(Collector):
    """`tiers` are those that the policy knows."""

    def __init__(
        self, metrics: Metrics, database: Database, registry: Registry, clock: Clock, tiers: Collection[str]
    ) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._tiers = tuple(tiers)
        self._seen = Seen({}, (), 0)
        metrics.registry.register(self)
        metrics.from_record(self._read)

    async def _read(self) -> None:
        now = to_ms(self._clock.now())
        totals = await adding.totals(self._database)
        rows = await self._database.fetch(BREACHES, now=now)
        found = [
            Breaches(row["tier"], int(row["breached"]), {name: int(row[name]) for name in WITHIN}, row["next"])
            for row in rows
        ]
        self._seen = Seen(totals, found, now)

    def collect(self) -> Iterable[Metric]:
        networks = self._registry.networks
        yield from families(self._seen, self._tiers, {network.code for network in networks})
        yield _info(networks)


def families(seen: Seen, tiers: Collection[str], networks: Collection[str]) -> Iterator[Metric]:
    found = _bounded(seen.totals, tiers, networks)
    yield _histogram(found, "time_to_repair", ("tier", "impact", "segment"))
    yield _histogram(found, "response", ("tier", "impact"))
    yield _histogram(found, "network_time_to_repair", ("network",))
    yield _histogram(found, "network_share", ("network",))
    yield from _suspended(found["suspended"])
    verdicts = [(target, tier, v) for target in (*TARGETS, "own") for tier in tiers for v in ("met", "breached")]
    yield _numbers("vrc_repairs", ("target", "tier", "verdict"), found["repairs"], verdicts)
    kept = [(promise, tier, v) for promise in PROMISES for tier in tiers for v in ("met", "breached")]
    yield _numbers("vrc_promises", ("promise", "tier", "verdict"), found["promises"], kept)
    yield _numbers("vrc_open_tickets", ("tier", "status", "impact"), found["open"])
    yield _numbers("vrc_over_tickets", ("tier", "status"), found["over"])
    levels, kinds = ([(word,) for word in get_args(words)] for words in (f.Level, f.DeadlineKind))
    yield _numbers("vrc_escalations", ("level",), found["escalations"], levels)
    yield _numbers("vrc_escalations_unacknowledged", ("level",), found["unacknowledged"], levels)
    yield _numbers("vrc_deadlines_missed", ("kind",), found["deadlines_missed"], kinds)
    yield _numbers("vrc_chases", (), found["chases"], [()])
    yield _numbers("vrc_reopenings", (), found["reopenings"], [()])
    yield from _breaches(seen, tiers)


Found = Mapping[Name, Mapping[tuple[str, ...], Mapping[int, Total]]]
Labelled = Mapping[tuple[str, ...], Mapping[int, Total]]
TIER_AT: Mapping[Name, int] = {"time_to_repair": 0, "response": 0, "repairs": 1, "promises": 1, "open": 0, "over": 0}
NETWORK_AT: Mapping[Name, int] = {"network_time_to_repair": 0, "network_share": 0}


def _bounded(totals: Totals, tiers: Collection[str], networks: Collection[str]) -> Found:
    """By name, labels and bound; whatever is none of the known is added up under `other`."""
    found: dict[Name, dict[tuple[str, ...], dict[int, Total]]] = {name: {} for name in get_args(Name)}
    for key, total in totals.items():
        labels = list(key.labels)
        for known, places in ((tiers, TIER_AT), (networks, NETWORK_AT)):
            at = places.get(key.name)
            if at is not None and labels[at] not in known:
                labels[at] = OTHER
        buckets = found.setdefault(key.name, {}).setdefault(tuple(labels), {})
        before = buckets.get(key.bound, Total(0))
        buckets[key.bound] = Total(before.n + total.n, before.ms + total.ms)
    return found


def _histogram(found: Found, name: Name, labels: tuple[str, ...]) -> HistogramMetricFamily:
    metric = f"vrc_{name}_seconds"
    family = HistogramMetricFamily(metric, HELP[metric], labels=labels)
    for values, buckets in found[name].items():
        n, cumulated = 0, list[tuple[str, float]]()
        for bound in (*HISTOGRAMS[name], BEYOND):
            n += buckets.get(bound, Total(0)).n
            cumulated.append(("+Inf" if bound == BEYOND else str(bound / 1000), n))
        family.add_metric(values, cumulated, sum(total.ms for total in buckets.values()) / 1000)
    return family


def _numbers(
    metric: str, labels: tuple[str, ...], found: Labelled, always: Iterable[tuple[str, ...]] = ()
) -> GaugeMetricFamily:
    """`always` are there from the beginning, as 0: a difference to what was not there is none."""
    family = GaugeMetricFamily(metric, HELP[metric], labels=labels)
    for values in dict.fromkeys((*always, *found)):
        family.add_metric(values, found.get(values, {}).get(BEYOND, Total(0)).n)
    return family


def _suspended(found: Labelled) -> Iterator[GaugeMetricFamily]:
    seconds, times = (
        GaugeMetricFamily(name, HELP[name], labels=("clock", "reason"))
        for name in ("vrc_suspended_seconds", "vrc_suspensions")
    )
    for values, buckets in found.items():
        seconds.add_metric(values, buckets[BEYOND].ms / 1000)
        times.add_metric(values, buckets[BEYOND].n)
    yield seconds
    yield times


def _breaches(seen: Seen, tiers: Collection[str]) -> Iterator[GaugeMetricFamily]:
    following = GaugeMetricFamily("vrc_next_breach_seconds", HELP["vrc_next_breach_seconds"], labels=("tier",))
    by_tier = {tier: [b for b in seen.breaches if _tier(b, tiers) == tier] for tier in (*tiers, OTHER)}
    breached = dict[tuple[str, ...], Mapping[int, Total]]()
    soon = dict[tuple[str, ...], Mapping[int, Total]]()
    for tier, found in by_tier.items():
        if nexts := [b.next for b in found if b.next is not None]:
            following.add_metric((tier,), (min(nexts) - seen.now) / 1000)
        breached[(tier,)] = {BEYOND: Total(sum(b.breached for b in found))}
        for name in WITHIN:
            soon[tier, name] = {BEYOND: Total(sum(b.within[name] for b in found))}
    yield following
    yield _numbers("vrc_open_tickets_breached", ("tier",), breached)
    yield _numbers("vrc_open_tickets_to_breach", ("tier", "within"), soon)


def _tier(found: Breaches, tiers: Collection[str]) -> str:
    return found.tier if found.tier in tiers else OTHER


def _info(networks: Sequence[Network]) -> GaugeMetricFamily:
    family = GaugeMetricFamily("vrc_network_info", HELP["vrc_network_info"], labels=("network", "name", "province"))
    for network in networks:
        family.add_metric((network.code, network.name_en, network.province_en), 1)
    return family
