"""What one ticket adds to the totals: histograms and sums, in whole numbers, so that it can be taken away again. Pure.

A total is known by a name, the values of its labels and, in a histogram, its bucket's upper bound. Its labels are few:
what is known by network is not known by tier too.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from services.dispatcher.measures.measure import Measure
from shared.tickets.model import OVER

ADDED_BY = 2  # raised when a ticket adds something else than before: then all totals are added up anew
MINUTE, HOUR = 60_000, 3_600_000
BEYOND = 0  # the bound of the bucket without one
Name = Literal[
    "time_to_repair", "response", "network_time_to_repair", "network_share", "suspended", "repairs", "promises", "open",
    "over", "escalations", "unacknowledged", "deadlines_missed", "chases", "reopenings",
]  # fmt: skip
REPAIR_BOUNDS: Final = (
    15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 4 * HOUR, 5 * HOUR, 8 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR,
)  # fmt: skip
NETWORK_BOUNDS: Final = (30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 5 * HOUR, 8 * HOUR, 24 * HOUR)
HISTOGRAMS: Mapping[Name, Sequence[int]] = {
    "time_to_repair": REPAIR_BOUNDS,
    "response": (5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR),
    "network_time_to_repair": NETWORK_BOUNDS,
    "network_share": NETWORK_BOUNDS,
}
TARGETS: Mapping[str, int] = {"2h": 2 * HOUR, "5h": 5 * HOUR}
"""Those that are always looked at, beside the ticket's own."""


class Key(NamedTuple):
    name: Name
    labels: tuple[str, ...]
    bound: int = BEYOND


class Total(NamedTuple):
    """So many, and how much together (ms)."""

    n: int
    ms: int = 0


Totals = dict[Key, Total]


def added_up(measures: Iterable[Measure]) -> Totals:
    return change((None, measure) for measure in measures)


def change(rows: Iterable[tuple[Measure | None, Measure]]) -> Totals:
    """What becomes of the totals when these rows change from one to the other; without what stays as it was."""
    n, ms = Counter[Key](), Counter[Key]()
    for before, after in rows:
        for key, total in _adds(after):
            n[key] += total.n
            ms[key] += total.ms
        for key, total in _adds(before) if before else ():
            n[key] -= total.n
            ms[key] -= total.ms
    return {key: Total(n[key], ms[key]) for key in n if n[key] or ms[key]}


def _adds(m: Measure) -> Iterator[tuple[Key, Total]]:
    over = m.status in OVER
    yield Key("over" if over else "open", (m.tier, m.status) if over else (m.tier, m.status, m.impact)), Total(1)
    if m.time_to_repair is not None:
        yield from _repaired(m, m.time_to_repair)
    if m.response is not None:
        yield _observed("response", (m.tier, m.impact), m.response)
    for share in m.shares:
        if share.ended_at is not None:
            yield _observed("network_share", (share.network,), share.counted)
    verdicts = {"accept": m.response_verdict, "update": m.update_verdict, "report": m.report_verdict}
    for promise, verdict in verdicts.items():
        if verdict:
            yield Key("promises", (promise, m.tier, verdict)), Total(1)
    for count in m.counts:
        if count.kind == "escalated":
            yield Key("escalations", (count.which,)), Total(count.n)
        elif count.kind == "missed":
            yield Key("deadlines_missed", (count.which,)), Total(count.n)
        else:
            yield Key("suspended", (count.kind, count.which)), Total(count.n, count.ms)
    if m.unacknowledged:
        yield Key("unacknowledged", (m.unacknowledged,)), Total(1)
    yield Key("chases", ()), Total(m.chases)
    yield Key("reopenings", ()), Total(m.reopened)


def _repaired(m: Measure, took: int) -> Iterator[tuple[Key, Total]]:
    yield _observed("time_to_repair", (m.tier, m.impact, m.segment_kind or ""), took)
    if m.network:
        yield _observed("network_time_to_repair", (m.network,), took)
    for name, target in TARGETS.items():
        yield Key("repairs", (name, m.tier, "met" if took <= target else "breached")), Total(1)
    if m.verdict:
        yield Key("repairs", ("own", m.tier, m.verdict)), Total(1)


def _observed(name: Name, labels: tuple[str, ...], ms: int) -> tuple[Key, Total]:
    bounds = HISTOGRAMS[name]
    at = bisect_left(bounds, ms)
    return Key(name, labels, bounds[at] if at < len(bounds) else BEYOND), Total(1, ms)
