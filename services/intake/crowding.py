"""How often one circuit's open ticket may be reported again: counted in its log, so by all processes together.

Only what really joined is in the log: a report that is repeated with the same Idempotency-Key is answered before.
"""

from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import bindparam, select

from shared.clock import from_ms
from shared.contracts.facts import NAMES, ReportJoined
from shared.db.port import Tx
from shared.db.statement import Query
from shared.errors import TooManyRequests
from shared.metrics import Metrics
from shared.tickets.model import Ticket
from shared.tickets.tables import ticket_log

HOUR = timedelta(hours=1)
NTH_LAST_JOIN = Query(
    select(ticket_log.c.at)
    .where(ticket_log.c.ticket == bindparam("ticket"), ticket_log.c.type == NAMES[ReportJoined])
    .order_by(ticket_log.c.seq.desc())
    .limit(1)
    .offset(bindparam("passed"))
)


class Crowding:
    """At most `an_hour` reports join a ticket within any hour; 0: any number."""

    def __init__(self, an_hour: int, metrics: Metrics) -> None:
        self._an_hour = an_hour
        self._refused = metrics.refusals.labels("circuit").inc

    async def admit(self, tx: Tx, ticket: Ticket, now: datetime) -> None:
        """The log is asked only about a ticket that has had that many reports at all. Raises TooManyRequests."""
        if not 0 < self._an_hour < ticket.reports:
            return
        rows = await tx.fetch(NTH_LAST_JOIN, ticket=ticket.id, passed=self._an_hour - 1)
        free_at = from_ms(rows[0]["at"]) + HOUR if rows else now
        if free_at > now:
            self._refused()
            raise TooManyRequests(
                f"Circuit {ticket.circuit} was reported {self._an_hour} times within the hour, and its ticket"
                f" {ticket.id} is open: follow it, or add to it with POST /v1/tickets/{ticket.id}/notes.",
                retry_after_s=ceil((free_at - now).total_seconds()),
            )
