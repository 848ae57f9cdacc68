"""When customers are asked, and what an unsatisfied one sets off: the rules, from their TOML file."""

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.auth.permissions import Duty
from shared.toml_file import read_toml

DEFAULT = Path(__file__).with_name("default_follow_up.toml")
Hours = Annotated[float, Field(gt=0, le=24 * 366)]


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"is no time zone of the IANA database: {name}") from error
    return name


def _time_of_day(value: Any) -> Any:
    return f"{value}:00" if isinstance(value, str) and len(value) == 5 else value


TimeOfDay = Annotated[time, BeforeValidator(_time_of_day)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Case(_Part):
    owner: Duty
    due_hours: dict[str, Hours]
    otherwise_due_hours: Hours
    late_again_after_hours: Hours

    def due(self, tier: str | None) -> timedelta:
        return timedelta(hours=self.due_hours.get(tier or "", self.otherwise_due_hours))


class Survey(_Part):
    answer_within_days: Annotated[int, Field(ge=1, le=90)]


class FollowUpRules(_Part):
    ask_after_hours: Annotated[float, Field(ge=0, le=24 * 30)]
    between: tuple[TimeOfDay, TimeOfDay]
    time_zone: Annotated[str, AfterValidator(_time_zone)]
    answer_within_hours: Hours
    reminders: Annotated[int, Field(ge=0, le=10)]
    case: Case
    survey: Survey

    @model_validator(mode="after")
    def _is_a_span(self) -> "FollowUpRules":
        if self.between[0] >= self.between[1]:
            raise ValueError("between: must begin before it ends, within one day")
        return self

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def ask_at(self, closed_at: datetime) -> datetime:
        """When the question may be put: not before it is due, and in the customer's day."""
        return self.in_daytime(closed_at + timedelta(hours=self.ask_after_hours))

    def in_daytime(self, at: datetime) -> datetime:
        """`at`, or when the customer's next day begins."""
        zone, (opens, closes) = self.zone, self.between
        local = at.astimezone(zone)
        if local.time() < opens:
            local = datetime.combine(local.date(), opens, zone)
        elif local.time() >= closes:
            local = datetime.combine(local.date() + timedelta(days=1), opens, zone)
        return local.astimezone(at.tzinfo)


def read_follow_up(path: Path | None = None) -> FollowUpRules:
    """None: the default. Raises ValueError naming file and field, OSError."""
    return read_toml(path or DEFAULT, FollowUpRules)
