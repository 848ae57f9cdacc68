"""Server-sent events over ASGI: `GET /v1/stream` and `GET /v1/tickets/{id}/stream`, resumable by Last-Event-ID.

A live stream has no task or queue of its own: the hub writes to its connection directly, and what the connection's
buffer would not take is read again from the record when the reader has caught up.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Annotated, Any, cast

from fastapi import APIRouter, Header, Path
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from services.notifier.handlers.hub import HEARTBEAT, PAGE, Face, Hub, frame
from services.notifier.store.feed import Placed, Scope
from shared.auth.permissions import Access
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.db.port import Database, Reader
from shared.errors import NotFound, Unavailable
from shared.ids import TICKET_PATTERN, TicketId
from shared.tickets import store as tickets
from shared.web.authentication import authenticate, is_still
from shared.web.routes import HotRoute, hot, problems

log = logging.getLogger(__name__)
READERS = Access(("account", "operator"), "tickets:read")
HELLO = b"retry: 2000\n\n"
SLOWEST_S = 60.0  # without any reading at all; then the connection is given up
LAST_WORD_S = 1.0
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
STREAM_PROBLEMS = problems(400, 401, 403, 404, 410, 503)
NEEDS_KEY: dict[str, Any] = {"security": [{"api_key": []}]}
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=r"^[0-9]{1,18}$",
        description="The last `id` that was received; what followed it comes first. Browsers send it by themselves",
    ),
]


class EventStream(Response):
    """The answer to one caller, from what `reader` shows him. `after` is the position it resumes from; None: a ticket
    from its beginning. `name`: whose streams it is counted among.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        hub: Hub,
        reader: Reader,
        scope: Scope,
        after: int | None,
        *,
        face: Face = frame,
        name: str | None = None,
        admitted: Callable[[], Awaitable[bool]],
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(HEADERS)  # and no body, which would bring a Content-Length
        self.scope = scope
        self.face = face
        self.name = name
        self._hub = hub
        self._reader = reader
        self.is_admitted = admitted
        self._position = after or 0
        self._wants_history = after is None
        self._is_live = self._is_ending = False
        self._patience: asyncio.Timeout | None = None
        self._send: Send

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        self._send = send
        self._hub.enter(self)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._write(HELLO)
            await self._serve(receive)
            await self._write(b"", more=False)
        except TimeoutError:
            log.info("a stream is given up: its reader has read nothing for %d s", SLOWEST_S)
        finally:
            self._hub.exit(self)

    def offer(self, position: int, frame: bytes) -> None:
        if not self._is_live or position <= self._position:
            return
        if not frame or self._write_now(frame):
            self._position = position
        else:
            self._hub.leave(self)
            self._is_live = False
            self._interrupt()

    def heartbeat(self) -> None:
        if self._is_live:
            self._write_now(HEARTBEAT)

    def end(self) -> None:
        self._is_ending = True
        self._interrupt()

    async def _serve(self, receive: Receive) -> None:
        """Until the client goes away or the center stops; when the record does not answer, the client comes again."""
        try:
            if self._wants_history:
                await self._tell_history()
            while await self._catch_up() and await self._live(receive):
                continue
        except Unavailable as error:
            log.info("a stream ends: %s", error)

    async def _tell_history(self) -> None:
        """The whole ticket as far as it was fed, pruned or not. Then nothing up to `_position` is missing."""
        assert self.scope.ticket is not None
        upto, seq = await self._hub.current(), 0
        while not self._is_ending:
            page = await self._hub.history(self._reader, self.scope.ticket, after_seq=seq)
            await self._tell(page)
            if len(page) < PAGE:
                break
            seq = page[-1].event.seq
        self._position = max(upto, self._position)

    async def _catch_up(self) -> bool:
        """Read and send until this stream stands where the hub does, and join it there. False when it is to end."""
        while not self._is_ending:
            upto = await self._hub.current()
            while self._position < upto and not self._is_ending:
                page = await self._hub.read(self._reader, self.scope, after=self._position, upto=upto)
                await self._tell(page)
                if len(page) < PAGE:
                    self._position = upto
            if self._position >= self._hub.position and not self._is_ending:
                self._hub.join(self)
                self._is_live = True
                return True
        return False

    async def _live(self, receive: Receive) -> bool:
        """Served by the hub. False when the client went away or the center stops, True when it is to catch up."""
        try:
            async with asyncio.timeout(None) as self._patience:
                while (await receive())["type"] != "http.disconnect":
                    continue
            return False
        except TimeoutError:
            return not self._is_ending
        finally:
            self._patience = None
            self._is_live = False
            self._hub.leave(self)

    async def _tell(self, page: Sequence[Placed]) -> None:
        if page:
            if shown := b"".join(map(self.face, page)):
                await self._write(shown)
            self._position = max(self._position, page[-1].position or 0)

    async def _write(self, body: bytes, *, more: bool = True) -> None:
        """Waits while the connection's buffer is full. Raises TimeoutError."""
        try:
            async with asyncio.timeout(SLOWEST_S if more else LAST_WORD_S) as self._patience:
                await self._send({"type": "http.response.body", "body": body, "more_body": more})
        finally:
            self._patience = None

    def _write_now(self, body: bytes) -> bool:
        """False, and nothing written, when the server would make us wait: it waits only before it writes."""
        message = {"type": "http.response.body", "body": body, "more_body": True}
        sending = cast(Coroutine[Any, Any, None], self._send(message))
        try:
            sending.send(None)
        except StopIteration:
            return True
        except Exception as error:  # noqa: BLE001  an edge: one broken connection must not disturb the others
            log.debug("a stream's connection is broken: %s", error)
            return True
        sending.close()
        return False

    def _interrupt(self) -> None:
        patience, self._patience = self._patience, None
        if patience is not None:
            patience.reschedule(asyncio.get_running_loop().time())


def stream_routes(hub: Hub, database: Database) -> APIRouter:
    router = APIRouter(route_class=HotRoute, tags=["streams"])

    async def of_account(request: Request) -> Response:
        caller = await authenticate(request, READERS)
        return await follow(hub, request, caller, reader_for(caller, database), Scope(caller.reads))

    async def of_ticket(request: Request) -> Response:
        caller = await authenticate(request, READERS)
        reader = reader_for(caller, database)
        id = await _visible(reader, caller, request.path_params["id"])
        return await follow(hub, request, caller, reader, Scope(ticket=id))

    @router.get(
        "/v1/stream", status_code=200, response_class=EventStream, responses=STREAM_PROBLEMS,
        openapi_extra=NEEDS_KEY, summary="Everything that happens from now on, as server-sent events",
    )  # fmt: skip
    @hot(of_account, READERS)
    async def stream(last_event_id: LastEventId = None) -> None:
        """What an account may read, to an operator all. `event` is the event's type, `data` one line of JSON."""

    @router.get(
        "/v1/tickets/{id}/stream", status_code=200, response_class=EventStream, responses=STREAM_PROBLEMS,
        openapi_extra=NEEDS_KEY, summary="One ticket from its beginning, then live",
    )  # fmt: skip
    @hot(of_ticket, READERS)
    async def stream_ticket(
        id: Annotated[TicketId, Path(pattern=TICKET_PATTERN)], last_event_id: LastEventId = None
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
    admitted = partial(is_still, request, caller)
    return EventStream(hub, reader, scope, after, face=face, name=name, admitted=admitted)


async def _visible(reader: Reader, caller: Principal, id: str) -> TicketId:
    """Raises NotFound."""
    ticket = await tickets.get(reader, TicketId(id)) if re.fullmatch(TICKET_PATTERN, id) else None
    if ticket is None or not caller.may_read(ticket.account):
        raise NotFound()
    return ticket.id
