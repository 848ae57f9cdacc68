"""The dispatcher's metrics: orders, and progress by door."""

from services.dispatcher.handlers import Dispatched
from shared.metrics import Metrics


class DispatcherMetrics:
    def __init__(self, metrics: Metrics) -> None:
        self._issued = metrics.counter("vrc_orders_issued_total", "Repair orders issued.")
        self._failed = metrics.counter("vrc_dispatch_failures_total", "Tickets whose dispatch failed: defects.")
        self._overlooked = metrics.counter(
            "vrc_dispatch_overlooked_total",
            "Tickets dispatched without an event that told of them: it was lost or late.",
        )
        self._progress = metrics.counter(
            "vrc_order_progress_total", "What local networks said, by door and outcome.", ("door", "outcome")
        )

    def dispatched(self, outcome: Dispatched) -> None:
        self._issued.inc(outcome.issued)
        self._failed.inc(outcome.failed)

    def overlooked(self, outcome: Dispatched) -> None:
        self.dispatched(outcome)
        self._overlooked.inc(outcome.tickets)

    def progress_taken(self, door: str) -> None:
        self._progress.labels(door, "taken").inc()

    def progress_refused(self, door: str, count: int = 1) -> None:
        self._progress.labels(door, "refused").inc(count)
