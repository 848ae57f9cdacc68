"""`/v1/track`: the one ticket that a tracking link shows, as it stands and live. Nothing can be named here."""

from collections.abc import Sequence

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from services.notifier.api.following import EventStream
from services.notifier.api.streams import NEEDS_KEY, STREAM_PROBLEMS, LastEventId, follow
from services.notifier.handlers.hub import Hub
from services.notifier.store.feed import Scope
from services.notifier.tracking import shapes
from services.notifier.tracking.view import frame, seen
from services.notifier.wording.names import Names
from shared.auth.permissions import Access
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.contracts.event import Event
from shared.db.port import Database, Reader
from shared.errors import NotFound
from shared.ids import TicketId
from shared.tickets import store as tickets
from shared.web.answers import json
from shared.web.authentication import authenticate
from shared.web.routes import READ_PROBLEMS, HotRoute, StrictRoute, allow, hot

VISITORS = Access(("link",), "ticket:track")
MOST_STREAMS = 20  # of one link, in one process
DISCREET = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def visitor_routes(hub: Hub, database: Database, names: Names) -> Sequence[APIRouter]:
    router = APIRouter(route_class=StrictRoute, tags=["tracking links"])
    visitor = Depends(allow(*VISITORS.roles, needs=VISITORS.needs))

    @router.get(
        "/v1/track", response_model=shapes.TrackView, responses=READ_PROBLEMS, summary="The ticket of this link"
    )
    async def track(caller: Principal = visitor) -> Response:
        """With a link's token: `Authorization: Bearer vrt_…`. Its steps are codes and instants; no words of anybody."""
        ticket, reader = TicketId(caller.subject), reader_for(caller, database)
        found = await tickets.get(reader, ticket)
        if found is None:
            raise NotFound()
        return json(seen(found, await _whole_log(reader, ticket), names), 200, DISCREET)

    return [router, _stream_route(hub, database)]


def _stream_route(hub: Hub, database: Database) -> APIRouter:
    router = APIRouter(route_class=HotRoute, tags=["tracking links"])

    async def of_link(request: Request) -> Response:
        caller = await authenticate(request, VISITORS)
        reader, scope = reader_for(caller, database), Scope(ticket=TicketId(caller.subject))
        return await follow(hub, request, caller, reader, scope, face=frame, own_most=MOST_STREAMS)

    @router.get(
        "/v1/track/stream", status_code=200, response_class=EventStream, responses=STREAM_PROBLEMS,
        openapi_extra=NEEDS_KEY, summary="The ticket of this link from its beginning, then live",
    )  # fmt: skip
    @hot(of_link, VISITORS)
    async def stream(last_event_id: LastEventId = None) -> None:
        """With Last-Event-ID: what followed that event. `data` is one of the `steps` of /v1/track."""

    return router


async def _whole_log(reader: Reader, ticket: TicketId) -> Sequence[Event]:
    """However long it is."""
    found: list[Event] = []
    while page := await tickets.entries(reader, ticket, after=len(found)):
        found += page
    return found
