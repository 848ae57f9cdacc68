"""Receivers of webhooks that cost little, in a process of their own: `/ok` answers 204 at once, `/broken` 500,
`/silent` nothing. `/arrivals` tells when each webhook came, by `webhook-id` and path, and forgets it.

    python -m tests.bench.webhook_receiver <port>
"""

import asyncio
import json
import re
import sys
import time
from typing import cast

import uvloop

LENGTH, ID = re.compile(rb"content-length: (\d+)", re.I), re.compile(rb"webhook-id: (\S+)", re.I)
OK, BROKEN = b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n"
arrivals: list[tuple[str, str, float]] = []


class Receiver(asyncio.Protocol):
    def __init__(self) -> None:
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._buffer) < whole:
                return
            self._buffer = self._buffer[whole:]
            self._answer(head, head.split(b" ", 2)[1].decode())

    def _answer(self, head: bytes, path: str) -> None:
        if path == "/arrivals":
            body = json.dumps(arrivals).encode()
            arrivals.clear()
            self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        elif path.startswith("/broken"):
            self._transport.write(BROKEN)
        elif path.startswith("/ok"):
            id = ID.search(head)
            arrivals.append((id[1].decode() if id else "", path, time.monotonic()))
            self._transport.write(OK)


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
