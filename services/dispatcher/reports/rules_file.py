"""The rules of compensation from their TOML file: the operator's, or the one that ships with the package."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.dispatcher.reports.compensation import HOUR_MS, Rules, Step
from shared.toml_file import read_toml

DEFAULT = Path(__file__).with_name("default_compensation.toml")
Percent = Annotated[int, Field(gt=0, le=100)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Step(_Part):
    over_hours: Annotated[float, Field(ge=0, le=24 * 366)]
    percent: Percent


class _Steps(_Part):
    steps: Annotated[list[_Step], Field(min_length=1, max_length=20)]


class _File(_Part):
    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,39}$")]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    most_percent: Percent
    tiers: dict[str, _Steps] = {}
    accounts: dict[str, _Steps] = {}


def read_compensation(path: Path | None = None) -> Rules:
    """None: the default. Raises ValueError naming file, line and field, OSError."""
    found = read_toml(path or DEFAULT, _File, _wrong)
    tiers = {name: _steps(of.steps) for name, of in found.tiers.items()}
    accounts = {name: _steps(of.steps) for name, of in found.accounts.items()}
    return Rules(found.version, found.currency, found.most_percent, tiers, accounts)


def _wrong(file: _File) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """More hours over never cost less."""
    for kind, all_ in (("tiers", file.tiers), ("accounts", file.accounts)):
        for name, of in all_.items():
            for before, step in zip(of.steps, of.steps[1:], strict=False):
                if step.over_hours <= before.over_hours or step.percent <= before.percent:
                    yield (kind, name, "steps"), f"{step.over_hours:g} h must come after less, and cost more than it"


def _steps(steps: Sequence[_Step]) -> tuple[Step, ...]:
    return tuple(Step(round(step.over_hours * HOUR_MS), step.percent) for step in steps)
