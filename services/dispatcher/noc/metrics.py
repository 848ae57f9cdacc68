"""What the NOC has before it, as the record has it."""

from services.dispatcher.noc import store
from shared.db.port import Database
from shared.metrics import Metrics


class NocMetrics:
    def __init__(self, metrics: Metrics, database: Database) -> None:
        self._queue = metrics.gauge("vrc_noc_queue_tickets", "Tickets that wait to be routed by hand.")
        self._database = database
        metrics.from_record(self._count)

    async def _count(self) -> None:
        self._queue.set(await store.queued(self._database))
