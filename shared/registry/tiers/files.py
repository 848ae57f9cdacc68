"""Tier schemes from TOML, spend figures from CSV; what is wrong is named by file and line or path, all at once."""

import csv
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.ids import AccountId
from shared.registry.tiers.scheme import Scheme, Threshold
from shared.toml_file import read_toml

MOST_SHOWN = 20
LARGEST = Decimal(10) ** 15
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z0-9][a-z0-9-]*$")]


class _Tier(BaseModel):
    model_config = ConfigDict(extra="forbid")

    tier: Name
    spend: Annotated[Decimal, Field(gt=0, le=LARGEST)]


class _Raise(BaseModel):
    model_config = ConfigDict(extra="forbid")

    sector: Name
    to: Name


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    period: Literal["month", "year"]
    review_months: Annotated[int, Field(ge=1, le=120, strict=True)]
    otherwise: Name
    tiers: Annotated[list[_Tier], Field(min_length=1, max_length=50)]
    raises: list[_Raise] = []

    @model_validator(mode="after")
    def _in_order(self) -> "_File":
        names = [t.tier for t in self.tiers]
        for i, (one, next_) in enumerate(zip(self.tiers, self.tiers[1:], strict=False), 1):
            if next_.spend >= one.spend:
                raise ValueError(f"tiers.{i}.spend: {next_.tier} must be below {one.tier}, which stands before it")
        if repeated := next((n for n in (*names, self.otherwise) if (*names, self.otherwise).count(n) > 1), None):
            raise ValueError(f"tiers: {repeated} stands there twice, counting otherwise")
        for i, rule in enumerate(self.raises):
            if rule.to not in names:
                raise ValueError(f"raises.{i}.to: {rule.to} is none of {', '.join(names)}")
            if rule.sector in [earlier.sector for earlier in self.raises[:i]]:
                raise ValueError(f"raises.{i}.sector: {rule.sector} has a rule already")
        return self


def read_scheme(path: Path) -> Scheme:
    """Raises ValueError, OSError."""
    found = read_toml(path, _File)
    return Scheme(
        name=found.name, currency=found.currency, period=found.period, review_months=found.review_months,
        thresholds=tuple(Threshold(t.tier, t.spend) for t in found.tiers), otherwise=found.otherwise,
        raises={rule.sector: rule.to for rule in found.raises},
    )  # fmt: skip


def read_spend(path: Path) -> Mapping[AccountId, tuple[int, Decimal]]:
    """Account → line and figure. Columns `account` and `spend`, others are passed over. Raises ValueError, OSError."""
    found: dict[AccountId, tuple[int, Decimal]] = {}
    wrong: list[str] = []
    for line, account, figure in _rows(path):
        try:
            if not account:
                raise ValueError("account: is empty")
            if account in found:
                raise ValueError(f"account: {account} was on line {found[account][0]} already")
            found[account] = line, _amount(figure)
        except ValueError as error:
            wrong.append(f"{path}, line {line}: {error}")
    refuse(wrong)
    return found


def refuse(wrong: list[str]) -> None:
    """Raises ValueError with the first of these mistakes, if there are any."""
    if wrong:
        more = [f"… and {len(wrong) - MOST_SHOWN} more"] if len(wrong) > MOST_SHOWN else []
        raise ValueError("\n".join([*wrong[:MOST_SHOWN], *more]))


def _rows(path: Path) -> Iterator[tuple[int, AccountId, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if missing := {"account", "spend"} - set(reader.fieldnames or ()):
                raise ValueError(f"{path}, line 1: the header has no column {', '.join(sorted(missing))}")
            for row in reader:
                yield reader.line_num, AccountId((row["account"] or "").strip()), (row["spend"] or "").strip()
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8 (byte {error.start})") from None
    except csv.Error as error:
        raise ValueError(f"{path}, after line {reader.line_num}: is not CSV: {error}") from None


def _amount(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"spend: {text!r} is not a number such as 120000.50") from None
    if not amount.is_finite() or not 0 <= amount <= LARGEST:
        raise ValueError(f"spend: {text} is not between 0 and {LARGEST}")
    return amount
