"""uvicorn as the center runs it: several listeners in one loop, and no caller who may be endlessly slow.

uvicorn waits for ever for a request that never ends; here a request has 20 s to arrive whole.
"""

import asyncio
import contextlib
from collections.abc import Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ARRIVES_WITHIN_S = 20.0


class PunctualProtocol(HttpToolsProtocol):
    """Closes a connection whose request does not arrive whole in time."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect()

    def on_message_complete(self) -> None:
        self._stop_expecting()
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_expecting()
        super().connection_lost(exc)

    def _expect(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(ARRIVES_WITHIN_S, self.transport.close)

    def _stop_expecting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


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
        except SystemExit:
            raise OSError(
                f"{self.config.host}:{self.config.port} can't be bound; is another program using the port?"
            ) from None
