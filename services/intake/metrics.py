"""Intake's metrics: reports by what became of them."""

from services.intake.model import Reported
from shared.metrics import Metrics


class IntakeMetrics:
    def __init__(self, metrics: Metrics) -> None:
        reports = metrics.counter("vrc_reports_total", "Fault reports accepted.", ("outcome",))
        self._created, self._joined, self._replayed = map(reports.labels, ("created", "joined", "replayed"))

    def reported(self, reported: Reported) -> None:
        outcome = self._replayed if reported.replayed else self._created if reported.created else self._joined
        outcome.inc()
