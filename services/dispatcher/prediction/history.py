"""What repairs took, by what is known of them: the narrowest group that has enough to say answers.

How often a network repairs a metro segment that is down is seldom; how often anybody does is not. So a case is
looked up by all that is known of it, then by less and less, and the answer says by what (`basis`). Pure, in memory.
"""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

from services.dispatcher.prediction.durations import Durations, bucket, total
from shared.contracts.facts import Cause, Impact
from shared.ids import NetworkCode
from shared.registry.model.circuit import SegmentKind

Word = Literal["network", "segment", "impact", "cause", "suspended"]
ENOUGH = 30
"""Repairs like this one that last longer than it has by now. Measured: 10 and 20 were worse than all together."""
QUANTILES = (0.1, 0.5, 0.9)
GROUPS: Sequence[tuple[Word, ...]] = (
    ("network", "segment", "suspended"), ("network", "suspended"), ("segment", "suspended"), ("suspended",),
    ("network", "cause"), ("cause",),
    ("network", "segment", "impact"), ("network", "segment"), ("network", "impact"), ("network",),
    ("segment", "impact"), ("segment",), ("impact",), (),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is known: None or empty is not. `networks`: one of them repairs it. `suspended`: it had to wait for the
    customer; that it had not by now says nothing."""

    networks: tuple[NetworkCode, ...] = ()
    segment: SegmentKind | None = None
    impact: Impact | None = None
    cause: Cause | None = None
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """`earliest`, `median`, `latest`: ms since the beginning, by the QUANTILES. `samples` repairs said so."""

    earliest: int
    median: int
    latest: int
    basis: str
    samples: int


class History:
    def __init__(self) -> None:
        self._groups: dict[tuple[Hashable, ...], Durations] = defaultdict(Durations)
        self._of: dict[Case, list[Durations]] = {}
        self.samples = 0

    def learn(self, case: Case, took_ms: int) -> None:
        """A repair that is over: from its report to the restoration, all waiting included."""
        self.samples += 1
        falls_into = bucket(took_ms)
        if (groups := self._of.get(case)) is None:
            groups = self._of[case] = [self._groups[key] for words in GROUPS for key in _keys(case, words)]
        for group in groups:
            group.add(falls_into)

    def like(self, case: Case, *, beyond: int) -> Found | None:
        """Of those like this one that took longer than `beyond`, which it has by now; None: too few are on record."""
        for words in GROUPS:
            groups = [self._groups[key] for key in _keys(case, words) if key in self._groups]
            if sum(group.n for group in groups) < ENOUGH:
                continue
            found = total(groups)
            if (left := found.longer_than(beyond)) >= ENOUGH:
                earliest, median, latest = found.quantiles(QUANTILES, beyond=beyond)
                return Found(earliest, median, latest, "+".join(words) or "all", int(left))
        return None


def _keys(case: Case, words: tuple[Word, ...]) -> Sequence[tuple[Hashable, ...]]:
    """The case's groups of this sort: several where it may be any of several networks, none where a word is lacking."""
    key: list[Hashable] = [words]
    for word in words:
        if word != "network":
            if not (value := getattr(case, word)):
                return ()
            key.append(value)
    return [(*key, network) for network in case.networks] if "network" in words else (tuple(key),)
