"""One open stream: it reads from the record until it stands where the hub does, then the hub writes to its connection.

A live stream has no task, queue or buffer of its own; what the connection's buffer would not take is read again from
the record when the reader has caught up.
"""

import asyncio
import logging
from collections.abc import Sequence

from starlette.responses import Response
from starlette.types import Receive, Send
from starlette.types import Scope as AsgiScope

from services.notifier.handlers.hub import HEARTBEAT, PAGE, Face, Hub, Party, frame
from services.notifier.store.feed import Placed, Scope
from shared.db.port import Reader
from shared.errors import Unavailable
from shared.web.live import Line, NotTaken, chunk

log = logging.getLogger(__name__)
HELLO = chunk(b"retry: 2000\n\n")
SLOWEST_S = 60.0  # without any reading at all; then the connection is given up
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Connection": "close"}


class Stream:
    """What `reader` shows of `scope`. `after` is the position it resumes from; None: a ticket from its beginning."""

    __slots__ = (
        "_hub", "_is_ending", "_is_live", "_is_open", "_line", "_position", "_reader", "_task", "_wants_history",
        "face", "party", "scope",
    )  # fmt: skip

    def __init__(
        self, hub: Hub, reader: Reader, scope: Scope, after: int | None, *, party: Party, face: Face = frame
    ) -> None:
        self.scope = scope
        self.party = party
        self.face = face
        self._hub = hub
        self._reader = reader
        self._position = after or 0
        self._wants_history = after is None
        self._is_open = self._is_live = self._is_ending = False
        self._line: Line | None = None
        self._task: asyncio.Task[None] | None = None

    def enter(self) -> None:
        self._is_open = True
        self._hub.enter(self)
        self._is_ending = self._hub.closed

    async def begin(self, line: Line) -> None:
        """Returns when it is live, or over."""
        self._line = line
        line.write(HELLO)
        await self._catch_up()

    def offer(self, position: int, shown: bytes) -> None:
        if not self._is_live or position <= self._position:
            return
        assert self._line is not None
        if self._line.is_full:
            self._fall_behind()
            return
        if shown:
            self._line.write(shown)
        self._position = position

    def heartbeat(self) -> None:
        if self._is_live and self._line is not None and not self._line.is_full:
            self._line.write(HEARTBEAT)

    def end(self) -> None:
        self._is_ending = True
        if self._is_live:
            self._finish()
        elif self._line is not None:
            self._line.wake()

    def gone(self) -> None:
        """The connection is lost, or there never was one."""
        self._is_ending, self._is_live = True, False
        if self._is_open:
            self._is_open = False
            self._hub.exit(self)

    def _fall_behind(self) -> None:
        self._is_live = False
        self._hub.leave(self)
        self._task = asyncio.create_task(self._catch_up())

    async def _catch_up(self) -> None:
        """Until it is live. When the record does not answer it ends, and the reader comes again."""
        try:
            await self._read_on()
        except Unavailable as error:
            log.info("a stream ends: %s", error)
        except TimeoutError:
            log.info("a stream is given up: its reader has read nothing for %d s", SLOWEST_S)
        finally:
            self._task = None
            if not self._is_live:
                self._finish()

    async def _read_on(self) -> None:
        """Read and write until this stream stands where the hub does, and join it there."""
        assert self._line is not None
        await self._line.room(SLOWEST_S)  # what is not read yet is not added to
        if self._wants_history:
            await self._tell_history()
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
                return

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
        self._wants_history = False

    async def _tell(self, page: Sequence[Placed]) -> None:
        """Waits while the connection's buffer is full. Raises TimeoutError."""
        assert self._line is not None
        if page:
            self._line.write(chunk(b"".join(map(self.face, page))))
            self._position = max(self._position, page[-1].position or 0)
        await self._line.room(SLOWEST_S)

    def _finish(self) -> None:
        self.gone()
        if self._line is not None:
            self._line.end()


class EventStream(Response):
    """The answer that a stream is. Its request is over when the stream is live."""

    media_type = "text/event-stream"

    def __init__(self, stream: Stream) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(HEADERS)  # and no body, which would bring a Content-Length
        self._stream = stream

    async def __call__(self, scope: AsgiScope, receive: Receive, send: Send) -> None:
        self._stream.enter()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            line = Line(scope, self._stream)
        except NotTaken:
            self._stream.gone()
        except BaseException:
            self._stream.gone()
            raise
        else:
            await self._stream.begin(line)
