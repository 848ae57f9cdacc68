"""What is promised: the SLA policy as a value, and which of its rules hold for a ticket. Pure.

Every target comes from the most specific rule that gives it: the exception with more conditions, else the one whose
condition stands further ahead in `CONDITIONS`, else the tier's own table. The account's contract stands above all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, get_args

from shared.clock import from_ms, to_ms
from shared.contracts.facts import Impact, Terms
from shared.ids import NetworkCode
from shared.tickets.calendars import ROUND_THE_CLOCK, Calendar, Windows, unknown_years, written_out
from shared.tickets.hours import after

Target = Literal["accept", "update", "restore", "report", "confirm", "head_start", "calendar"]
Condition = Literal["service_levels", "networks", "services", "impacts", "tiers"]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)
CONTRACT, BY_HAND = "contract", "by-hand"
RESERVED = frozenset({CONTRACT, BY_HAND})
HELD = 5_000


@dataclass(frozen=True, slots=True)
class Subject:
    """What rules look at besides tier and impact: the circuit's service and the local networks in which it ends, and
    the account's contract. `calendar` is the one that a duty manager set for this ticket."""

    service: str | None = None
    networks: frozenset[NetworkCode] = frozenset()
    service_level: str | None = None
    confirm_ms: int | None = None
    calendar: str | None = None


ANY = Subject()


@dataclass(frozen=True, slots=True)
class Targets:
    """Of one tier, in ms. `accept`: order issued → accepted. `update`: the longest silence. `restore`: report → service
    back; `head_start` is no longer. `report`: restored → fault report; `confirm`: how long the customer may still
    object. `calendar`: the name of the one whose hours count; None is round the clock."""

    accept_ms: int
    update_ms: int
    restore_ms: Mapping[Impact, int]
    report_ms: int | None
    confirm_ms: int | None
    head_start_ms: int
    calendar: str | None = None

    def given(self, impact: Impact) -> Mapping[Target, int | str | None]:
        return {
            "accept": self.accept_ms, "update": self.update_ms, "restore": self.restore_ms[impact],
            "report": self.report_ms, "confirm": self.confirm_ms, "head_start": self.head_start_ms,
            "calendar": self.calendar,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """An exception: where all conditions of `when` are met, what is `given` holds instead of what the tier has."""

    name: str
    when: Mapping[Condition, frozenset[str]]
    given: Mapping[Target, int | str | None]

    def matches(self, tier: str, impact: Impact, subject: Subject) -> bool:
        return all(self.met_by(tier, impact, subject).values())

    def met_by(self, tier: str, impact: Impact, subject: Subject) -> Mapping[Condition, Sequence[str]]:
        """By which words of the ticket each condition is met; none: it is not."""
        said = _said(tier, impact, subject)
        return {condition: sorted(said[condition] & wanted) for condition, wanted in self.when.items()}

    @property
    def specific(self) -> tuple[bool | int, ...]:
        """The larger, the more specific."""
        return len(self.when), *(condition in self.when for condition in CONDITIONS)

    def disputes(self, other: "Rule") -> Sequence[Target]:
        """The targets of which neither of the two is the more specific giver for some ticket."""
        if self.specific != other.specific or any(self.when[c].isdisjoint(other.when[c]) for c in self.when):
            return ()
        return [target for target in self.given if target in other.given]


def _said(tier: str, impact: Impact, subject: Subject) -> Mapping[Condition, frozenset[str]]:
    level, service = subject.service_level, subject.service
    return {
        "service_levels": frozenset({level} if level else ()), "networks": subject.networks,
        "services": frozenset({service} if service else ()), "impacts": frozenset({impact}), "tiers": frozenset({tier}),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Given:
    """A target's value and who gave it: a tier's own table (`gold/down`), a rule, the contract, a duty manager."""

    value: int | str | None
    by: str


@dataclass(frozen=True, slots=True)
class Policy:
    """One version. Targets by tier, those of `otherwise` for a tier that is not named, and the exceptions."""

    version: str
    tiers: Mapping[str, Targets]
    otherwise: str
    warn_percent: tuple[int, ...]
    rules: tuple[Rule, ...] = ()
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    valid_from: datetime | None = None
    _terms: dict[tuple[str, Impact, Subject], Terms] = field(default_factory=dict, compare=False, repr=False)
    _hours: dict[tuple[object, ...], Windows] = field(default_factory=dict, compare=False, repr=False)

    def named(self, tier: str | None) -> str:
        return tier if tier is not None and tier in self.tiers else self.otherwise

    def of(self, tier: str | None) -> Targets:
        """The tier's own table, without exceptions."""
        return self.tiers[self.named(tier)]

    @property
    def asks(self) -> frozenset[Condition]:
        """What some rule looks at."""
        return frozenset(condition for rule in self.rules for condition in rule.when)

    def matching(self, tier: str | None, impact: Impact, subject: Subject = ANY) -> Sequence[Rule]:
        """The exceptions that hold for such a ticket, the most specific last."""
        name = self.named(tier)
        return sorted((r for r in self.rules if r.matches(name, impact, subject)), key=lambda rule: rule.specific)

    def given(self, tier: str | None, impact: Impact, subject: Subject = ANY) -> Mapping[Target, Given]:
        """Every target with who gave it."""
        base = f"{self.named(tier)}/{impact}"
        found = {target: Given(value, base) for target, value in self.of(tier).given(impact).items()}
        for rule in self.matching(tier, impact, subject):
            found |= {target: Given(value, rule.name) for target, value in rule.given.items()}
        if subject.confirm_ms is not None:
            found["confirm"] = Given(subject.confirm_ms, CONTRACT)
        if subject.calendar is not None:
            found["calendar"] = Given(_perhaps(subject.calendar), BY_HAND)
        return found

    def terms_of(
        self,
        tier: str | None,
        impact: Impact,
        *,
        subject: Subject = ANY,
        reported_at: datetime | None = None,
        now: datetime | None = None,
    ) -> Terms:
        """What is promised on such a ticket. Raises ValueError where a calendar counts and no instants are given."""
        key = self.named(tier), impact, subject
        if (found := self._terms.get(key)) is None:
            if len(self._terms) >= HELD:
                self._terms.clear()
            found = self._terms[key] = self._made(tier, impact, subject)
        if found.calendar is None:
            return found
        if reported_at is None or now is None:
            raise ValueError("hours by the calendar need the instants of the report and of now")
        return replace(found, hours=self._written_out(found, reported_at, now))

    def _made(self, tier: str | None, impact: Impact, subject: Subject) -> Terms:
        given = self.given(tier, impact, subject)
        restore = _ms(given["restore"])
        return Terms(
            policy=self.version, rule=_rule(f"{self.named(tier)}/{impact}", given), accept_ms=_ms(given["accept"]),
            update_ms=_ms(given["update"]), restore_ms=restore, report_ms=_ms_or_none(given["report"]),
            confirm_ms=_ms_or_none(given["confirm"]), head_start_ms=min(_ms(given["head_start"]), restore),
            warn_percent=self.warn_percent, calendar=_name(given["calendar"]),
        )  # fmt: skip

    def _written_out(self, terms: Terms, reported_at: datetime, now: datetime) -> Windows:
        assert terms.calendar is not None
        calendar = self.calendars[terms.calendar]
        longest = max(terms.accept_ms, terms.update_ms, terms.restore_ms, terms.report_ms or 0)
        key = calendar.name, calendar.day_of(reported_at), calendar.day_of(now), longest
        if (found := self._hours.get(key)) is None:
            if len(self._hours) >= HELD:
                self._hours.clear()
            found = self._hours[key] = written_out(calendar, reported_at, now=now, longest_ms=longest)
        return found


@dataclass(frozen=True, slots=True)
class Policies:
    """The versions on file, in the order in which they become valid. The first holds before that too."""

    versions: tuple[Policy, ...]

    def at(self, instant: datetime) -> Policy:
        """The version under which a ticket is opened at this instant."""
        valid = [p for p in self.versions if p.valid_from is not None and p.valid_from <= instant]
        return valid[-1] if valid else self.versions[0]

    def remarks(self, now: datetime) -> Sequence[str]:
        """What is not wrong but should be looked after."""
        return [
            f"version {p.version}, calendar {c.name}: the holidays of {year} are not known: they count as time"
            for p in self.versions
            for c in p.calendars.values()
            for year in unknown_years(c, now)
        ]

    def version(self, name: str) -> Policy | None:
        return next((p for p in self.versions if p.version == name), None)

    @property
    def tiers(self) -> Sequence[str]:
        """Those that any version names."""
        return list(dict.fromkeys(tier for policy in self.versions for tier in policy.tiers))

    @property
    def asks_circuit(self) -> bool:
        """Whether any rule looks at the circuit, so that it has to be read."""
        return any(p.asks & {"services", "networks"} for p in self.versions)


def _rule(base: str, given: Mapping[Target, Given]) -> str:
    """`gold/down`, and after it who gave what instead: `gold/down+plateau:accept,restore+contract:confirm`."""
    others: dict[str, list[str]] = {}
    for target, one in given.items():
        if one.by != base:
            others.setdefault(one.by, []).append(target)
    return "".join([base, *(f"+{name}:{','.join(targets)}" for name, targets in others.items())])


def givers(rule: str) -> Mapping[str, str]:
    """Of a ticket's `terms.rule`: target → who gave it, for those that are not the base's (named by "")."""
    base, *others = rule.split("+")
    found = {"": base}
    for other in others:
        name, _, targets = other.partition(":")
        found |= dict.fromkeys(targets.split(","), name)
    return found


def set_by_hand(terms: Terms) -> str | None:
    """The calendar that a duty manager set for this ticket; None where the rules give it."""
    by_hand = givers(terms.rule).get("calendar") == BY_HAND
    return (terms.calendar or ROUND_THE_CLOCK) if by_hand else None


def _ms(given: Given) -> int:
    assert isinstance(given.value, int)
    return given.value


def _ms_or_none(given: Given) -> int | None:
    return None if given.value is None else _ms(given)


def _name(given: Given) -> str | None:
    assert not isinstance(given.value, int)
    return given.value


def _perhaps(calendar: str) -> str | None:
    return None if calendar == ROUND_THE_CLOCK else calendar


def breach_at(terms: Terms, reported_at: datetime) -> datetime:
    """If nothing stops the clock."""
    return from_ms(after(to_ms(reported_at), terms.restore_ms, terms.hours))
