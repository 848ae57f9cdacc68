"""What is due to a customer for a breach, by the rules of its contract: steps of percent of the monthly fee. Pure.

Amounts are Decimal, to the cent, half up. A circuit's month never costs more than the rules' most, in the order of
restorations; a circuit whose fee is not known counts, without an amount.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal

HOUR_MS = 3_600_000
CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Step:
    """So much of the monthly fee where the target was missed by so much or more."""

    over_ms: int
    percent: int


@dataclass(frozen=True, slots=True)
class Rules:
    """`accounts` come before `tiers`; who is in neither is due nothing."""

    version: str
    currency: str
    most_percent: int
    tiers: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)
    accounts: Mapping[str, tuple[Step, ...]] = field(default_factory=dict)

    def percent(self, account: str, tier: str, over_ms: int) -> int:
        steps = self.accounts.get(account, self.tiers.get(tier, ()))
        return max((step.percent for step in steps if step.over_ms <= over_ms), default=0)


@dataclass(frozen=True, slots=True)
class Breach:
    """Of one ticket, restored in `month`, `over_ms` beyond its target."""

    ticket: str
    account: str
    circuit: str
    tier: str
    month: str
    over_ms: int


@dataclass(frozen=True, slots=True)
class Due:
    """`amount` is None where the monthly fee is not known."""

    breach: Breach
    percent: int
    fee: Decimal | None
    amount: Decimal | None


class Months:
    """Takes breaches in the order of their restorations; remembers no month but the one it is in."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._month = ""
        self._given: dict[str, int] = {}

    def due(self, breach: Breach, fee: Decimal | None) -> Due:
        if breach.month != self._month:
            self._month, self._given = breach.month, {}
        given = self._given.get(breach.circuit, 0)
        earned = self._rules.percent(breach.account, breach.tier, breach.over_ms)
        percent = min(earned, self._rules.most_percent - given)
        self._given[breach.circuit] = given + percent
        amount = None if fee is None else (fee * percent / 100).quantize(CENT, ROUND_HALF_UP)
        return Due(breach, percent, fee, amount)
