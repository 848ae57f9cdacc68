"""HTTP/1.1 for whoever measures: two ends of a connection that take a tenth of what a whole library's take, because
they share the two cores with what is measured. Bodies come with Content-Length, one request at a time.
"""

import asyncio
import re
from collections.abc import Callable
from typing import cast

LENGTH = re.compile(rb"content-length: (\d+)", re.I)


class _Messages(asyncio.Protocol):
    """Cuts what arrives into heads and bodies."""

    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            body, self._buffer = self._buffer[end + 4 : whole], self._buffer[whole:]
            self.arrived(head, body)

    def arrived(self, head: bytes, body: bytes) -> None:
        raise NotImplementedError


class Server(_Messages):
    """`answer` is told head and body of each request, and gives the whole answer's bytes; none is silence."""

    def __init__(self, answer: Callable[[bytes, bytes], bytes | None]) -> None:
        super().__init__()
        self._answer = answer

    def arrived(self, head: bytes, body: bytes) -> None:
        if answer := self._answer(head, body):
            self.transport.write(answer)


class _Connection(_Messages):
    def __init__(self) -> None:
        super().__init__()
        self.answered: asyncio.Future[tuple[int, bytes]]

    def arrived(self, head: bytes, body: bytes) -> None:
        self.answered.set_result((int(head[9:12]), body))

    def connection_lost(self, exc: Exception | None) -> None:
        if hasattr(self, "answered") and not self.answered.done():
            self.answered.set_exception(exc or ConnectionResetError("the center closed the connection"))


class Client:
    """As many connections as there are requests under way; each stays open for the next."""

    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self._port = port
        self._fixed = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._idle: list[_Connection] = []

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        """Answers status and body. Raises OSError when the connection breaks."""
        loop = asyncio.get_running_loop()
        if self._idle:
            connection = self._idle.pop()
        else:
            _, connection = await loop.create_connection(_Connection, "127.0.0.1", self._port)
        more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{self._fixed}{more}content-length: {len(body)}\r\n\r\n"
        connection.answered = loop.create_future()
        connection.transport.write(head.encode() + body)
        found = await connection.answered
        self._idle.append(connection)
        return found

    def close(self) -> None:
        for connection in self._idle:
            connection.transport.close()
