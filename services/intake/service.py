"""Intake, put together from what it is given."""

from fastapi import APIRouter

from services.intake.api import command_routes, report_route
from services.intake.crowding import Crowding
from services.intake.handlers import Desk
from services.intake.metrics import IntakeMetrics
from services.intake.reads.routes import read_routes
from services.intake.reads.sla import sla_routes
from services.intake.reads.statement import statement_routes
from services.intake.reads.terms import terms_routes
from services.intake.registry.accounts import Accounts
from services.intake.registry.desk import routes as desk_routes
from services.intake.registry.routes import routes as registry_routes
from services.intake.report import ReportDoor
from shared.audit.signing import Signer
from shared.clock import Clock
from shared.db.port import Database
from shared.metrics import Metrics
from shared.registry.store import Registry
from shared.tickets.targets import Policies


class IntakeService:
    def __init__(
        self,
        database: Database,
        registry: Registry,
        clock: Clock,
        *,
        policies: Policies,
        signer: Signer,
        metrics: Metrics,
        joins_an_hour: int,
    ) -> None:
        self._desk = Desk(database, clock, Crowding(joins_an_hour, metrics).admit, policies)
        door = ReportDoor(self._desk, registry, policies, clock, IntakeMetrics(metrics))
        self.routers: list[APIRouter] = [
            report_route(door),
            read_routes(database),
            sla_routes(database, clock),
            terms_routes(database, registry, policies),
            statement_routes(database, registry, clock, signer),
            command_routes(self._desk),
            registry_routes(database, clock),
            desk_routes(database, Accounts(database, registry)),
        ]

    async def start(self) -> None:
        return None

    async def stop(self) -> None:
        """Finishes what was taken."""
        await self._desk.close()
