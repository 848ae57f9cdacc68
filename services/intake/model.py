"""What a customer may do, decided on the ticket as it stands. Pure; refusals are IllegalMove."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.auth.principal import Principal
from shared.contracts import facts as f
from shared.errors import Forbidden
from shared.tickets.model import Ticket, require_ticket_move
from shared.tickets.request import Request
from shared.tickets.targets import ANY, Subject


@dataclass(frozen=True, slots=True)
class ReportFault:
    """A fault report, checked at the door: the circuit is known and belongs to the account. `origin` is salted.

    `subject`: what a promise depends on besides tier and impact.
    """

    fact: f.FaultReported
    actor: str
    request: Request | None
    origin: str = ""
    subject: Subject = ANY


@dataclass(frozen=True, slots=True)
class Reported:
    """`created`: a new ticket, else it joined the open one. `replayed`: the same answer as the first time."""

    ticket: Ticket
    created: bool
    replayed: bool


def sees(principal: Principal, ticket: Ticket) -> bool:
    """Operators see all, accounts their own, local networks what they were ordered to."""
    if principal.role == "network":
        return any(o.network == principal.subject for o in ticket.orders)
    return principal.may_read(ticket.account)


def changes(principal: Principal, ticket: Ticket) -> bool:
    """Whether the ticket is there to be changed by this caller. Raises Forbidden when he may read it only."""
    if not sees(principal, ticket):
        return False
    if principal.role == "account" and not principal.owns(ticket.account):
        raise Forbidden(f"This ticket is {ticket.account}'s: your key may read it, only that account's may change it.")
    return True


def is_one_path(impact: f.Impact, *, both_paths: bool, protected: bool) -> bool:
    """One of a protected circuit's two paths is down: the service is degraded."""
    return impact == "down" and protected and not both_paths


def join(ticket: Ticket, report: f.FaultReported, changed: Sequence[f.TermsChanged] = ()) -> Sequence[f.Fact]:
    """A further report of an open ticket's circuit, and what it changes of the terms. One that comes after the
    restoration says that it did not hold."""
    joined = f.ReportJoined(
        impact=report.impact, description=report.description, reported_at=report.reported_at,
        reference=report.reference, contact=report.contact, segment=report.segment,
        reported_impact=report.reported_impact,
    )  # fmt: skip
    if ticket.status == "resolved":
        return joined, *changed, f.TicketReopened("reported again before the restoration was confirmed")
    return joined, *changed


def note(ticket: Ticket, now: datetime, *, text: str) -> Sequence[f.Fact]:
    return (f.NoteAdded(text, tuple(o.network for o in ticket.live_orders)),)


def cancel(ticket: Ticket, now: datetime, *, reason: str | None) -> Sequence[f.Fact]:
    require_ticket_move(ticket, "cancel")
    return (f.TicketCancelled(reason),)


def confirm(ticket: Ticket, now: datetime, *, comment: str | None) -> Sequence[f.Fact]:
    require_ticket_move(ticket, "confirm")
    return f.RestorationConfirmed(comment), f.TicketClosed("confirmed")


def reopen(ticket: Ticket, now: datetime, *, reason: str) -> Sequence[f.Fact]:
    require_ticket_move(ticket, "reopen")
    return (f.TicketReopened(reason),)
