"""A ticket's place in the queues, by what is promised and how the clock stands. Pure; the policy is not asked."""

from dataclasses import dataclass

from shared.clock import to_ms
from shared.tickets.deadlines import restore_due_at
from shared.tickets.model import Ticket


@dataclass(frozen=True, slots=True)
class Standing:
    """A ticket's place, in ms since 1970: queues are sorted by `rank_at`, the earliest first."""

    tier: str
    breach_at: int
    rank_at: int


def standing_of(ticket: Ticket) -> Standing | None:
    """By what is promised now: the breach less the tier's head start, but never before the opening. None without terms.

    So nothing that is opened after a ticket's rank, which is never after its breach unless it was reported late,
    can stand before it: no tier starves another. And a report can't be dated back to the head of the queue.
    """
    breach = restore_due_at(ticket)
    if breach is None or ticket.terms is None:
        return None
    return Standing(ticket.tier or "", breach, max(breach - ticket.terms.head_start_ms, to_ms(ticket.opened_at)))
