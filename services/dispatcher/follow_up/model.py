"""What is to be asked, who owes what, and when to look again: decided on the ticket as it stands. Pure.

Each decision answers the facts to record; none means there is nothing to do, which makes a second look harmless.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.dispatcher.follow_up.rules import FollowUpRules
from shared.auth.principal import Principal
from shared.contracts import facts as f
from shared.contracts import satisfaction as sat
from shared.errors import Forbidden, IllegalMove
from shared.tickets.model import Ticket


def is_followed_up(ticket: Ticket) -> bool:
    """A ticket that was closed; one that was cancelled or rejected was no service of ours."""
    return ticket.status == "closed"


def look_at(ticket: Ticket, rules: FollowUpRules) -> datetime | None:
    """When something is due about it; None: nothing ever, unless somebody says something."""
    follow_up = ticket.follow_up
    if not is_followed_up(ticket) or follow_up.satisfied or follow_up.unanswered:
        return None
    if follow_up.asked == 0 and follow_up.satisfied is None:
        assert ticket.closed_at is not None
        return rules.ask_at(ticket.closed_at)
    again = rules.in_daytime(follow_up.answer_by) if follow_up.answer_by else None
    return min((at for at in (again, _late_at(ticket, rules)) if at is not None), default=None)


def _late_at(ticket: Ticket, rules: FollowUpRules) -> datetime | None:
    follow_up = ticket.follow_up
    if follow_up.due_at is None:
        return None
    return follow_up.due_at + follow_up.late * timedelta(hours=rules.case.late_again_after_hours)


def due(ticket: Ticket, now: datetime, *, rules: FollowUpRules) -> Sequence[f.Fact]:
    at = look_at(ticket, rules)
    if at is None or at > now:
        return ()
    follow_up, late_at = ticket.follow_up, _late_at(ticket, rules)
    if late_at is not None and late_at <= now:
        assert follow_up.owner is not None
        assert follow_up.due_at is not None
        return (sat.FollowUpLate(follow_up.owner, follow_up.late + 1, follow_up.due_at),)
    if follow_up.owner is None and follow_up.asked > rules.reminders:
        return (sat.FollowUpUnanswered(follow_up.asked),)
    return (_asked(ticket, now, rules),)


def _asked(ticket: Ticket, now: datetime, rules: FollowUpRules) -> sat.FollowUpAsked:
    return sat.FollowUpAsked(ticket.follow_up.asked + 1, now + timedelta(hours=rules.answer_within_hours))


def answer(ticket: Ticket, now: datetime, *, said: sat.SatisfactionAnswered, rules: FollowUpRules) -> Sequence[f.Fact]:
    """A customer may say it before it is asked, and may come to another mind; a case ends with its yes alone."""
    if not is_followed_up(ticket):
        raise IllegalMove(f"Ticket {ticket.id} is {ticket.status}: whether you are satisfied is asked of a closed one.",
            legal=("confirm", "reopen") if ticket.status == "resolved" else ())  # fmt: skip
    if said.satisfied or ticket.follow_up.satisfied is False:
        return (said,)
    return said, sat.FollowUpOpened(rules.case.owner, now + rules.case.due(ticket.tier))


def work(
    ticket: Ticket, now: datetime, *, text: str, owner: str | None, ask: bool, rules: FollowUpRules
) -> Sequence[f.Fact]:
    """What was done for a customer who is not satisfied. With `ask` it is asked again, now."""
    follow_up = ticket.follow_up
    if follow_up.satisfied is not False or follow_up.owner is None:
        raise IllegalMove(f"Ticket {ticket.id} has no open follow-up case.", legal=())
    worked = sat.FollowUpWorked(text, owner or follow_up.owner, now + rules.case.due(ticket.tier))
    return (worked, _asked(ticket, now, rules)) if ask else (worked,)


def may_answer(caller: Principal, ticket: Ticket) -> bool:
    """The customer itself, or the desk in its name. Raises Forbidden for a parent account, which may only read."""
    if not caller.may_read(ticket.account):
        return False
    if caller.role == "account" and not caller.owns(ticket.account):
        raise Forbidden(f"This ticket is {ticket.account}'s: your key may read it, only that account's may answer.")
    return True
