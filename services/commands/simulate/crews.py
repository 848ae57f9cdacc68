"""A local network's repair crews: the most urgent ticket gets the next one that is free and on duty.

The order is that of the network's own list of orders, by rank. Who has begun finishes, also after hours.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

from services.commands.simulate.clockwork import Clockwork


class Duty(Protocol):
    """How many crews are on duty, and when that changes next (None: never)."""

    def on(self, at: int) -> int: ...

    def changes_after(self, at: int) -> int | None: ...


@dataclass
class Crews:
    clockwork: Clockwork
    duty: Duty
    busy: int = 0
    waited_ms: int = 0
    worked_ms: int = 0
    jobs: int = 0
    _waiting: list[tuple[int, int, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)
    _looks_at: int | None = None

    def turn(self, rank: int) -> "Ask":
        return Ask(self, rank)

    def done(self, worked_ms: int) -> None:
        self.busy -= 1
        self.worked_ms += worked_ms
        self._look()

    def wait(self, rank: int, start: Callable[[], None]) -> None:
        heappush(self._waiting, (rank, next(self._numbers), self.clockwork.now, start))
        self._look()

    def _look(self) -> None:
        now = self.clockwork.now
        while self._waiting and self.busy < self.duty.on(now):
            _, _, since, start = heappop(self._waiting)
            self.busy += 1
            self.jobs += 1
            self.waited_ms += now - since
            self.clockwork.at(now, start)
        following = self.duty.changes_after(now) if self._waiting else None
        if following is not None and following != self._looks_at:
            self._looks_at = following
            self.clockwork.at(following, partial(self._look))


@dataclass(frozen=True, slots=True)
class Ask:
    """Yielded by a life: goes on when it has a crew."""

    crews: Crews
    rank: int

    def ask(self, start: Callable[[], None]) -> None:
        self.crews.wait(self.rank, start)
