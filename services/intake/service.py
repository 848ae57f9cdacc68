"""Intake, put together from what it is given."""

from fastapi import APIRouter

from services.intake.api import report_route, routes
from services.intake.handlers import Desk
from services.intake.metrics import IntakeMetrics
from services.intake.report import ReportDoor
from shared.clock import Clock
from shared.db.port import Database
from shared.metrics import Metrics
from shared.registry.store import Registry


class IntakeService:
    def __init__(self, database: Database, registry: Registry, clock: Clock, metrics: Metrics) -> None:
        self._desk = Desk(database, clock)
        door = ReportDoor(self._desk, registry, clock, IntakeMetrics(metrics, database))
        self.routers: list[APIRouter] = [report_route(door), routes(self._desk, database, registry)]

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        """Finishes what was taken."""
        await self._desk.close()
