"""Why a ticket has its targets: read at any time by whoever sees the ticket, customers too."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, Field

from services.intake.reads.routes import visible
from services.intake.reads.sla import whole_log
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.clock import from_ms
from shared.contracts.facts import Impact
from shared.db import port
from shared.ids import TICKET_PATTERN, TicketId
from shared.registry.store import Registry
from shared.registry.subject import subject_of
from shared.tickets.explaining import Explanation, Met, Step, explain
from shared.tickets.log import fold
from shared.tickets.model import Ticket
from shared.tickets.targets import Condition, Given, Policies, Target
from shared.web.routes import READ_PROBLEMS, StrictRoute, allow

Reader = Annotated[Principal, Depends(allow("account", "operator", needs="tickets:read"))]
Value = Annotated[int | str | None, Field(description="Milliseconds; of `calendar` its name. null: none, 24x7")]


class GivenView(BaseModel):
    """`by`: a tier's own table (`gold/down`), a rule's name, `contract`, or `by-hand`."""

    target: Target
    value: Value
    by: str


class MetView(BaseModel):
    """A rule that such a ticket meets, by which of its words; `holds` are the targets that come from it."""

    name: str
    met_by: dict[Condition, list[str]]
    gives: dict[Target, Value]
    holds: list[Target]


class ChangeView(BaseModel):
    before: Value
    after: Value


class StepView(BaseModel):
    """The terms from the entry `seq` on. Whatever came last holds for the whole of the ticket."""

    seq: int
    at: datetime
    by: str
    reason: str | None
    policy: str
    rule: str
    tier: str | None
    impact: Impact
    changed: dict[str, ChangeView]


class SaidView(BaseModel):
    """A further report of another impact than the ticket's."""

    seq: int
    at: datetime
    by: str
    impact: Impact


class TermsExplained(BaseModel):
    """`rules` and `now` are null where the ticket's version of the policy is not on file. `now`: what that version
    would give today where it is something else, because the file or the registry has changed since."""

    ticket: str
    tier: str | None
    impact: Impact
    policy: str | None
    rule: str | None
    service_hours: Annotated[
        tuple[datetime, datetime] | None, Field(description="From when to when they are written out; null: 24x7")
    ]
    targets: list[GivenView]
    rules: list[MetView] | None
    now: dict[Target, Value] | None
    steps: list[StepView]
    said: list[SaidView]


def terms_routes(database: port.Database, registry: Registry, policies: Policies) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["terms"])

    @router.get("/v1/tickets/{id}/terms", responses=READ_PROBLEMS, summary="What is promised, by which rule, and why")
    async def read_terms(caller: Reader, id: Annotated[TicketId, Path(pattern=TICKET_PATTERN)]) -> TermsExplained:
        reader = reader_for(caller, database)
        await visible(reader, caller, id)
        log = await whole_log(reader, id)
        ticket = fold(log)
        subject = await subject_of(registry, ticket.account, ticket.circuit, policies=policies)
        policy = policies.version(ticket.terms.policy) if ticket.terms else None
        return _view(ticket, explain(ticket, log, policy=policy, subject=subject))

    return router


def _view(ticket: Ticket, found: Explanation) -> TermsExplained:
    terms = ticket.terms
    hours = terms.hours if terms else None
    return TermsExplained(
        ticket=ticket.id, tier=ticket.tier, impact=ticket.impact, policy=terms.policy if terms else None,
        rule=terms.rule if terms else None,
        service_hours=(from_ms(hours[0][0]), from_ms(hours[-1][1])) if hours else None,
        targets=[_given(target, given) for target, given in found.targets.items()],
        rules=None if found.rules is None else [_met(rule) for rule in found.rules],
        now=None if found.now is None else dict(found.now), steps=[_step(step) for step in found.steps],
        said=[SaidView(seq=e.seq, at=e.at, by=e.actor, impact=fact.impact) for e, fact in found.said],
    )  # fmt: skip


def _given(target: Target, given: Given) -> GivenView:
    return GivenView(target=target, value=given.value, by=given.by)


def _met(rule: Met) -> MetView:
    met_by = {condition: list(words) for condition, words in rule.met_by.items()}
    return MetView(name=rule.name, met_by=met_by, gives=dict(rule.gives), holds=list(rule.holds))


def _step(step: Step) -> StepView:
    return StepView(
        seq=step.seq, at=step.at, by=step.by, reason=step.reason, policy=step.terms.policy, rule=step.terms.rule,
        tier=step.tier, impact=step.impact,
        changed={name: ChangeView(before=before, after=after) for name, (before, after) in step.changed.items()},
    )  # fmt: skip
