"""The dispatcher's metrics: orders, progress by door, and the NOC's queue as the record has it."""

from services.dispatcher import store
from shared.db.port import Database
from shared.metrics import Metrics


class DispatcherMetrics:
    def __init__(self, metrics: Metrics, database: Database) -> None:
        self._issued = metrics.counter("vrc_orders_issued_total", "Repair orders issued.")
        self._failed = metrics.counter("vrc_dispatch_failures_total", "Tickets whose dispatch failed: defects.")
        self._progress = metrics.counter(
            "vrc_order_progress_total", "What local networks said, by door and outcome.", ("door", "outcome")
        )
        self._queue = metrics.gauge("vrc_noc_queue_tickets", "Tickets that wait to be routed by hand.")
        self._database = database
        metrics.from_record(self._count_queue)

    def dispatched(self, issued: int, failed: int) -> None:
        self._issued.inc(issued)
        self._failed.inc(failed)

    def progress_taken(self, door: str) -> None:
        self._progress.labels(door, "taken").inc()

    def progress_refused(self, door: str, count: int = 1) -> None:
        self._progress.labels(door, "refused").inc(count)

    async def _count_queue(self) -> None:
        self._queue.set(await store.queued(self._database))
