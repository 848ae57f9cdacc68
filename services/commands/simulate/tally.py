"""What came of all incidents of one arm: counts only, so that a year takes no more memory than a day.

Times are counted by the minute, so quantiles are exact to the minute.
"""

from collections import Counter
from dataclasses import dataclass, field
from math import ceil

from services.dispatcher.measures.measure import Measure

HOUR_MS, MINUTE_MS = 3_600_000, 60_000


@dataclass
class Share:
    """`kept` of `all`."""

    kept: int = 0
    all: int = 0

    def count(self, kept: bool) -> None:
        self.kept += kept
        self.all += 1

    @property
    def percent(self) -> float | None:
        return 100 * self.kept / self.all if self.all else None


@dataclass
class Tally:
    """`left`: tickets that are open at the end; one whose target is over then counts as breached."""

    tickets: int = 0
    joined: int = 0
    unroutable: int = 0
    restored: int = 0
    left: int = 0
    most_open: int = 0
    target: Share = field(default_factory=Share)
    within_5_h: Share = field(default_factory=Share)
    within_2_h: Share = field(default_factory=Share)
    response: Share = field(default_factory=Share)
    pending_ms: int = 0
    held_ms: int = 0
    total_ms: int = 0
    by_tier: dict[str, Share] = field(default_factory=dict)
    by_network: dict[str, Share] = field(default_factory=dict)
    predicted: dict[str, Share] = field(default_factory=dict)
    _minutes: Counter[int] = field(default_factory=Counter)

    def opened(self, open_now: int) -> None:
        self.tickets += 1
        self.most_open = max(self.most_open, open_now)

    def over(self, m: Measure) -> None:
        took = m.time_to_repair
        assert took is not None
        self.restored += 1
        self.total_ms += took
        self._minutes[took // MINUTE_MS] += 1
        self._judged(m, kept=m.verdict == "met")
        self.within_5_h.count(took <= 5 * HOUR_MS)
        self.within_2_h.count(took <= 2 * HOUR_MS)
        self.pending_ms += m.pending
        self.held_ms += m.held
        if m.response_verdict is not None:
            self.response.count(m.response_verdict == "met")
        if m.foretold_basis is not None:
            assert m.restored_at is not None
            assert m.foretold_from is not None
            assert m.foretold_to is not None
            held = m.foretold_from <= m.restored_at <= m.foretold_to
            self.predicted.setdefault(m.foretold_basis, Share()).count(held)

    def late(self, m: Measure) -> None:
        """Open at the end, and its target over."""
        self._judged(m, kept=False)
        self.within_5_h.count(False)
        self.within_2_h.count(False)

    def _judged(self, m: Measure, *, kept: bool) -> None:
        self.target.count(kept)
        self.by_tier.setdefault(m.tier, Share()).count(kept)
        self.by_network.setdefault(m.network or "none", Share()).count(kept)

    def minutes_at(self, share: float) -> int | None:
        """The time to repair, in minutes, that this share of the repairs did not exceed."""
        left = ceil(share * self.restored)
        for minute in sorted(self._minutes):
            left -= self._minutes[minute]
            if left <= 0:
                return minute
        return None
