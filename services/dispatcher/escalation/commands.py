"""What people do about escalations: ask where it stays, escalate by hand, acknowledge. Pure; refusals are raised."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil

from services.dispatcher.escalation.matrix import Call, at_work, by_chase, escalated
from services.dispatcher.escalation.rules import Besides, EscalationRules
from shared.auth.principal import Principal
from shared.contracts import facts as f
from shared.errors import Forbidden, IllegalMove, NotFound, TooManyRequests
from shared.ids import NetworkCode
from shared.tickets.model import TICKET_MOVES, Escalation, Ticket


def may_chase(caller: Principal, ticket: Ticket) -> bool:
    """Whether the ticket is there for this caller. Raises Forbidden when he may read it only."""
    if not caller.may_read(ticket.account):
        return False
    if not caller.owns(ticket.account):
        raise Forbidden(f"This ticket is {ticket.account}'s: your key may read it, only that account's may chase it.")
    return True


def may_answer(caller: Principal, ticket: Ticket) -> bool:
    """Operators all, a local network what it was ordered to."""
    return caller.role == "operator" or ticket.order_to(NetworkCode(caller.subject)) is not None


def chase(ticket: Ticket, now: datetime, *, text: str | None, rules: EscalationRules) -> Sequence[f.Fact]:
    """The networks at work hear it too. Raises IllegalMove, TooManyRequests."""
    _require_down(ticket, "chase")
    again_at = ticket.chased_at and ticket.chased_at + timedelta(minutes=rules.chase.every_minutes)
    if again_at and again_at > now:
        raise TooManyRequests(
            f"Ticket {ticket.id} was chased less than {rules.chase.every_minutes:g} minutes ago.",
            retry_after_s=ceil((again_at - now).total_seconds()),
        )
    chased = f.TicketChased(text, tuple(o.network for o in ticket.live_orders))
    return chased, *by_chase(ticket, now, rules)


def escalate(
    ticket: Ticket, now: datetime, *, level: f.Level, reason: str, tell: Sequence[Besides], rules: EscalationRules
) -> Sequence[f.Fact]:
    """Also to a level that was told already: somebody wants it told again."""
    _require_down(ticket, "escalate")
    call = Call(level, "by_hand", reason, tuple(dict.fromkeys(tell)), at_work(ticket))
    return (escalated(ticket, call, now, rules),)


def acknowledge(
    ticket: Ticket, now: datetime, *, seq: int, note: str | None, network: NetworkCode | None
) -> Sequence[f.Fact]:
    """`network` is who says so, None: an operator. Raises NotFound, IllegalMove, Forbidden."""
    last, waits = ticket.escalation, ticket.open_escalation
    if last is None or seq > ticket.seq:
        raise NotFound()
    if seq != last.seq:
        raise IllegalMove(f"Ticket {ticket.id} was escalated last by entry {last.seq}.", legal=())
    if waits is None:
        what = "acknowledged already" if last.acknowledged else "at an end: the ticket is " + ticket.status
        raise IllegalMove(f"The escalation of ticket {ticket.id} is {what}.", legal=())
    if network is not None:
        _require_own(waits, network)
    return (f.EscalationAcknowledged(seq, note),)


def acknowledge_group(ticket: Ticket, now: datetime, *, group: str, note: str | None) -> Sequence[f.Fact]:
    """Whatever waits for an answer on a ticket of this mass fault."""
    waits = ticket.open_escalation
    return (f.EscalationAcknowledged(waits.seq, note),) if waits and ticket.group == group else ()


def _require_own(escalation: Escalation, network: NetworkCode) -> None:
    """What went over a network's head is not its own to answer."""
    if escalation.level != "network":
        raise Forbidden(f"This was escalated to the {escalation.level}: the NOC acknowledges it.")
    if network not in escalation.networks:
        raise Forbidden("This escalation is about another local network's order.")


def _require_down(ticket: Ticket, move: str) -> None:
    if ticket.is_over or ticket.status == "resolved":
        legal = TICKET_MOVES[ticket.status]
        raise IllegalMove(f"Ticket {ticket.id} is {ticket.status}: {move} is not possible.", legal=legal)
