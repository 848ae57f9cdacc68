"""What is promised by tier and impact, and the place in the queues that follows from it. Pure.

A first part of the SLA: targets of a ticket as it was opened. The clock that suspensions stop is not here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import to_ms
from shared.contracts.facts import Impact


@dataclass(frozen=True, slots=True)
class Targets:
    """Of one tier. `accept`: order issued → accepted. `restore`: report → service back; `head_start` is no longer."""

    accept: timedelta
    restore: Mapping[Impact, timedelta]
    head_start: timedelta


@dataclass(frozen=True, slots=True)
class Standing:
    """A ticket's place from its opening on, in ms since 1970: queues are sorted by `rank_at`, the earliest first."""

    tier: str
    breach_at: int
    rank_at: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Targets by tier; a tier that is not named has those of `otherwise`."""

    tiers: Mapping[str, Targets]
    otherwise: str

    def of(self, tier: str | None) -> Targets:
        return self.tiers.get(tier or self.otherwise) or self.tiers[self.otherwise]

    def breach_at(self, tier: str | None, impact: Impact, reported_at: datetime) -> datetime:
        return reported_at + self.of(tier).restore[impact]

    def standing(self, tier: str | None, impact: Impact, *, reported_at: datetime, opened_at: datetime) -> Standing:
        """When this ticket breaches, and its rank: the breach less the tier's head start, but never before its opening.

        So nothing that is opened after a ticket's rank, which is never after its breach unless it was reported late,
        can stand before it: no tier starves another. And a report can't be dated back to the head of the queue.
        """
        breach = self.breach_at(tier, impact, reported_at)
        rank = max(breach - self.of(tier).head_start, opened_at)
        return Standing(tier or self.otherwise, to_ms(breach), to_ms(rank))
