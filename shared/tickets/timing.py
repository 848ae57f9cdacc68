"""The SLA clock: every figure of a ticket is one pure function of its log. Rules: `docs/architecture/sla-clock.md`.

All instants are milliseconds since 1970, all durations milliseconds. Intervals are half-open, [start, end).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from shared.clock import to_ms
from shared.contracts import facts as f
from shared.contracts.event import Event
from shared.ids import NetworkCode, OrderId
from shared.tickets.marks import Marks, State, Stretch, advance, begin, restored_at, stretches
from shared.tickets.model import is_customers
from shared.tickets.promises import Course, Kind, Promise, Verdict, promises

Ending = Literal["declined", "handed_over", "restored", "stood_down"]
STAGES = ("take_in", "dispatch", "acceptance", "diagnosis", "repair", "confirmation")


@dataclass(frozen=True, slots=True)
class Interval:
    """By the entry `seq` the service was in this state; `counts` is whether it is time to repair. Reasons are those of
    a suspension, also of one that was `struck` out."""

    start: int
    end: int
    seq: int
    state: State
    counts: bool
    reason: f.SuspendReason | None = None
    evidence: str | None = None
    network: NetworkCode | None = None
    struck: bool = False

    @property
    def length(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Spell:
    """A network held an order from `start` until `end` (None: still), and took it at `accepted`.

    `counted` is without what was pending.
    """

    order: OrderId
    network: NetworkCode
    start: int
    accepted: int | None
    end: int | None
    ended_by: Ending | None
    counted: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one ticket, as its log stands at `now`.

    `time_to_repair` is final once `restored_at` is there, runs on while the service is down, and is None for a ticket
    that was cancelled or rejected without a restoration. `response` is None until an order was accepted.
    """

    now: int
    reported_at: int
    restored_at: int | None
    state: State
    time_to_repair: int | None
    response: int | None
    last_heard_at: int
    pending: Mapping[str, int]
    held: Mapping[str, int]
    stages: Mapping[str, int | None]
    intervals: Sequence[Interval]
    spells: Sequence[Spell]
    promises: Mapping[Kind, Promise]


def figures(log: Sequence[Event], now: datetime) -> Figures:
    """`log` is complete and in order. Raises ValueError when it does not begin with a report."""
    entries = [(event, event.fact()) for event in log]
    if not entries or not isinstance(entries[0][1], f.FaultReported):
        raise ValueError("a ticket's log begins with its report")
    reported = to_ms(entries[0][1].reported_at)
    end = max(to_ms(now), to_ms(log[-1].at))
    marks = _marks(entries)
    by_seq = {event.seq: fact for event, fact in entries}
    found = stretches(marks, end)
    intervals = [_interval(stretch, by_seq) for stretch in found]
    state, restored = marks[-1].state, restored_at(marks)
    repaired = restored is not None or state != "over"
    accepted, spells = _first(entries, f.OrderAccepted), _spells(entries, intervals, end)
    orders = [(s.start, s.end if s.accepted is None else s.accepted) for s in spells]
    return Figures(
        now=end, reported_at=reported, restored_at=restored, state=state,
        time_to_repair=sum(i.length for i in intervals if i.counts) if repaired else None,
        response=max(accepted - reported, 0) if accepted is not None else None,
        last_heard_at=max(to_ms(e.at) for e, _ in entries if not is_customers(e.actor) or e.seq == 1),
        pending=_by_reason(intervals, "pending"), held=_by_reason(intervals, "held"),
        stages=_stages(entries, reported, restored), intervals=intervals, spells=spells,
        promises=promises(entries, Course(found, marks, restored, orders, end)),
    )  # fmt: skip


def is_final(figures: Figures) -> bool:
    """Whether the time to repair changes no more, unless the ticket is reopened."""
    return figures.restored_at is not None


def verdict(figures: Figures, target: int | None) -> Verdict | None:
    """On a target in ms of counted time; None without a target, or where there is no time to repair."""
    if target is None or figures.time_to_repair is None:
        return None
    if figures.time_to_repair > target:
        return "breached"
    return "met" if is_final(figures) else "running"


def breach_at(figures: Figures, target: int | None) -> int | None:
    """When the target is broken if nothing more happens; None once that is settled, and while the clock is stopped."""
    if verdict(figures, target) != "running" or figures.state == "pending":
        return None
    assert target is not None
    assert figures.time_to_repair is not None
    return figures.now + target - figures.time_to_repair


def _marks(entries: Sequence[tuple[Event, f.Fact]]) -> Marks:
    first = entries[0][1]
    assert isinstance(first, f.FaultReported)
    marks = begin(first.reported_at)
    for event, fact in entries[1:]:
        marks = advance(marks, fact, at=event.at, seq=event.seq)
    return marks


def _interval(stretch: Stretch, facts: Mapping[int, f.Fact]) -> Interval:
    mark, why = stretch.mark, facts.get(stretch.mark.seq)
    if not isinstance(why, f.TicketSuspended):
        return Interval(stretch.start, stretch.end, mark.seq, mark.state, stretch.counts)
    return Interval(
        stretch.start, stretch.end, mark.seq, mark.state, stretch.counts, why.reason, why.evidence, why.network,
        mark.struck,
    )  # fmt: skip


def _by_reason(intervals: Iterable[Interval], state: State) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for i in intervals:
        if i.state == state and i.reason is not None:
            total[i.reason] += i.length
    return dict(total)


def _first(entries: Iterable[tuple[Event, f.Fact]], kind: type[f.Fact]) -> int | None:
    return next((to_ms(event.at) for event, fact in entries if isinstance(fact, kind)), None)


def _stages(entries: Sequence[tuple[Event, f.Fact]], reported: int, restored: int | None) -> Mapping[str, int | None]:
    """How long each stage took; None while it is not over, or never was. None of them is shorter than nothing."""
    diagnosed = next(
        (to_ms(e.at) for e, fact in entries if isinstance(fact, f.OrderProgressed) and fact.stage == "diagnosed"), None
    )
    ends = (
        to_ms(entries[0][0].at), _first(entries, f.OrderIssued), _first(entries, f.OrderAccepted), diagnosed,
        restored, _first(entries, f.TicketClosed),
    )  # fmt: skip
    stages, begin = dict[str, int | None](), reported
    for name, end in zip(STAGES, ends, strict=True):
        stages[name] = None if end is None else max(end - begin, 0)
        begin = begin if end is None else max(end, begin)
    return stages


def _spells(entries: Iterable[tuple[Event, f.Fact]], intervals: Sequence[Interval], now: int) -> list[Spell]:
    live: dict[OrderId, Spell] = {}
    found: list[Spell] = []

    def end(order: OrderId, at: int, claimed: datetime | None, by: Ending) -> None:
        if (spell := live.pop(order, None)) is not None:
            until = max(spell.start, min(at, at if claimed is None else to_ms(claimed)))
            counted = _counted(intervals, spell.start, until)
            found.append(replace(spell, end=until, ended_by=by, counted=counted))

    for event, fact in entries:
        at = to_ms(event.at)
        match fact:
            case f.OrderIssued(order=order, network=network):
                live.setdefault(order, Spell(order, network, at, None, None, None, 0))
            case f.OrderAccepted(order=order) if order in live and live[order].accepted is None:
                live[order] = replace(live[order], accepted=at)
            case f.OrderDeclined(order=order, occurred_at=claimed):
                end(order, at, claimed, "declined")
            case f.OrderHandedOver(order=order, occurred_at=claimed):
                end(order, at, claimed, "handed_over")
            case f.ServiceRestored(order=order, restored_at=claimed):
                end(order, at, claimed, "restored")
            case f.OrderStoodDown(order=order):
                end(order, at, None, "stood_down")
            case _:
                continue
    still = [replace(spell, counted=_counted(intervals, spell.start, now)) for spell in live.values()]
    return sorted([*found, *still], key=lambda s: (s.start, s.order))


def _counted(intervals: Iterable[Interval], start: int, end: int) -> int:
    """[start, end) without what of it was pending."""
    waited = sum(max(min(i.end, end) - max(i.start, start), 0) for i in intervals if i.state == "pending")
    return end - start - waited
