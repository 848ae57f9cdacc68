"""The SLA policy from TOML: the operator's file, a folder of versions, or the one that ships with the package.

What is wrong is named by file, line and field, before anything is promised by it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from shared.clock import EPOCH, whole_ms
from shared.contracts.facts import Impact, Service
from shared.contracts.progress import Network
from shared.tickets.calendar_file import CalendarTable, calendar_of
from shared.tickets.calendars import ROUND_THE_CLOCK
from shared.tickets.targets import CONDITIONS, RESERVED, Policies, Policy, Rule, Target, Targets
from shared.toml_file import Wrong, read_toml

DEFAULT = Path(__file__).with_name("default_policy.toml")
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
Hours = Annotated[float, Field(gt=0, le=24 * 366)]
Minutes = Annotated[float, Field(gt=0, le=60 * 24 * 366)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]
TierName = Annotated[str, Field(pattern=r"^[^/+:,\s]{1,64}$")]
Words = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=400)]
GIVEN: tuple[tuple[str, Target, int], ...] = (
    ("accept_minutes", "accept", MINUTE_MS),
    ("update_minutes", "update", MINUTE_MS),
    ("restore_hours", "restore", HOUR_MS),
    ("report_hours", "report", HOUR_MS),
    ("confirm_hours", "confirm", HOUR_MS),
    ("head_start_minutes", "head_start", MINUTE_MS),
)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Tier(_Table):
    accept_minutes: Minutes
    update_minutes: Minutes
    restore_hours: dict[Impact, Hours]
    report_hours: Hours | None = None
    confirm_hours: Hours | None = None
    head_start_minutes: Annotated[float, Field(ge=0)]
    calendar: Name | None = None

    @model_validator(mode="after")
    def _whole(self) -> "_Tier":
        if missing := [impact for impact in ("down", "degraded", "intermittent") if impact not in self.restore_hours]:
            raise ValueError(f"restore_hours has no target for {', '.join(missing)}")
        if self.head_start_minutes > 60 * min(self.restore_hours.values()):
            raise ValueError("head_start_minutes is longer than a restore target: such a ticket would pass older ones")
        return self

    def targets(self) -> Targets:
        report, confirm = self.report_hours, self.confirm_hours
        return Targets(
            accept_ms=int(self.accept_minutes * MINUTE_MS), update_ms=int(self.update_minutes * MINUTE_MS),
            restore_ms={impact: int(hours * HOUR_MS) for impact, hours in self.restore_hours.items()},
            report_ms=None if report is None else int(report * HOUR_MS),
            confirm_ms=None if confirm is None else int(confirm * HOUR_MS),
            head_start_ms=int(self.head_start_minutes * MINUTE_MS), calendar=_name(self.calendar),
        )  # fmt: skip


class _Rule(_Table):
    name: Name
    tiers: Words = ()
    impacts: Annotated[tuple[Impact, ...], Field(max_length=3)] = ()
    services: tuple[Service, ...] = ()
    networks: Annotated[tuple[Network, ...], Field(max_length=1000)] = ()
    service_levels: Words = ()
    accept_minutes: Minutes | None = None
    update_minutes: Minutes | None = None
    restore_hours: Hours | None = None
    report_hours: Hours | None = None
    confirm_hours: Hours | None = None
    head_start_minutes: Annotated[float, Field(ge=0)] | None = None
    calendar: Name | None = None

    def rule(self) -> Rule:
        given: dict[Target, int | str | None] = {
            target: int(value * unit) for name, target, unit in GIVEN if (value := getattr(self, name)) is not None
        }
        if self.calendar is not None:
            given["calendar"] = _name(self.calendar)
        when = {condition: frozenset(words) for condition in CONDITIONS if (words := getattr(self, condition))}
        return Rule(self.name, when, given)


class _File(_Table):
    version: Name
    valid_from: AwareDatetime | None = None
    otherwise: str
    warn_percent: Annotated[list[Annotated[int, Field(gt=0, lt=100)]], Field(max_length=5)]
    tiers: Annotated[dict[TierName, _Tier], Field(min_length=1)]
    rules: Annotated[list[_Rule], Field(max_length=500)] = []
    calendars: dict[Name, CalendarTable] = {}


def read_policies(path: Path | None = None) -> Policies:
    """A file, or a folder of files that hold a version each; None: the default. Raises ValueError naming file, line
    and field, OSError."""
    if path is None or not path.is_dir():
        return Policies((read_policy(path),))
    files = sorted(path.glob("*.toml"))
    if not files:
        raise ValueError(f"{path}: the folder has no .toml file")
    found = {file: read_policy(file) for file in files}
    for (one, a), (other, b) in combinations(found.items(), 2):
        if a.version == b.version:
            raise ValueError(f"{other}: version: {b.version} is that of {one} too")
        if a.valid_from == b.valid_from:
            raise ValueError(f"{other}: valid_from: is that of {one} too; say from when each of them is valid")
    return Policies(tuple(sorted(found.values(), key=lambda policy: policy.valid_from or EPOCH)))


def read_policy(path: Path | None = None) -> Policy:
    """One version."""
    found = read_toml(path or DEFAULT, _File, _contradictions)
    calendars = {name: calendar_of(name, table) for name, table in found.calendars.items()}
    return Policy(
        version=found.version, tiers={name: tier.targets() for name, tier in found.tiers.items()},
        otherwise=found.otherwise, warn_percent=tuple(sorted(set(found.warn_percent))),
        rules=tuple(rule.rule() for rule in found.rules), calendars=calendars,
        valid_from=None if found.valid_from is None else whole_ms(found.valid_from),
    )  # fmt: skip


def _name(calendar: str | None) -> str | None:
    return None if calendar == ROUND_THE_CLOCK else calendar


def _contradictions(file: _File) -> Iterator[Wrong]:
    if file.otherwise not in file.tiers:
        yield ("otherwise",), f"{file.otherwise} is none of the tiers"
    if ROUND_THE_CLOCK in file.calendars:
        yield ("calendars", ROUND_THE_CLOCK), "is round the clock everywhere; choose another name"
    known = {ROUND_THE_CLOCK, *file.calendars}
    for name, tier in file.tiers.items():
        if tier.calendar not in (None, *known):
            yield ("tiers", name, "calendar"), f"there is no calendar {tier.calendar}"
    for number, rule in enumerate(file.rules):
        for field, said in _wrong_with(rule, file.tiers, known):
            yield ("rules", number, *field), said
    yield from _unclear(file.rules)


def _wrong_with(rule: _Rule, tiers: Iterable[str], calendars: set[str]) -> Iterator[Wrong]:
    made = rule.rule()
    if rule.name in RESERVED:
        yield ("name",), f"{rule.name} has a meaning of its own; choose another"
    if not made.when:
        yield (), f"has no condition ({', '.join(CONDITIONS)}); what holds for all stands in the tiers"
    if not made.given:
        yield (), "gives no target"
    if unknown := sorted(set(rule.tiers) - set(tiers)):
        yield ("tiers",), f"{', '.join(unknown)}: none of the tiers"
    if rule.calendar not in (None, *calendars):
        yield ("calendar",), f"there is no calendar {rule.calendar}"


def _unclear(rules: list[_Rule]) -> Iterator[Wrong]:
    """Two rules of one name, or two as specific as each other that give the same target to the same ticket."""
    twice = {name for name, n in Counter(rule.name for rule in rules).items() if n > 1}
    made = [rule.rule() for rule in rules]
    for number, rule in enumerate(made):
        if rule.name in twice and rule.name in (other.name for other in made[:number]):
            yield ("rules", number, "name"), f"{rule.name} is another rule's name too"
        for earlier in made[:number]:
            if shared := earlier.disputes(rule):
                targets = ", ".join(shared)
                yield (
                    ("rules", number),
                    f"{rule.name} and {earlier.name} give {targets} to the same tickets: which holds?",
                )
