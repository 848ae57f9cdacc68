"""Other terms in mid-ticket: the one place that decides what a further report, or a duty manager, makes of them. Pure.

A worse impact counts at once, whoever reports it. A better one gives us more time, so it takes a duty manager and a
reason. Tier and policy stay those of the opening until a duty manager says otherwise. What was before is never lost:
new terms are judged from the report on, pauses and all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from shared.contracts import facts as f
from shared.errors import FieldError, IllegalMove, InvalidInput
from shared.tickets.calendars import ROUND_THE_CLOCK
from shared.tickets.model import Ticket
from shared.tickets.targets import Policies, Policy, Subject, set_by_hand

SEVERITY: Mapping[f.Impact, int] = {"intermittent": 0, "degraded": 1, "down": 2}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a duty manager sets; None: as it is."""

    reason: str
    tier: str | None = None
    impact: f.Impact | None = None
    policy: str | None = None
    calendar: str | None = None


def on_report(
    ticket: Ticket, said: f.Impact, now: datetime, *, policies: Policies, subject: Subject
) -> Sequence[f.TermsChanged]:
    """What a further report of this impact changes. A ticket that was promised nothing is promised nothing by it."""
    if ticket.terms is None or SEVERITY[said] <= SEVERITY[ticket.impact]:
        return ()
    policy = policies.version(ticket.terms.policy) or policies.at(ticket.opened_at)
    terms = policy.terms_of(
        ticket.tier, said, subject=_kept(subject, ticket, policy), reported_at=ticket.reported_at, now=now
    )
    return (f.TermsChanged(terms, f"reported again, and worse: {said}", impact=said),)


def by_hand(
    ticket: Ticket, now: datetime, *, asked: Asked, policies: Policies, subject: Subject
) -> Sequence[f.TermsChanged]:
    """Raises InvalidInput, and IllegalMove where it would change nothing or the ticket is over."""
    if ticket.is_over:
        raise IllegalMove(f"Ticket {ticket.id} is {ticket.status}: its terms stand.", legal=())
    policy = _version(ticket, asked, policies)
    if asked.tier is not None and asked.tier not in policy.tiers:
        raise InvalidInput(FieldError("tier", f"version {policy.version} knows {', '.join(policy.tiers)}"))
    subject = _with_calendar(_kept(subject, ticket, policy), asked, policy)
    tier, impact = asked.tier or ticket.tier, asked.impact or ticket.impact
    terms = policy.terms_of(tier, impact, subject=subject, reported_at=ticket.reported_at, now=now)
    if (terms, tier, impact) == (ticket.terms, ticket.tier, ticket.impact):
        raise IllegalMove("These terms hold already.", legal=())
    return (
        f.TermsChanged(
            terms, asked.reason, tier=tier if tier != ticket.tier else None,
            impact=impact if impact != ticket.impact else None,
        ),
    )  # fmt: skip


def _version(ticket: Ticket, asked: Asked, policies: Policies) -> Policy:
    name = asked.policy or (ticket.terms.policy if ticket.terms else None)
    if name is None:
        return policies.at(ticket.opened_at)
    if (found := policies.version(name)) is None:
        known = ", ".join(policy.version for policy in policies.versions)
        raise InvalidInput(FieldError("policy", f"version {name} is not on file; there is {known}"))
    return found


def _kept(subject: Subject, ticket: Ticket, policy: Policy) -> Subject:
    """The calendar that was set by hand stays, as long as there is one of that name."""
    calendar = set_by_hand(ticket.terms) if ticket.terms else None
    return replace(subject, calendar=calendar) if calendar in (ROUND_THE_CLOCK, *policy.calendars) else subject


def _with_calendar(subject: Subject, asked: Asked, policy: Policy) -> Subject:
    if asked.calendar is None:
        return subject
    known = (ROUND_THE_CLOCK, *policy.calendars)
    if asked.calendar not in known:
        raise InvalidInput(FieldError("calendar", f"version {policy.version} knows {', '.join(known)}"))
    return replace(subject, calendar=asked.calendar)
