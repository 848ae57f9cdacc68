"""Faults drawn over the real topology, from a recorded history or the simulated country's script. Pure; seeded.

The stochastic model, and what it is fitted from:

- arrivals: a Poisson process; its rate follows the hour of the day (and of the week, from four weeks of history on) as
  the history's reports do. Without one it is even.
- how a repair goes: that of an incident of the history, drawn at random with replacement, all its times together, so
  that what belongs together stays together (those that wait are those that last); each of them spread by 10 % so that
  no two are the same. Without a history: the script that the demonstration's local networks follow.
- where the fault is: a circuit at random, one of its segments by how often that kind fails (`shared.testing.repair`).
- a network that has not got the fault accepts, looks for it in vain as in that script, and hands over. A history's
  times hold that already, as today's routing goes: what such a search takes is taken off the work that came first.

Every incident has a `Random` of its own, so that nothing that happens in one arm moves another arm's dice.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from services.commands.simulate.incidents import Incident, Round, Stint
from shared.clock import from_ms
from shared.contracts import progress as p
from shared.contracts.facts import Impact
from shared.ids import NetworkCode
from shared.registry.model.circuit import Circuit
from shared.testing import repair

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
ENOUGH_FOR_WEEKDAYS_MS = 28 * DAY_MS
SPREAD = 0.1
IMPACTS: Sequence[Impact] = ("down", "degraded", "intermittent")
LIKELY = (5, 3, 2)
REOPENED = 0.05


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` so many days, with so many faults a day on average."""

    start: int
    days: int
    per_day: float


class Faults:
    """What may befall these circuits. `like`: a recorded history, empty for the demonstration's script."""

    def __init__(self, circuits: Sequence[Circuit], like: Sequence[Incident], *, seed: int) -> None:
        self._circuits = circuits
        self._like = like
        self._seed = seed

    def drawn(self, period: Period) -> Iterator[Incident]:
        """In the order of their reports; never all of them in memory."""
        for number, at in enumerate(self._arrivals(period)):
            yield self._incident(number, at)

    def _arrivals(self, period: Period) -> Iterator[int]:
        rng, shares = Random(f"{self._seed}/arrivals"), _profile(self._like)
        for hour in range(period.days * 24):
            begins = period.start + hour * HOUR_MS
            rate = period.per_day * shares[_hour_of_week(begins)] / HOUR_MS
            at = begins + rng.expovariate(rate) if rate else begins + HOUR_MS
            while at < begins + HOUR_MS:
                yield int(at)
                at += rng.expovariate(rate)

    def _incident(self, number: int, at: int) -> Incident:
        rng = Random(f"{self._seed}/{number}")
        circuit = rng.choice(self._circuits)
        ends = NetworkCode(circuit.a_end.network)
        fault = repair.draw_fault(rng, _shown(circuit), ordered=ends, known=_networks(circuit))
        follow, *looks = [_ms(move.after) for move in (*repair.look_in_vain(rng), *repair.hand_over(rng, fault))]
        detour = sum(looks)
        if self._like:
            model = rng.choice(self._like)
            rounds = [_spread(rng, one) for one in model.rounds]
            if fault.home not in (circuit.a_end.network, circuit.z_end.network):
                rounds[0] = _less(rounds[0], detour + follow)
            return Incident(number, at, circuit, model.impact, tuple(rounds), fault.segment, detour, follow)
        (impact,) = rng.choices(IMPACTS, LIKELY)
        return Incident(number, at, circuit, impact, tuple(_script(rng, fault)), fault.segment, detour, follow)


def _shown(circuit: Circuit) -> repair.Circuit:
    """As much of it as where a fault is depends on."""
    return {"segments": [{"id": s.id, "kind": s.kind, "network": s.network} for s in circuit.segments]}


def _networks(circuit: Circuit) -> frozenset[NetworkCode]:
    return frozenset(s.network for s in circuit.segments if s.network)


def _script(rng: Random, fault: repair.Fault) -> Iterator[Round]:
    holds = rng.random() >= REOPENED
    yield _round(repair.repair(rng, fault, helper=None), None if holds else round(rng.uniform(0.5, 4.0) * HOUR_MS))
    if not holds:
        yield _round(repair.repair_again(rng, fault), None)


def _round(moves: Sequence[repair.Move], held_ms: int | None) -> Round:
    take_up, stints, took = 0, list[Stint](), 0
    for move in moves:
        took += _ms(move.after)
        match move.say:
            case p.Accepted():
                take_up, took = took, 0
            case p.Suspended(reason=reason):
                stints.append(Stint(took, reason))
                took = 0
            case p.Resumed():
                stints[-1] = Stint(stints[-1].work_ms, stints[-1].reason, took)
                took = 0
    return Round(take_up, (*stints, Stint(took)), held_ms=held_ms)


def _ms(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def _less(one: Round, searched_ms: int) -> Round:
    first = tuple(replace(stint, work_ms=max(stint.work_ms - searched_ms, 0)) for stint in one.stints[:1])
    return replace(one, stints=first + one.stints[1:])


def _spread(rng: Random, one: Round) -> Round:
    def again(ms: int) -> int:
        return round(ms * rng.lognormvariate(0, SPREAD))

    stints = tuple(Stint(again(s.work_ms), s.reason, again(s.wait_ms)) for s in one.stints)
    take_up = None if one.take_up_ms is None else again(one.take_up_ms)
    return Round(take_up, stints, one.restored, None if one.held_ms is None else again(one.held_ms))


def per_day(like: Sequence[Incident]) -> float:
    """Of a history, by its first and last report."""
    return len(like) / max((like[-1].at - like[0].at) / DAY_MS, 1.0)


def _profile(like: Sequence[Incident]) -> Sequence[float]:
    """For each hour of the week, Monday first, which part of a day's faults comes in it; 7 days make 7."""
    if not like:
        return [1 / 24] * 168
    if like[-1].at - like[0].at < ENOUGH_FOR_WEEKDAYS_MS:
        by_hour = Counter(_hour_of_week(one.at) % 24 for one in like)
        return [by_hour[hour % 24] / len(like) for hour in range(168)]
    by_week = Counter(_hour_of_week(one.at) for one in like)
    return [7 * by_week[hour] / len(like) for hour in range(168)]


def _hour_of_week(ms: int) -> int:
    at = from_ms(ms)
    return at.weekday() * 24 + at.hour
