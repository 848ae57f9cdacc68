"""What is due, added up by account, circuit, tier or month, or ticket by ticket; memory grows with the lines. Pure."""

from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from services.dispatcher.reports.compensation import Due
from shared.errors import FieldError, InvalidInput

Group = Literal["account", "circuit", "tier", "month", "ticket"]
MOST_GROUPS = 20_000
KEYS: Mapping[Group, tuple[str, ...]] = {
    "account": ("account",), "circuit": ("circuit", "account"), "tier": ("tier",), "month": ("month",),
    "ticket": ("ticket", "account", "circuit", "tier", "month", "percent", "over_ms"),
}  # fmt: skip
"""A ticket's and a circuit's line says whose they are, and a ticket's what its amount is of."""
SUMS = ("breaches", "without_fee", "amount")


@dataclass(slots=True)
class Sum:
    breaches: int = 0
    without_fee: int = 0
    amount: Decimal = Decimal("0.00")

    def add(self, due: Due) -> None:
        self.breaches += 1
        if due.amount is None:
            self.without_fee += 1
        else:
            self.amount += due.amount

    def line(self) -> dict[str, Any]:
        return {"breaches": self.breaches, "without_fee": self.without_fee, "amount": str(self.amount)}


async def added_up(dues: AsyncIterable[Due], by: Group) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The lines in order of their key, and the total. Raises InvalidInput for more lines than one answer holds."""
    total, lines = Sum(), dict[str, tuple[dict[str, Any], Sum]]()
    async for due in dues:
        key = _key(due, by)
        name = str(key[by])
        if name not in lines and len(lines) == MOST_GROUPS:
            raise too_many()
        of = lines.setdefault(name, (key, Sum()))[1]
        of.add(due)
        total.add(due)
    return [{**key, **of.line()} for _, (key, of) in sorted(lines.items())], total.line()


def too_many() -> InvalidInput:
    return InvalidInput(FieldError("query:by", f"makes more than {MOST_GROUPS:,} lines; take a shorter period"))


def _key(due: Due, by: Group) -> dict[str, Any]:
    return {name: due.percent if name == "percent" else getattr(due.breach, name) for name in KEYS[by]}
