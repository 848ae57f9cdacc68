"""The dispatcher, put together from what it is given, and its two loops: tickets' facts in, networks' progress in."""

import asyncio
from collections.abc import Sequence

from fastapi import APIRouter

from services.dispatcher.api import routes
from services.dispatcher.handlers import OrderDesk
from services.dispatcher.inbound import ProgressDoor
from services.dispatcher.metrics import DispatcherMetrics
from services.dispatcher.noc import routes as noc
from services.dispatcher.noc.metrics import NocMetrics
from shared.bus.loop import consume
from shared.bus.port import Events, Inbound
from shared.clock import Clock
from shared.contracts.event import Event
from shared.db.port import Database
from shared.health import Health
from shared.metrics import Metrics
from shared.registry.store import Registry


class DispatcherService:
    """`inbound` is None where local networks have only the HTTP door (embedded)."""

    def __init__(
        self,
        database: Database,
        registry: Registry,
        clock: Clock,
        *,
        events: Events,
        inbound: Inbound | None,
        metrics: Metrics,
        health: Health,
    ) -> None:
        self._metrics = DispatcherMetrics(metrics)
        NocMetrics(metrics, database)
        self._desk = OrderDesk(database, registry, clock)
        self._door = ProgressDoor(self._desk, database, clock, self._metrics)
        self._events = events
        self._inbound = inbound
        self._health = health
        self._tasks: list[asyncio.Task[None]] = []
        self.routers: list[APIRouter] = [routes(self._desk, database, self._metrics), noc.routes(self._desk, database)]

    async def start(self) -> None:
        pulse = self._health.pulse("dispatcher-events")
        self._tasks.append(asyncio.create_task(consume(self._events, self._on_events, pulse), name="dispatcher-events"))
        if self._inbound is not None:
            pulse = self._health.pulse("dispatcher-progress")
            loop = consume(self._inbound, self._door.on_messages, pulse)
            self._tasks.append(asyncio.create_task(loop, name="dispatcher-progress"))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._desk.close()
        await self._events.close()
        if self._inbound is not None:
            await self._inbound.close()

    async def _on_events(self, events: Sequence[Event]) -> None:
        self._metrics.dispatched(*await self._desk.on_events(events))
