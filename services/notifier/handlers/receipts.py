"""Receipts: what a gateway says of a message that it had taken goes to the log of attempts, beside that attempt.

What will never reach the telephone becomes a dead letter, as if it had been refused at once, listed and replayable, and
its account is told by another channel.
"""

from collections.abc import Callable

from services.notifier.handlers.troubles import Troubles
from services.notifier.metrics import NotifierMetrics
from services.notifier.store import receipts
from services.notifier.store.receipts import Receipt
from shared.clock import Clock
from shared.db.port import Database, Tx
from shared.errors import NotFound


class ReceiptDesk:
    def __init__(self, database: Database, clock: Clock, metrics: NotifierMetrics, *, look: Callable[[], None]) -> None:
        self._database = database
        self._troubles = Troubles(database, clock, look=look)
        self._look = look
        self._clock = clock
        self._metrics = metrics

    async def take(self, id: str, *, delivered: bool, said: str) -> None:
        """`id` is the message's. Repeatable. Raises NotFound for what was never sent."""
        event, _, subscription = id.rpartition(".")
        log, _, seq = event.rpartition("-")
        if not (log and seq.isascii() and seq.isdigit() and len(seq) < 10):
            raise NotFound()
        receipt = Receipt(subscription, log, int(seq), delivered, said, self._clock.now())

        async def take(tx: Tx) -> bool | None:
            """Whether lanes are due by it; None for what was never sent."""
            if not (new := await receipts.take(tx, receipt)):
                return new
            return await self._troubles.hear_receipt(tx, subscription, delivered=delivered, event=event)

        is_due = await self._database.transact(take)
        if is_due is None:
            raise NotFound()
        if is_due:
            self._look()
        self._metrics.receipt("delivered" if delivered else "failed")
