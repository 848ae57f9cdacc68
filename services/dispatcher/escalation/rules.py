"""When who is told, from its TOML file: levels, what escalates to which, mass faults, chases."""

from collections.abc import Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from shared.contracts.facts import Level
from shared.toml_file import Place, Wrong, read_toml

DEFAULT = Path(__file__).with_name("default_escalation.toml")
Besides = Literal["account_manager", "customer"]
Minutes = Annotated[float, Field(gt=0, le=60 * 24 * 31)]
Percent = Annotated[int, Field(ge=1, le=100)]
Tiers = Annotated[tuple[str, ...], Field(min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Told(_Part):
    """Whom a rule calls; `tell` are those who are told besides."""

    level: Level
    tell: tuple[Besides, ...] = ()


class Last(_Part):
    again_minutes: Minutes


class Repeat(Last):
    times: Annotated[int, Field(ge=1, le=100)]


class Levels(_Part):
    network: Repeat
    province: Repeat
    headquarters: Last


class When(_Told):
    deadline: Literal["accept", "restore", "report"]
    percent: Percent
    tiers: Tiers | None = None


class MassFault(_Told):
    tiers: Tiers
    tickets: Annotated[int, Field(ge=2, le=1000)]
    minutes: Minutes


class ChaseWhen(_Told):
    """Either the so-manieth chase, or one after so much of the restore target."""

    chases: Annotated[int, Field(ge=1, le=1000)] | None = None
    percent: Percent | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.chases is None) == (self.percent is None):
            raise ValueError("needs either chases or percent")
        return self


class Chase(_Part):
    every_minutes: Minutes
    escalate: tuple[ChaseWhen, ...] = ()


class EscalationRules(_Part):
    levels: Levels
    escalate: tuple[When, ...]
    mass_fault: MassFault
    chase: Chase


def read_escalation(path: Path | None = None, *, tiers: Collection[str] = ()) -> EscalationRules:
    """None: the default. `tiers` are those that the SLA policy knows: a rule for any other would never hold. Raises
    ValueError naming file, line and field, OSError."""
    return (
        read_toml(DEFAULT, EscalationRules)
        if path is None
        else read_toml(path, EscalationRules, partial(_unknown_tiers, known=tiers))
    )


def _unknown_tiers(rules: EscalationRules, known: Collection[str]) -> Iterator[Wrong]:
    named: list[tuple[Place, Iterable[str]]] = [
        *((("escalate", number, "tiers"), when.tiers or ()) for number, when in enumerate(rules.escalate)),
        (("mass_fault", "tiers"), rules.mass_fault.tiers),
    ]
    for place, tiers in named:
        if unknown := [tier for tier in tiers if tier not in known]:
            yield place, f"{', '.join(unknown)}: none of the SLA policy's tiers ({', '.join(known)})"
