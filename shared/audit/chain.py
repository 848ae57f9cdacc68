"""What is wrong with a chain, and of what kind: one way to look at the audit trail's chain and at a ticket's. Pure.

A link follows when its hash is that of the hash before it, of its place and of what it says. Whoever edits, drops,
inserts or swaps anything leaves a link that does not; what the links after it say tells which of these it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.tickets.log import GENESIS

Kind = Literal["edited", "deleted", "inserted", "reordered", "cut"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`chain` is `audit`, `anchors` or a ticket's id; `place` the first position (seq, number) not as it was."""

    chain: str
    place: int
    kind: Kind
    why: str

    def __str__(self) -> str:
        return f"{self.chain}, {self.place}: {self.kind} ({self.why})"


@dataclass(frozen=True, slots=True)
class Link:
    """A row of either chain. `previous` is what the row itself says was before it; None where it does not say."""

    place: int
    hash: bytes
    hashed: Callable[[bytes, int], bytes]
    previous: bytes | None = None

    def follows(self, before: bytes, place: int) -> bool:
        """Whether this is what was recorded at `place` after `before`, wherever it stands now."""
        return self.hashed(before, place) == self.hash and self.previous in (None, before)


class Walk:
    """Goes along one chain, link by link; `offer` answers the first break. `last` and `place` are where it stands."""

    def __init__(self, chain: str, *, place: int = 0, last: bytes = GENESIS) -> None:
        self.chain = chain
        self.place = place
        self.last = last
        self._before_last: bytes | None = None

    def offer(self, link: Link, rest: Sequence[Link]) -> Finding | None:
        """`rest` are the links after this one, as many as are at hand: they help to say what happened."""
        expected = self.place + 1
        if link.place == expected and link.follows(self.last, expected):
            self._before_last, self.last, self.place = self.last, link.hash, expected
            return None
        if link.place > expected:
            return Finding(self.chain, expected, "deleted", f"{link.place} comes after {self.place}")
        if self._before_last is not None and link.follows(self._before_last, self.place):
            return Finding(self.chain, self.place, "inserted", f"{expected} follows what is before {self.place}")
        return self._what_happened(link, rest)

    def _what_happened(self, link: Link, rest: Sequence[Link]) -> Finding:
        expected = self.place + 1
        for number, other in enumerate(rest):
            if other.follows(self.last, expected):
                before = rest[number - 1].hash if number else other.hash
                if link.follows(before, other.place) or link.follows(other.hash, expected + 1):
                    why = f"what belongs here stands at {other.place}, and what stands here belongs there"
                    return Finding(self.chain, expected, "reordered", why)
                return Finding(self.chain, expected, "inserted", f"what belongs here stands at {other.place}")
        if link.previous is not None and link.previous != self.last:
            if link.follows(link.previous, expected):
                return Finding(self.chain, max(self.place, 1), "edited", f"{expected} follows another one")
            if any(link.follows(link.previous, place) for place in range(expected + 1, expected + 1000)):
                return Finding(self.chain, expected, "deleted", "what follows was moved up")
        return Finding(self.chain, expected, "edited", "the hash is not that of what stands here")
