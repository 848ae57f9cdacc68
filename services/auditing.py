"""The audit trail's part of a running center: its routes, its keeper, and the refused requests it counts."""

from fastapi import APIRouter

from shared.audit.keeper import Keeper
from shared.audit.signing import Signer
from shared.bus.tick import Loop
from shared.bus.wake import Wake
from shared.clock import Clock
from shared.db.port import Database
from shared.health import Health
from shared.metrics import Metrics
from shared.web.audit import audit_routes
from shared.web.refusals import Refusals

LOOK_EVERY_S = 1.0
RECORD_EVERY_S = 5.0
STOP_WITHIN_S = 3.0


class Auditing:
    """`keeps`: whether this process answers auditors, seals and anchors; each process counts what it refuses itself."""

    def __init__(
        self, database: Database, clock: Clock, signer: Signer, refusals: Refusals, *,
        keeps: bool, metrics: Metrics, health: Health,
    ) -> None:  # fmt: skip
        self._refusals = refusals
        self._loops = [
            Loop("audit-refusals", refusals.record_due, wake=Wake(), every_s=RECORD_EVERY_S, pulse=None),
        ]
        self.routers: list[APIRouter] = []
        if keeps:
            keeper = Keeper(database, clock, signer, metrics)
            pulse = health.pulse("audit-keeper")
            self._loops.append(Loop(pulse.name, keeper.look, wake=keeper.wake, every_s=LOOK_EVERY_S, pulse=pulse))
            self.routers.append(audit_routes(database))

    async def start(self) -> None:
        for loop in self._loops:
            loop.start()

    async def stop(self) -> None:
        for loop in self._loops:
            await loop.stop(STOP_WITHIN_S)
        await self._refusals.record_all()
