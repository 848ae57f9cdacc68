"""When the center warns by itself: the rules of early warning and silence, from their TOML file."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.toml_file import read_toml

DEFAULT = Path(__file__).with_name("default_early_warning.toml")
RepeatKind = Literal["circuit", "unprotected", "site", "network"]
WarningKind = Literal["circuit", "unprotected", "site", "network", "attainment"]
Days = Annotated[int, Field(ge=1, le=366)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Repeat(_Part):
    faults: Annotated[int, Field(ge=2, le=100_000)]
    days: Days


class Repeats(_Part):
    circuit: Repeat
    unprotected: Repeat
    site: Repeat
    network: Repeat


class Attainment(_Part):
    """`points` are percentage points; `restorations` at the least in each of the two periods of `days`."""

    days: Days
    restorations: Annotated[int, Field(ge=1)]
    points: Annotated[float, Field(gt=0, le=100)]


class Silence(_Part):
    minutes: Annotated[float, Field(gt=0, le=60 * 24 * 366)]


class Rules(_Part):
    repeats: Repeats
    attainment: Attainment
    silence: Silence


def read_rules(path: Path | None = None) -> Rules:
    """None: the default. Raises ValueError naming file and field, OSError."""
    return read_toml(path or DEFAULT, Rules)
