"""Simulated time: what is due next happens next, and the clock stands there. Nothing here reads a real one.

What happens to an incident is a generator that yields what it waits for: an instant, or its turn with a crew. Things
that are due at the same instant happen in the order in which they were asked for, so a run is the same every time.
"""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Protocol


class Turn(Protocol):
    """What a life can wait for besides time."""

    def ask(self, start: Callable[[], None]) -> None: ...


Life = Generator[int | Turn, None, None]
"""Yields an instant in ms, or a turn."""


@dataclass
class Clockwork:
    now: int = 0
    _due: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    def at(self, instant: int, do: Callable[[], None]) -> None:
        heappush(self._due, (max(instant, self.now), next(self._numbers), do))

    def live(self, life: Life) -> None:
        """Goes on with it until it waits again."""
        match next(life, None):
            case int(instant):
                self.at(instant, lambda: self.live(life))
            case None:
                return
            case turn:
                turn.ask(lambda: self.live(life))

    def run(self, lives: Iterable[tuple[int, Life]], *, until: int) -> None:
        """Each life from its instant on, in their order; what is not over at `until` is left."""
        coming = iter(lives)
        following = next(coming, None)
        while self._due or following:
            if following and (not self._due or following[0] <= self._due[0][0]):
                self.now, life = following
                following = next(coming, None)
                self.live(life)
                continue
            instant, _, do = heappop(self._due)
            if instant > until:
                return
            self.now = instant
            do()
