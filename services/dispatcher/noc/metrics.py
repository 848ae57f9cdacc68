"""What the NOC has before it, as the record has it."""

from typing import get_args

from services.dispatcher.noc import store, warnings
from services.dispatcher.noc.rules import WarningKind
from services.dispatcher.noc.silent_networks import SilentNetworks
from shared.clock import Clock
from shared.db.port import Database
from shared.metrics import Metrics


class NocMetrics:
    def __init__(self, metrics: Metrics, database: Database, clock: Clock, silences: SilentNetworks) -> None:
        self._queue = metrics.gauge("vrc_noc_queue_tickets", "Tickets that wait to be routed by hand.")
        self._silent = metrics.gauge("vrc_silent_networks", "Local networks whose door is silent while orders wait.")
        self._warnings = metrics.gauge("vrc_early_warnings", "Early warnings that hold, by kind.", ("kind",))
        self._database = database
        self._clock = clock
        self._silences = silences
        metrics.from_record(self._count)

    async def _count(self) -> None:
        self._queue.set(await store.queued(self._database))
        self._silent.set(len(await self._silences.now()))
        active = await warnings.active(self._database, self._clock.now())
        for kind in get_args(WarningKind):
            self._warnings.labels(kind).set(active.get(kind, 0))
