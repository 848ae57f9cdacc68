"""uvicorn as the center runs it: several listeners in one loop, and no caller who may be endlessly slow, or endless.

uvicorn waits for ever for a request that never ends; here a request has 20 s to arrive whole, and is answered 408 when
its body has not, and who reads nothing of a long answer for a minute is cut off. It caps no head either, and puts a
value together anew with each read: one header of 100 MB, which nobody need have a key for, held the center up for 9 s.
An answer that never ends may take its connection over (`shared.web.live`), as uvicorn itself lets WebSockets do.
"""

import asyncio
import contextlib
import errno
import socket
import struct
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from shared.errors import CenterError, HeadTooLarge, Incomplete
from shared.web.live import TAKE_OVER
from shared.web.problems import problem

ARRIVES_WITHIN_S = 20.0
READ_EVERY_S, READ_BYTES = 60.0, 64 * 1024  # as slow as a reader of long answers may be
AT_ONCE = struct.pack("ii", 1, 0)
MAX_HEAD_BYTES = 64 * 1024  # of all that is not body: request line, headers, trailers, what frames chunks
UNREAD_BYTES = 32 * 1024  # the kernel doubles it; left alone it kept 2.6 MB for a reader that did not read


class PunctualProtocol(HttpToolsProtocol):
    """Closes a connection whose request is not whole in time, or all head, and one whose answers are not read; lets go
    of one that is taken over."""

    _deadline: asyncio.TimerHandle | None = None
    _unread: asyncio.TimerHandle | None = None
    _head_bytes = 0
    _answering: RequestResponseCycle | None = None  # not `cycle`: that is the last one asked for

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self._refuse(HeadTooLarge(f"A request's line and headers may have at most {MAX_HEAD_BYTES} bytes."))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TAKE_OVER: self._let_go}  # type: ignore[dict-item]
        self._expect()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.headers = []  # trailers would be taken for headers, which proxies pass without looking at them

    def on_body(self, body: bytes) -> None:
        self._head_bytes -= len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._head_bytes = 0
        self._stop_expecting()
        super().on_message_complete()

    def pause_writing(self) -> None:
        """More waits to be read than a reader may leave."""
        super().pause_writing()
        self._expect_a_reader()

    def resume_writing(self) -> None:
        self._stop_waiting_for_the_reader()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_expecting()
        self._stop_waiting_for_the_reader()
        super().connection_lost(exc)

    def _let_go(self, to: asyncio.Protocol) -> asyncio.Transport | None:
        """The connection is `to`'s from now on, and all that its request needed is given up; None when it is lost."""
        transport = self.transport
        if transport.is_closing():
            return None
        self._stop_expecting()
        self._stop_waiting_for_the_reader()
        self.flow.resume_reading()  # a lost connection is noticed by reading
        transport.set_protocol(to)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES)
        self.connections.discard(self)
        assert self._answering is not None
        self._answering.response_complete = True
        self._answering.scope.pop("extensions")
        self.parser = self.cycle = self.flow = self._answering = None  # type: ignore[assignment]
        self.pipeline.clear()
        return transport

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _expect(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(ARRIVES_WITHIN_S, self._give_up)

    def _give_up(self) -> None:
        waiting = self._answering  # none while the head is not there: a connection that asked nothing is just closed
        if waiting is not None and waiting is self.cycle and not waiting.response_started:
            self.transport.write(_last(Incomplete()))
        self.transport.close()

    def _refuse(self, why: CenterError) -> None:
        """Said only where it can't be taken for the answer to what is under way."""
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_last(why))
        self.transport.close()

    def _expect_a_reader(self) -> None:
        waiting = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(READ_EVERY_S, self._look_after_the_reader, waiting)

    def _look_after_the_reader(self, waiting: int) -> None:
        if waiting - self.transport.get_write_buffer_size() >= READ_BYTES:
            self._expect_a_reader()
        else:
            self._cut_off()

    def _cut_off(self) -> None:
        """Not closed: that would wait until all was read."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
        self.transport.abort()

    def _stop_waiting_for_the_reader(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _stop_expecting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _last(why: CenterError) -> bytes:
    """A whole answer: the request itself hears of the closed connection only, and answers into the void."""
    answer = problem(why)
    answer.headers["Connection"] = "close"
    head = b"".join(b"%b: %b\r\n" % header for header in answer.raw_headers)
    return STATUS_LINE[answer.status_code] + head + b"\r\n" + bytes(answer.body)


class Listener(uvicorn.Server):
    """One address. Signals are the caller's business: `stop` ends it."""

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        config = uvicorn.Config(
            app, host=host, port=port, http=PunctualProtocol, ws="none", lifespan="off", log_config=None,
            access_log=False, server_header=False, proxy_headers=False, timeout_keep_alive=75,
            timeout_graceful_shutdown=5, backlog=2048,
        )  # fmt: skip
        super().__init__(config)
        self._running: asyncio.Task[None] | None = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def start(self) -> None:
        """Returns when the address is bound. Raises OSError when it can't be."""
        self._running = asyncio.create_task(self._serve_or_raise(), name=f"listen-{self.config.port}")
        while not self.started and not self._running.done():  # noqa: ASYNC110  uvicorn offers no event for it
            await asyncio.sleep(0.005)
        if self._running.done():
            await self._running

    async def stop(self) -> None:
        self.should_exit = True
        if self._running is not None:
            await self._running

    @property
    def bound_port(self) -> int:
        """The port, also when 0 was asked for."""
        sockets: list[Any] = [s for server in self.servers for s in server.sockets]
        return int(sockets[0].getsockname()[1])

    async def _serve_or_raise(self) -> None:
        try:
            await self.serve()
        except SystemExit as error:  # uvicorn's, on what kept it from listening
            raise OSError(f"{self.config.host}:{self.config.port} can't be bound: {_why(error.__context__)}") from None


def _why(error: BaseException | None) -> str:
    match error:
        case OSError(errno=errno.EADDRINUSE):
            return "another program uses the port; name another port"
        case OSError(errno=errno.EADDRNOTAVAIL):
            return "it is no address of this machine; name one that is, such as 127.0.0.1"
        case OSError(strerror=str(why)):
            return why
        case _:
            return str(error)
