"""Why a ticket has the targets it has: which rule gave which, which others were met, what has changed and why. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.contracts import facts as f
from shared.contracts.event import Event
from shared.tickets.model import Ticket
from shared.tickets.targets import Condition, Given, Policy, Rule, Subject, Target, givers, set_by_hand

Value = int | str | None


@dataclass(frozen=True, slots=True)
class Met:
    """A rule that such a ticket meets: by what of it, what it gives, and which of that holds."""

    name: str
    met_by: Mapping[Condition, Sequence[str]]
    gives: Mapping[Target, Value]
    holds: Sequence[Target]


@dataclass(frozen=True, slots=True)
class Step:
    """The terms as they were from the entry `seq` on; `changed`: target → before and after, those that differ."""

    seq: int
    at: datetime
    by: str
    terms: f.Terms
    tier: str | None
    impact: f.Impact
    reason: str | None
    changed: Mapping[str, tuple[Value, Value]]


@dataclass(frozen=True, slots=True)
class Explanation:
    """`rules` and `now` are None where the ticket's version is not on file. `now`: what this version would give to the
    ticket today and its terms do not say; the file was changed, or what the registry knows of it."""

    targets: Mapping[Target, Given]
    rules: Sequence[Met] | None
    now: Mapping[Target, Value] | None
    steps: Sequence[Step]
    said: Sequence[tuple[Event, f.ReportJoined]]


def explain(ticket: Ticket, log: Sequence[Event], *, policy: Policy | None, subject: Subject) -> Explanation:
    """`policy` is the ticket's own version. Without terms nothing is there to explain: no targets, no steps."""
    steps = list(_steps(log))
    joined = [(event, fact) for event in log if isinstance(fact := event.fact(), f.ReportJoined)]
    said = [(event, fact) for event, fact in joined if fact.impact != ticket.impact]
    if ticket.terms is None:
        return Explanation({}, None, None, steps, said)
    targets = _targets(ticket.terms)
    if policy is None:
        return Explanation(targets, None, None, steps, said)
    today = policy.given(ticket.tier, ticket.impact, _as_set(subject, ticket.terms))
    now = {target: one.value for target, one in today.items() if one.value != targets[target].value}
    rules = [
        _met(rule, today, tier=policy.named(ticket.tier), impact=ticket.impact, subject=subject)
        for rule in policy.matching(ticket.tier, ticket.impact, subject)
    ]
    return Explanation(targets, rules, now, steps, said)


def values(terms: f.Terms) -> Mapping[Target, Value]:
    return {
        "accept": terms.accept_ms, "update": terms.update_ms, "restore": terms.restore_ms, "report": terms.report_ms,
        "confirm": terms.confirm_ms, "head_start": terms.head_start_ms, "calendar": terms.calendar,
    }  # fmt: skip


def _targets(terms: f.Terms) -> Mapping[Target, Given]:
    """As the ticket's own terms say it, whatever is on file."""
    by = givers(terms.rule)
    return {target: Given(value, by.get(target, by[""])) for target, value in values(terms).items()}


def _as_set(subject: Subject, terms: f.Terms) -> Subject:
    by_hand = set_by_hand(terms)
    if by_hand is None:
        return subject
    return Subject(subject.service, subject.networks, subject.service_level, subject.confirm_ms, by_hand)


def _met(rule: Rule, today: Mapping[Target, Given], *, tier: str, impact: f.Impact, subject: Subject) -> Met:
    said = rule.met_by(tier, impact, subject)
    return Met(rule.name, said, rule.given, [target for target in rule.given if today[target].by == rule.name])


def _steps(log: Sequence[Event]) -> Iterator[Step]:
    before: f.Terms | None = None
    tier: str | None = None
    impact: f.Impact = "down"
    for event in log:
        match event.fact():
            case f.FaultReported(terms=f.Terms() as terms) as fact:
                tier, impact = fact.tier, fact.impact
                yield Step(event.seq, event.at, event.actor, terms, tier, impact, None, {})
                before = terms
            case f.FaultReported() as fact:
                tier, impact = fact.tier, fact.impact
            case f.TermsChanged(terms=terms) as fact:
                changed = _changed(before, terms, said={"tier": (tier, fact.tier), "impact": (impact, fact.impact)})
                tier, impact = fact.tier or tier, fact.impact or impact
                yield Step(event.seq, event.at, event.actor, terms, tier, impact, fact.reason, changed)
                before = terms


def _changed(
    before: f.Terms | None, after: f.Terms, *, said: Mapping[str, tuple[str | None, str | None]]
) -> Mapping[str, tuple[Value, Value]]:
    found: dict[str, tuple[Value, Value]] = {name: (was, is_) for name, (was, is_) in said.items() if is_ is not None}
    if before is None or before.policy != after.policy:
        found["policy"] = before.policy if before else None, after.policy
    were = values(before) if before else {}
    return found | {
        target: (were.get(target), value) for target, value in values(after).items() if were.get(target) != value
    }
