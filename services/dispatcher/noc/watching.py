"""The NOC's routes to what the center noticed by itself: early warnings and silent networks."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from services.dispatcher.noc import warnings
from services.dispatcher.noc import watch_shapes as shapes
from services.dispatcher.noc.silent_networks import SilentNetworks
from shared.auth.principal import Principal
from shared.clock import to_ms
from shared.db.port import Database
from shared.registry.store import Registry
from shared.web.answers import json
from shared.web.pages import Cursor, Limit, decode_cursor, encode_cursor, page
from shared.web.routes import LIST_PROBLEMS, StrictRoute, allow

NocReader = Annotated[Principal, Depends(allow("operator", needs="noc:read"))]
WarningsReader = Annotated[Principal, Depends(allow("operator", needs="warnings:read"))]


def routes(database: Database, registry: Registry, silences: SilentNetworks) -> APIRouter:
    router = APIRouter(route_class=StrictRoute)

    @router.get("/v1/noc/warnings", response_model=shapes.WarningPage, responses=LIST_PROBLEMS, tags=["noc"])
    async def read_warnings(caller: WarningsReader, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """Early warnings, newest first: faults that repeat, accounts whose attainment falls."""
        before = decode_cursor(cursor, int, str, str)
        rows = await warnings.newest(
            database, before=(before[0], before[1], before[2]) if before else None, most=limit + 1
        )
        last = rows[min(limit, len(rows)) - 1] if rows else None
        following = encode_cursor(last["raised_at"], last["kind"], last["subject"]) if last else None
        return json(page([shapes.warning_view(row) for row in rows], limit=limit, next_cursor=following))

    @router.get("/v1/noc/silent-networks", response_model=shapes.SilentPage, responses=LIST_PROBLEMS, tags=["noc"])
    async def read_silent_networks(caller: NocReader, limit: Limit = 50, cursor: Cursor = None) -> Response:
        """Local networks whose door is silent although orders wait there, the longest silent first."""
        after = decode_cursor(cursor, int, str) or (-(2**62), "")
        found = [s for s in await silences.now() if (to_ms(s.since), s.network) > after][: limit + 1]
        last = found[min(limit, len(found)) - 1] if found else None
        following = encode_cursor(to_ms(last.since), last.network) if last else None
        items = [shapes.silent_view(s, registry.network(s.network)) for s in found]
        return json(page(items, limit=limit, next_cursor=following))

    return router
