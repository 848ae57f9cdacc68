"""The SLA policy from its TOML file: the operator's, or the one that ships with the package."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.contracts.facts import Impact
from shared.tickets.targets import Policy, Targets
from shared.toml_file import read_toml

DEFAULT = Path(__file__).with_name("default_policy.toml")
Hours = Annotated[float, Field(gt=0, le=24 * 366)]
Minutes = Annotated[float, Field(gt=0, le=60 * 24 * 366)]


class _Tier(BaseModel):
    model_config = ConfigDict(extra="forbid")

    accept_minutes: Minutes
    update_minutes: Minutes
    restore_hours: dict[Impact, Hours]
    report_hours: Hours | None = None
    confirm_hours: Hours | None = None
    head_start_minutes: Annotated[float, Field(ge=0)]

    @model_validator(mode="after")
    def _whole(self) -> "_Tier":
        if missing := [impact for impact in ("down", "degraded", "intermittent") if impact not in self.restore_hours]:
            raise ValueError(f"restore_hours has no target for {', '.join(missing)}")
        if self.head_start_minutes > 60 * min(self.restore_hours.values()):
            raise ValueError("head_start_minutes is longer than a restore target: such a ticket would pass older ones")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9.-]{0,39}$")]
    otherwise: str
    warn_percent: Annotated[list[Annotated[int, Field(gt=0, lt=100)]], Field(max_length=5)]
    tiers: dict[str, _Tier]

    @model_validator(mode="after")
    def _known(self) -> "_File":
        if self.otherwise not in self.tiers:
            raise ValueError(f"otherwise: {self.otherwise} is none of the tiers")
        return self


def read_policy(path: Path | None = None) -> Policy:
    """None: the default. Raises ValueError naming file and field, OSError."""
    found = read_toml(path or DEFAULT, _File)
    warn = tuple(sorted(set(found.warn_percent)))
    return Policy(found.version, {name: _targets(tier, warn) for name, tier in found.tiers.items()}, found.otherwise)


def _targets(tier: _Tier, warn_percent: tuple[int, ...]) -> Targets:
    return Targets(
        accept=timedelta(minutes=tier.accept_minutes),
        update=timedelta(minutes=tier.update_minutes),
        restore={impact: timedelta(hours=hours) for impact, hours in tier.restore_hours.items()},
        report=None if tier.report_hours is None else timedelta(hours=tier.report_hours),
        confirm=None if tier.confirm_hours is None else timedelta(hours=tier.confirm_hours),
        head_start=timedelta(minutes=tier.head_start_minutes),
        warn_percent=warn_percent,
    )
