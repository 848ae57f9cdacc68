"""One fault and what repairing it takes, whether it was recorded or drawn: the same incident befalls every arm. Pure.

All durations are milliseconds, all instants milliseconds since 1970.
"""

from dataclasses import dataclass

from shared.contracts.facts import Impact, SuspendReason
from shared.registry.model.circuit import Circuit


@dataclass(frozen=True, slots=True)
class Stint:
    """Work, and then a wait of this kind; without `reason` there is none."""

    work_ms: int
    reason: SuspendReason | None = None
    wait_ms: int = 0


@dataclass(frozen=True, slots=True)
class Round:
    """From an order to the restoration. `take_up_ms` None: the history ends before anybody accepted, `restored` False:
    before it was restored. `held_ms`: how long it held, None for good."""

    take_up_ms: int | None
    stints: tuple[Stint, ...]
    restored: bool = True
    held_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Incident:
    """`segment` is where the fault is; None where nobody recorded it: then it is with whoever is ordered.

    `detour_ms`: how long a network that has accepted looks for a fault that is not its own, until it hands over;
    `follow_ms`: how long it then takes until the fault's network has accepted. Where that was ordered at once it is no
    time at all.
    """

    number: int
    at: int
    circuit: Circuit
    impact: Impact
    rounds: tuple[Round, ...]
    segment: str | None = None
    detour_ms: int = 0
    follow_ms: int = 0

    @property
    def whole_ms(self) -> int:
        """From report to restoration where nobody waits for a crew."""
        took = sum((one.take_up_ms or 0) + (one.held_ms or 0) for one in self.rounds)
        worked = sum(s.work_ms + s.wait_ms for one in self.rounds for s in one.stints)
        return self.detour_ms + self.follow_ms + took + worked
