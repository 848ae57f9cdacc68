"""Tracking links, put together: routes, door, and the loops that follow revocations and forget what is long over."""

from datetime import timedelta

from fastapi import APIRouter

from services.notifier.handlers.hub import Hub
from services.notifier.tracking import store
from services.notifier.tracking.desk import LinkDesk
from services.notifier.tracking.door import ByLink, Links
from services.notifier.tracking.links import LinkMint
from services.notifier.tracking.page.serving import page_route
from services.notifier.tracking.routes import link_routes
from services.notifier.tracking.visiting import visitor_routes
from services.notifier.wording.names import Names
from shared.bus.tick import Loop
from shared.bus.wake import Wake
from shared.clock import Clock
from shared.db.port import Database
from shared.health import Health

FOLLOW_EVERY_S = 1.0
PRUNE_EVERY_S = 3600.0
STOP_WITHIN_S = 3.0
KEPT = timedelta(days=90)  # after a link has expired


class Tracking:
    """`names`: what a local network is called; `public_url`: the center's address as people reach it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        hub: Hub,
        mint: LinkMint,
        names: Names,
        public_url: str | None,
        health: Health,
    ) -> None:
        self._database = database
        self._clock = clock
        self.links = Links(database)
        self.door = ByLink(mint, self.links, clock)
        desk = LinkDesk(database, self.links, clock)
        self.routers: list[APIRouter] = [
            link_routes(desk, mint, clock, public_url=public_url), *visitor_routes(hub, database, names), page_route(),
        ]  # fmt: skip
        pulse = health.pulse("tracking-links")
        self._loops = [
            Loop("tracking-links", self.links.refresh, wake=Wake(), every_s=FOLLOW_EVERY_S, pulse=pulse),
            Loop("tracking-prune", self.prune_due_links, wake=Wake(), every_s=PRUNE_EVERY_S, pulse=None),
        ]

    async def start(self) -> None:
        for loop in self._loops:
            loop.start()

    async def stop(self) -> None:
        for loop in self._loops:
            await loop.stop(STOP_WITHIN_S)

    async def prune_due_links(self) -> None:
        before = self._clock.now() - KEPT
        while await self._database.transact(lambda tx: store.prune(tx, before)) == store.PRUNED_AT_ONCE:
            continue
