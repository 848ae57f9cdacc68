"""Intake's metrics: reports by what became of them, and the open tickets as the record has them."""

from sqlalchemy import func, select

from services.intake.model import Reported
from shared.db.port import Database
from shared.db.statement import Query
from shared.metrics import Metrics
from shared.tickets.tables import tickets as t

OPEN = Query(
    select(t.c.status, t.c.impact, func.count().label("n"))
    .where(t.c.over_at.is_(None))
    .group_by(t.c.status, t.c.impact)
)


class IntakeMetrics:
    def __init__(self, metrics: Metrics, database: Database) -> None:
        reports = metrics.counter("vrc_reports_total", "Fault reports accepted.", ("outcome",))
        self._created, self._joined, self._replayed = map(reports.labels, ("created", "joined", "replayed"))
        self._open = metrics.gauge("vrc_open_tickets", "Tickets not over, from the record.", ("status", "impact"))
        self._database = database
        metrics.from_record(self._count_open)

    def reported(self, reported: Reported) -> None:
        outcome = self._replayed if reported.replayed else self._created if reported.created else self._joined
        outcome.inc()

    async def _count_open(self) -> None:
        rows = await self._database.fetch(OPEN)
        self._open.clear()
        for row in rows:
            self._open.labels(row["status"], row["impact"]).set(row["n"])
