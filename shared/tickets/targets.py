"""What is promised by tier and impact, and the place in the queues that follows from it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.clock import from_ms, to_ms
from shared.contracts.facts import Impact, Terms
from shared.tickets.deadlines import restore_due_at
from shared.tickets.hours import after
from shared.tickets.model import Ticket

_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Targets:
    """Of one tier. `accept`: order issued → accepted. `update`: the longest silence. `restore`: report → service back;
    `head_start` is no longer. `report`: restored → fault report; `confirm`: how long the customer may still object."""

    accept: timedelta
    update: timedelta
    restore: Mapping[Impact, timedelta]
    report: timedelta | None
    confirm: timedelta | None
    head_start: timedelta
    warn_percent: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """A ticket's place, in ms since 1970: queues are sorted by `rank_at`, the earliest first."""

    tier: str
    breach_at: int
    rank_at: int


@dataclass(frozen=True, slots=True)
class Policy:
    """Targets by tier; a tier that is not named has those of `otherwise`."""

    version: str
    tiers: Mapping[str, Targets]
    otherwise: str

    def of(self, tier: str | None) -> Targets:
        return self.tiers.get(tier or self.otherwise) or self.tiers[self.otherwise]

    def terms(self, tier: str | None, impact: Impact) -> Terms:
        found, name = self.of(tier), tier if tier in self.tiers else self.otherwise
        return Terms(
            policy=self.version, rule=f"{name}/{impact}", accept_ms=found.accept // _MS, update_ms=found.update // _MS,
            restore_ms=found.restore[impact] // _MS, report_ms=None if found.report is None else found.report // _MS,
            confirm_ms=None if found.confirm is None else found.confirm // _MS, head_start_ms=found.head_start // _MS,
            warn_percent=found.warn_percent,
        )  # fmt: skip


def breach_at(terms: Terms, reported_at: datetime) -> datetime:
    """If nothing stops the clock."""
    return from_ms(after(to_ms(reported_at), terms.restore_ms, terms.hours))


def standing_of(ticket: Ticket) -> Standing | None:
    """By what is promised now: the breach less the tier's head start, but never before the opening. None without terms.

    So nothing that is opened after a ticket's rank, which is never after its breach unless it was reported late,
    can stand before it: no tier starves another. And a report can't be dated back to the head of the queue.
    """
    breach = restore_due_at(ticket)
    if breach is None or ticket.terms is None:
        return None
    return Standing(ticket.tier or "", breach, max(breach - ticket.terms.head_start_ms, to_ms(ticket.opened_at)))
