"""What keeps measures in step while the center runs: the events, gathered for a moment, and the walk."""

import asyncio
from collections.abc import Sequence

from services.dispatcher.measures.handlers import Measuring
from shared.bus.loop import consume
from shared.bus.port import Events
from shared.bus.tick import Loop
from shared.bus.wake import Wake
from shared.contracts.event import Event
from shared.health import Health

GATHERED_FOR_S = 0.2  # a report, its orders and their acceptance are often one moment: measured once
STOP_WITHIN_S = 5.0


class MeasuringLoops:
    def __init__(self, measuring: Measuring, events: Events, health: Health) -> None:
        self._measuring = measuring
        self._events = events
        self._pulse = health.pulse("dispatcher-measures")
        self._wake = Wake()
        self._walk = Loop("dispatcher-walk", self._walk_on, wake=self._wake, every_s=1.0, pulse=None)
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self._measuring.begin()
        loop = consume(self._events, self._on_events, self._pulse)
        self._task = asyncio.create_task(loop, name=self._pulse.name)
        self._walk.start()

    async def stop(self) -> None:
        await self._walk.stop(STOP_WITHIN_S)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._events.close()

    async def _on_events(self, events: Sequence[Event]) -> None:
        await asyncio.sleep(GATHERED_FOR_S)
        await self._measuring.on_events(events)

    async def _walk_on(self) -> None:
        if await self._measuring.walk_on():
            self._wake.set()
