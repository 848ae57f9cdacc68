"""What repairs took, by what is known of them: the narrowest group that has enough to say answers.

How often a network repairs a metro segment that is down is seldom; how often anybody does is not. So a case is
looked up by all that is known of it, then by less and less, and the answer says by what (`basis`). Pure, in memory.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from services.dispatcher.prediction.durations import SHORTEST_MS, Durations, bucket, total
from shared.contracts.facts import Cause, Impact
from shared.ids import NetworkCode
from shared.registry.model.circuit import SegmentKind

Word = Literal["network", "segment", "impact", "cause", "suspended"]
ENOUGH = 30
"""Repairs like this one that last longer than it has by now. Measured: 10 and 20 were worse than all together."""
QUANTILES = (0.1, 0.5, 0.9)
MOST_HELD = 10_000
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
        self._lasting: set[Durations] = set()
        self._at_report: dict[Case, Found | None] = {}
        self.samples = 0

    def learn(self, case: Case, took_ms: int) -> None:
        """A repair that is over: from its report to the restoration, all waiting included."""
        self.samples += 1
        self._at_report.clear()
        falls_into = bucket(took_ms)
        for group in self._groups_of(case):
            group.add(falls_into)

    def look_at_lasting(self, ages: Iterable[tuple[Case, int]]) -> None:
        """Those that are not over now, and how old they are (ms), instead of those looked at before."""
        self._at_report.clear()
        for group in self._lasting:
            group.forget_lasting()
        self._lasting = set()
        for case, age_ms in ages:
            falls_into = bucket(age_ms)
            for group in self._groups_of(case):
                group.add_lasting(falls_into)
                self._lasting.add(group)

    def _groups_of(self, case: Case) -> Sequence[Durations]:
        if (groups := self._of.get(case)) is None:
            groups = self._of[case] = [self._groups[key] for words in GROUPS for key in _keys(case, words)]
        return groups

    def like(self, case: Case, *, beyond: int) -> Found | None:
        """Of those like this one that took longer than `beyond`, which it has by now; None: too few are on record."""
        if beyond >= SHORTEST_MS:
            return self._like(case, beyond)
        if case not in self._at_report:  # most are asked for then: 1 µs instead of 150
            if len(self._at_report) >= MOST_HELD:
                self._at_report.clear()
            self._at_report[case] = self._like(case, 0)
        return self._at_report[case]

    def _like(self, case: Case, beyond: int) -> Found | None:
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
