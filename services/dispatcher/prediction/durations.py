"""How long things took, as counts by length: added in one step, asked for quantiles of what lasts longer already.

A bucket is a tenth longer than the one before, so a quantile is within 5 % of the exact one whatever the number of
durations, and a group of them takes 600 bytes. Pure.
"""

from array import array
from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import log
from operator import add

SHORTEST_MS, GROWTH = 60_000, 1.1
BUCKETS = 138  # the last begins at 320 days and has no end: what is longer counts as that long
_EDGES = tuple(0 if i == 0 else round(SHORTEST_MS * GROWTH**i) for i in range(BUCKETS + 1))


class Durations:
    """In ms. Within a bucket they are taken to lie evenly."""

    __slots__ = ("_counts", "n")

    def __init__(self, durations_ms: Iterable[int] = ()) -> None:
        self._counts = array("I", bytes(4 * BUCKETS))
        self.n = 0
        for duration in durations_ms:
            self.add(bucket(duration))

    def add(self, bucket: int) -> None:
        """One more that falls into this bucket."""
        self._counts[bucket] += 1
        self.n += 1

    def __add__(self, other: "Durations") -> "Durations":
        both = Durations()
        both._counts, both.n = array("I", map(add, self._counts, other._counts)), self.n + other.n
        return both

    def longer_than(self, ms: int) -> float:
        """How many of them."""
        i = bucket(ms)
        inside = 1 - min(max((ms - _EDGES[i]) / (_EDGES[i + 1] - _EDGES[i]), 0.0), 1.0)
        return sum(self._counts[i + 1 :]) + self._counts[i] * inside

    def quantiles(self, shares: Iterable[float], *, beyond: int) -> list[int]:
        """Of those longer than `beyond`: by when each of the ascending `shares` of them was over; ≥ `beyond`.

        Raises ValueError when none is.
        """
        left = self.longer_than(beyond)
        if left <= 0:
            raise ValueError("nothing on record took longer")
        done = self.n - left
        reached = list(accumulate(self._counts))
        found, i = list[int](), bucket(beyond)
        for share in shares:
            wanted = done + share * left
            while i < BUCKETS - 1 and reached[i] < wanted:
                i += 1
            inside = 1 - (reached[i] - wanted) / self._counts[i] if self._counts[i] else 1.0
            found.append(max(round(_EDGES[i] + inside * (_EDGES[i + 1] - _EDGES[i])), beyond))
        return found


def total(of: Sequence[Durations]) -> Durations:
    """Of at least one."""
    found, *others = of
    for other in others:
        found = found + other
    return found


def bucket(ms: int) -> int:
    return 0 if ms < SHORTEST_MS * GROWTH else min(int(log(ms / SHORTEST_MS) / log(GROWTH)), BUCKETS - 1)
