"""Server-sent events: `GET /v1/stream` and `GET /v1/tickets/{id}/stream`, resumable by Last-Event-ID."""

import re
from typing import Annotated, Any, cast, get_args
from weakref import WeakValueDictionary

from fastapi import APIRouter, Header, Path, Query
from pydantic import StringConstraints, WithJsonSchema
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from services.notifier.api.following import EventStream, Stream
from services.notifier.handlers.hub import Face, Hub, frame
from services.notifier.model.preferences import EVERYTHING, Changes, Preferences
from services.notifier.model.subscription import matches
from services.notifier.store.feed import Placed, Scope
from services.notifier.subscriptions.shapes import MOST_PLACES, SITE, SITE_FORM
from shared.auth.permissions import Access
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.contracts.facts import TYPES
from shared.db.port import Database, Reader
from shared.errors import FieldError, InvalidInput, NotFound, Unavailable
from shared.ids import ENTRY_PATTERN, TICKET_PATTERN, TicketId
from shared.tickets import store as tickets
from shared.web.authentication import Admission, authenticate
from shared.web.routes import HotRoute, hot, problems

_FACES: WeakValueDictionary[Preferences, Face] = WeakValueDictionary()
READERS = Access(("account", "operator"), "tickets:read")
STREAM_PROBLEMS = problems(400, 401, 403, 404, 410, 422, 503)
NEEDS_KEY: dict[str, Any] = {"security": [{"api_key": []}]}
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=r"^[0-9]{1,18}$",
        description="The last `id` that was received; what followed it comes first. Browsers send it by themselves",
    ),
]

Wanted = Annotated[
    list[Annotated[str, WithJsonSchema({"type": "string", "enum": list(TYPES)})]] | None,
    Query(alias="events", max_length=len(TYPES), description="These types of event only; repeat it for several"),
]
WantedChanges = Annotated[
    Changes, Query(alias="changes", description="`milestones`: steps of the ticket only; `urgent`: the gravest")
]
OnCircuits = Annotated[
    list[Annotated[str, StringConstraints(pattern=ENTRY_PATTERN)]] | None,
    Query(alias="circuits", max_length=MOST_PLACES, description="Only tickets on these; repeat it for several"),
]
AtSites = Annotated[
    list[Annotated[str, StringConstraints(pattern=SITE)]] | None,
    Query(
        alias="sites", max_length=MOST_PLACES,
        description="Also, or only, tickets on circuits that end there: network/site; repeat it for several",
    ),
]  # fmt: skip
OfAccount = Annotated[
    str | None, Query(min_length=1, max_length=64, description="Of one of the accounts that the caller may read")
]


def stream_routes(hub: Hub, database: Database) -> APIRouter:
    router = APIRouter(route_class=HotRoute, tags=["streams"])

    async def of_account(request: Request) -> Response:
        caller = await authenticate(request, READERS)
        wanted = _wanted(request)
        scope = Scope(caller.reading(request.query_params.get("account")), by_place=wanted.by_place)
        return await follow(hub, request, caller, reader_for(caller, database), scope, face=showing(wanted))

    async def of_ticket(request: Request) -> Response:
        caller = await authenticate(request, READERS)
        face, reader = showing(_wanted(request, places=False)), reader_for(caller, database)
        id = await _visible(reader, caller, request.path_params["id"])
        return await follow(hub, request, caller, reader, Scope(ticket=id), face=face)

    @router.get(
        "/v1/stream", status_code=200, response_class=EventStream, responses=STREAM_PROBLEMS,
        openapi_extra=NEEDS_KEY, summary="Everything that happens from now on, as server-sent events",
    )  # fmt: skip
    @hot(of_account, READERS)
    async def stream(
        events: Wanted = None,
        changes: WantedChanges = "all",
        circuits: OnCircuits = None,
        sites: AtSites = None,
        account: OfAccount = None,
        last_event_id: LastEventId = None,
    ) -> None:
        """What an account may read, to an operator all. `event` is the event's type, `data` one line of JSON."""

    @router.get(
        "/v1/tickets/{id}/stream", status_code=200, response_class=EventStream, responses=STREAM_PROBLEMS,
        openapi_extra=NEEDS_KEY, summary="One ticket from its beginning, then live",
    )  # fmt: skip
    @hot(of_ticket, READERS)
    async def stream_ticket(
        id: Annotated[TicketId, Path(pattern=TICKET_PATTERN)],
        events: Wanted = None,
        changes: WantedChanges = "all",
        last_event_id: LastEventId = None,
    ) -> None:
        """With Last-Event-ID: what followed that event. `data` is an item of the ticket's log."""

    return router


async def follow(
    hub: Hub,
    request: Request,
    caller: Principal,
    reader: Reader,
    scope: Scope,
    *,
    face: Face = frame,
    own_most: int | None = None,
) -> EventStream:
    """The stream of this scope, to be served without an await in between: only then is its place taken.

    It counts among its account's; with `own_most`, among those of what the caller showed at the door.
    Raises Unavailable, InvalidInput, Gone or TooManyRequests.
    """
    if hub.closed:
        raise Unavailable("The center is stopping; connect again.")
    after = await hub.start_after(request.headers.get("last-event-id"))
    if after is None and scope.ticket is None:
        after = await hub.newest()
    name = caller.subject if caller.role == "account" else None
    if own_most is not None:
        name = caller.credential
    if name is not None:
        hub.require_place(name, own_most)
    party = hub.party(Admission.of(request, caller), name)
    return EventStream(Stream(hub, reader, scope, after, party=party, face=face))


def _wanted(request: Request, *, places: bool = True) -> Preferences:
    """Raises InvalidInput."""
    given = request.query_params
    events, changes = frozenset(given.getlist("events")), given.get("changes", "all")
    if unknown := sorted(events - TYPES.keys()):
        more = "; for several, repeat it: events=…&events=…" if "," in unknown[0] else ""
        raise InvalidInput(FieldError("query:events", f"there is no type {unknown[0][:50]}; see /openapi.json{more}"))
    if changes not in get_args(Changes):
        raise InvalidInput(FieldError("query:changes", f"must be one of {', '.join(get_args(Changes))}"))
    if not places:
        return Preferences(events=events, changes=cast(Changes, changes))
    circuits = _places(given, "circuits", ENTRY_PATTERN, "is no circuit's id")
    sites = _places(given, "sites", SITE, f"is no site: {SITE_FORM}")
    return Preferences(events, cast(Changes, changes), circuits, sites)


def _places(given: QueryParams, name: str, pattern: str, objection: str) -> frozenset[str]:
    found = given.getlist(name)
    if len(found) > MOST_PLACES:
        raise InvalidInput(FieldError(f"query:{name}", f"must be given at most {MOST_PLACES} times"))
    for value in found:
        if not re.fullmatch(pattern, value):
            raise InvalidInput(FieldError(f"query:{name}", f"{value[:50]!r} {objection}"))
    return frozenset(found)


def showing(wanted: Preferences) -> Face:
    """The same for the same wishes, so that what they show is made once for all who have them now.

    Forgotten with the last stream that has them: a thousand that were kept could be 64 KiB each.
    """
    if wanted == EVERYTHING:
        return frame
    face = _FACES.get(wanted)
    if face is None:

        def face(placed: Placed) -> bytes:
            return frame(placed) if matches(wanted, placed.event, placed.place) else b""

        _FACES[wanted] = face
    return face


async def _visible(reader: Reader, caller: Principal, id: str) -> TicketId:
    """Raises NotFound."""
    ticket = await tickets.get(reader, TicketId(id)) if re.fullmatch(TICKET_PATTERN, id) else None
    if ticket is None or not caller.may_read(ticket.account):
        raise NotFound()
    return ticket.id
