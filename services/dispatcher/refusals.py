"""Local networks on Kafka are told what of theirs was refused: until the broker has it, and each in its own topic."""

from collections.abc import Sequence

from services.dispatcher.noc import store
from shared.bus.port import Publisher
from shared.clock import Clock, from_ms
from shared.contracts.envelope import Message
from shared.contracts.refusal import ProgressRefused, to_message
from shared.db.port import Database
from shared.db.statement import Row
from shared.ids import NetworkCode

TOGETHER = 100


class Refusals:
    def __init__(self, database: Database, publisher: Publisher, clock: Clock) -> None:
        self._database = database
        self._publisher = publisher
        self._clock = clock

    async def tell(self) -> None:
        """What is not told yet, the oldest first. Raises Unavailable; told twice it has the same `ce_id`."""
        while refused := await store.untold(self._database, most=TOGETHER):
            await self._publisher.publish(self._messages(refused))
            await self._database.transact(lambda tx, refused=refused: store.told(tx, refused))  # type: ignore[misc]

    def _messages(self, refused: Sequence[Row]) -> Sequence[Message]:
        now = self._clock.now()
        return [to_message(NetworkCode(row["network"]), row["source"], _said(row), now=now) for row in refused]


def _said(row: Row) -> ProgressRefused:
    return ProgressRefused(
        message=row["id"], type=row["type"], order=row["order_id"], reason=row["reason"], refused_at=from_ms(row["at"])
    )
