"""A tier scheme, and what it proposes for one account. Pure.

A tier holds for the review period from the day it was last earned. Better figures or the sector raise it at any time;
worse ones, or none at all, count when that time is over. More spend never leads to a lower tier.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Verdict = Literal["promotion", "demotion", "expiry", "placement", "held", "unchanged"]
CHANGES: frozenset[Verdict] = frozenset({"promotion", "demotion", "expiry", "placement"})


@dataclass(frozen=True, slots=True)
class Threshold:
    """`spend` in the scheme's currency and period: from here on it is this tier."""

    tier: str
    spend: Decimal


@dataclass(frozen=True, slots=True)
class Scheme:
    """`thresholds` stand from the highest tier down; below all of them is `otherwise`. `raises`: sector → at least."""

    name: str
    currency: str
    period: Literal["month", "year"]
    review_months: int
    thresholds: tuple[Threshold, ...]
    otherwise: str
    raises: Mapping[str, str]

    @property
    def tiers(self) -> tuple[str, ...]:
        """The highest first."""
        return *(threshold.tier for threshold in self.thresholds), self.otherwise

    def height(self, tier: str) -> int | None:
        """Higher is higher; None for a tier that is not one of this scheme."""
        return len(self.tiers) - self.tiers.index(tier) if tier in self.tiers else None

    def by_spend(self, spend: Decimal) -> str:
        return next((t.tier for t in self.thresholds if spend >= t.spend), self.otherwise)

    def at_least(self, sector: str) -> str:
        """What the sector alone makes of an account."""
        return self.raises.get(sector, self.otherwise)

    def higher(self, one: str, other: str) -> str:
        return min(one, other, key=self.tiers.index)

    def holds_until(self, earned: date) -> date:
        return later_by(earned, self.review_months)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of an account: `earned` is the day its tier was last earned; None if it never was reviewed."""

    sector: str
    tier: str
    earned: date | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    verdict: Verdict
    tier: str
    why: str


def review(scheme: Scheme, account: Standing, spend: Decimal | None, as_of: date) -> Finding:
    """What is proposed for this account on this day; `spend` None: there is no figure for it."""
    floor = scheme.at_least(account.sector)
    before, height = account.tier, scheme.height(account.tier)
    because = f"sector {account.sector}: at least {floor}"
    if height is not None and _height(scheme, floor) > height and spend is None:
        return Finding("promotion", floor, f"no figure; {because}")
    if spend is None:
        return _without_figure(scheme, account, floor, as_of)
    earned = scheme.by_spend(spend)
    target = scheme.higher(earned, floor)
    why = f"{spend:,} {scheme.currency} a {scheme.period} is {earned}"
    if target != earned:
        why += f"; {because}"
    if height is None:
        return Finding("placement", target, f"{why}; {before} is no tier of this scheme")
    if _height(scheme, target) > height:
        return Finding("promotion", target, why)
    if target == before:
        return Finding("unchanged", before, why)
    if account.earned is not None and as_of < (until := scheme.holds_until(account.earned)):
        return Finding("held", before, f"{why}, but {before} holds until {until}")
    return Finding("demotion", target, why)


def _without_figure(scheme: Scheme, account: Standing, floor: str, as_of: date) -> Finding:
    if account.earned is None:
        return Finding("unchanged", account.tier, "no figure, and never reviewed")
    until = scheme.holds_until(account.earned)
    if as_of < until:
        return Finding("unchanged", account.tier, f"no figure; {account.tier} holds until {until}")
    if account.tier == floor:
        return Finding("unchanged", floor, f"no figure since {account.earned}; nothing to lose")
    return Finding("expiry", floor, f"no figure since {account.earned}; {account.tier} held until {until}")


def _height(scheme: Scheme, tier: str) -> int:
    height = scheme.height(tier)
    assert height is not None, "thresholds and raises name tiers of the scheme"
    return height


def later_by(day: date, months: int) -> date:
    """The same day so many months later, or the last one of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
