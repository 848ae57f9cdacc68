"""A recorded history as incidents: each with the times that it took, on the circuit that a replay gives it. Pure.

What a row means is the replay's mapping; here only the time between the steps is kept. The history is somebody's who
had no circuits: it does not say in which segment a fault was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from itertools import cycle

from services.commands.replay import history as h
from services.commands.replay.mapping import IMPACTS, Place, Step, Steps, meaning
from services.commands.replay.requests import opened_at
from services.commands.simulate.incidents import Incident, Round, Stint
from shared.clock import to_ms
from shared.contracts.facts import Impact, SuspendReason
from shared.registry.model.circuit import Circuit


@dataclass(slots=True)
class _Course:
    """An incident as far as its rows were read; `since` is when the step before was taken."""

    since: int
    rounds: list[Round] = field(default_factory=list)
    stints: list[Stint] = field(default_factory=list)
    take_up_ms: int | None = None
    reason: SuspendReason | None = None
    is_back: bool = False

    def take(self, step: Step, at: int) -> None:
        took, verb = max(at - self.since, 0), step.verb
        if verb in ("report", "progress", "confirm"):
            return
        match verb:
            case "accept":
                self.take_up_ms = took
            case "suspend":
                self.stints.append(Stint(took, step.reason))
            case "resume":
                self._waited(took)
            case "restore":
                self._waited(took) if self.reason else self.stints.append(Stint(took))
                self._end(restored=True)
            case "reopen":
                self.rounds[-1] = replace(self.rounds[-1], held_ms=took)
                self.is_back = False
        self.reason = step.reason if verb == "suspend" else None
        self.since = max(at, self.since)

    def _waited(self, took: int) -> None:
        self.stints[-1] = replace(self.stints[-1], wait_ms=took)

    def _end(self, *, restored: bool) -> None:
        self.rounds.append(Round(self.take_up_ms, tuple(self.stints), restored))
        self.stints, self.take_up_ms, self.is_back = [], None, restored

    def all(self) -> tuple[Round, ...]:
        if not self.is_back:
            self._end(restored=False)
        return tuple(self.rounds)


def recorded(history: h.History, circuits: Sequence[Circuit]) -> Sequence[Incident]:
    """In the order of their reports. Where there are fewer circuits than incidents they come round again."""
    scattered = cycle(sorted(circuits, key=lambda c: sha256(c.id.encode()).digest()))
    of = dict(zip(sorted(i.number for i in history.incidents), scattered, strict=False))
    found = [_incident(one, of[one.number]) for one in history.incidents]
    return [replace(one, number=number) for number, one in enumerate(sorted(found, key=lambda one: one.at))]


def _incident(one: h.Incident, circuit: Circuit) -> Incident:
    at = to_ms(opened_at(one))
    course = _Course(at)
    for moment, step in _steps(one):
        course.take(step, moment)
    impact: Impact = IMPACTS.get(one.rows[0].fields.get("impact", ""), "degraded")
    return Incident(0, at, circuit, impact, course.all())


def _steps(one: h.Incident) -> Iterator[tuple[int, Step]]:
    place: Place = "nowhere"
    for row in one.rows:
        match meaning(place, row.state):
            case Steps(steps, place):
                yield from ((to_ms(row.at), step) for step in steps)
