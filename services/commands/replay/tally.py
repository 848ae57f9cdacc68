"""What a replay did, row by row: every row of the file is counted exactly once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.commands.replay.mapping import Step


@dataclass(slots=True)
class Tally:
    """`steps` and `repeated` count requests, the others rows.

    `repeated`: the center had done them before, for an earlier replay, or for this one when its answer came too late.
    """

    rows: int = 0
    with_steps: int = 0
    without: int = 0
    unmapped: Counter[str] = field(default_factory=Counter)
    steps: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    states: Counter[str] = field(default_factory=Counter)

    @property
    def seen(self) -> int:
        return self.with_steps + self.without + self.unmapped.total()

    def did(self, step: Step, *, again: bool) -> None:
        self.steps[f"{step.verb} ({step.reason})" if step.reason else step.verb] += 1
        self.repeated += again


@dataclass(frozen=True, slots=True)
class Ended:
    """How an incident's ticket stands after its last row, without ids and instants: the same on every center."""

    incident: str
    circuit: str
    status: str
    reopened: int
    orders: Sequence[tuple[str, str]]
    log: Sequence[str]

    def line(self) -> dict[str, Any]:
        return {
            "incident": self.incident, "circuit": self.circuit, "status": self.status, "reopened": self.reopened,
            "orders": [list(order) for order in self.orders], "log": list(self.log),
        }  # fmt: skip
