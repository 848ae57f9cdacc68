"""The local networks' door on Kafka while the center runs: what they say comes in, what was refused of it goes out."""

import asyncio
from dataclasses import dataclass

from services.dispatcher.handlers import OrderDesk
from services.dispatcher.inbound import ProgressDoor
from services.dispatcher.metrics import DispatcherMetrics
from services.dispatcher.refusals import Refusals
from services.dispatcher.signs import Signs
from shared.bus.loop import consume
from shared.bus.port import Inbound, Publisher
from shared.bus.tick import Loop
from shared.bus.wake import Wake
from shared.clock import Clock
from shared.db.port import Database
from shared.health import Health

LOOK_EVERY_S = 1.0
STOP_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Wire:
    """`publisher` is the door's own: the log's facts go out by the relay's."""

    inbound: Inbound
    publisher: Publisher


class OverKafka:
    def __init__(
        self, wire: Wire, desk: OrderDesk, database: Database, clock: Clock, metrics: DispatcherMetrics, signs: Signs
    ) -> None:
        self._wire = wire
        refused = Wake()
        self._door = ProgressDoor(desk, database, clock, metrics, signs, refused=refused.set)
        tell = Refusals(database, wire.publisher, clock).tell
        self._telling = Loop("dispatcher-refusals", tell, wake=refused, every_s=LOOK_EVERY_S, pulse=None)
        self._hearing: asyncio.Task[None] | None = None

    def start(self, health: Health) -> None:
        pulse = health.pulse("dispatcher-progress")
        self._hearing = asyncio.create_task(consume(self._wire.inbound, self._door.on_messages, pulse), name=pulse.name)
        self._telling.start()

    async def stop(self) -> None:
        if self._hearing is not None:
            self._hearing.cancel()
            await asyncio.gather(self._hearing, return_exceptions=True)
        await self._telling.stop(STOP_WITHIN_S)

    async def close(self) -> None:
        """When what was heard has been decided: then it is nobody else's to hear again."""
        await self._wire.inbound.close()
        await self._wire.publisher.close()
