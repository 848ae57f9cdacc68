"""When an open ticket's service is expected back, and who says so: there is always an answer. Pure.

The network that works on it knows best, until the instant it named has passed. Then, and before it said anything, what
repairs like this one took (`RestorationPredicted`); where nothing is on record, what was promised.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.clock import from_ms
from shared.tickets.deadlines import restore_due_at
from shared.tickets.model import Ticket

ESTIMATE, TARGET = "estimate", "target"


@dataclass(frozen=True, slots=True)
class Expected:
    """`basis`: `estimate` is the network's own, `target` what was promised, any other what was known of the `samples`
    repairs that were asked. `overdue_since`: the network had named that instant, and the service was not back."""

    at: datetime
    earliest: datetime | None
    latest: datetime | None
    basis: str
    samples: int = 0
    overdue_since: datetime | None = None


def expected(ticket: Ticket) -> Expected | None:
    """None while the service is back, when the ticket is over, and where nothing at all was promised."""
    if ticket.is_over or ticket.status == "resolved":
        return None
    estimate, said = ticket.expected_restoration_at, ticket.predicted
    if estimate is not None and (said is None or said.overdue_since != estimate):
        return Expected(estimate, None, None, ESTIMATE)
    if said is not None:
        return Expected(
            said.expected_at, said.earliest_at, said.latest_at, said.basis, said.samples, said.overdue_since
        )
    due = restore_due_at(ticket)
    promised = from_ms(due) if due is not None else ticket.breach_at
    return None if promised is None else Expected(promised, None, None, TARGET)
