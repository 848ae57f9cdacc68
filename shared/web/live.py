"""An answer that goes on after its request is over: bytes written straight to the connection, without ASGI.

What a request needs (parser, scope, task, the frames of every layer) took 10 KiB a connection for as long as its
answer lasted, and each message 25 µs on its way through them. A connection that was taken over is a transport and a
line: the same bytes go to all of them.
"""

import asyncio
from typing import Any, Protocol

from starlette.types import Scope

TAKE_OVER = "vrc.take_over"  # in a scope's `extensions`: the server's offer to let go of the connection
LAST_WORD_S = 1.0
END = b"0\r\n\r\n"


class Answer(Protocol):
    def gone(self) -> None:
        """The connection is lost, or was ended."""


class NotTaken(Exception):
    """The caller went away before the connection could be taken over."""


def chunk(body: bytes) -> bytes:
    """As HTTP/1.1 has it on the wire; nothing for nothing, which would be the end."""
    return b"%x\r\n%b\r\n" % (len(body), body) if body else b""


class Line(asyncio.Protocol):
    """A connection that was taken over. While `is_full`, whoever writes should wait for `room`."""

    __slots__ = ("_answer", "_is_lost", "_room", "_transport", "is_full")

    def __init__(self, scope: Scope, answer: Answer) -> None:
        """Call it when the head of a chunked answer is written. Raises NotTaken."""
        self.is_full = self._is_lost = False
        self._answer = answer
        self._room: asyncio.Future[None] | None = None
        transport: asyncio.Transport | None = scope["extensions"][TAKE_OVER](self)
        if transport is None:
            raise NotTaken
        self._transport = transport

    def write(self, chunks: bytes) -> None:
        """Whole chunks. Never waits; what the connection does not take at once is kept for it."""
        if not self._is_lost:
            self._transport.write(chunks)

    async def room(self, within_s: float) -> None:
        """Returns when there is room, or `wake` was called. Raises TimeoutError."""
        if self.is_full:
            self._room = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(within_s):
                await self._room

    def wake(self) -> None:
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def end(self) -> None:
        """With the end of the answer if the other side reads; one that does not is cut off."""
        if self._is_lost:
            return
        asyncio.get_running_loop().call_later(LAST_WORD_S, self._cut)
        self._transport.write(END)
        self._transport.close()

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        self.wake()

    def data_received(self, data: bytes) -> None:
        """Nothing more was asked for, and nothing more is read."""
        self._cut()

    def connection_lost(self, exc: Any) -> None:
        self._is_lost = True
        self.wake()
        self._answer.gone()

    def _cut(self) -> None:
        if not self._is_lost:
            self._transport.abort()
