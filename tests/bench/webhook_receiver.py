"""Receivers of webhooks that cost little, in a process of their own: `/ok` answers 204 at once, `/broken` 500,
`/silent` nothing. `/arrivals` tells when each webhook came, by `webhook-id` and path, and forgets it.

    python -m tests.bench.webhook_receiver <port>
"""

import asyncio
import json
import re
import sys
import time

import uvloop

from tests.bench.wire import Server

ID = re.compile(rb"webhook-id: (\S+)", re.I)
OK, BROKEN = b"HTTP/1.1 204 No Content\r\n\r\n", b"HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n"
arrivals: list[tuple[str, str, float]] = []


def answer(head: bytes, body: bytes) -> bytes | None:
    path = head.split(b" ", 2)[1].decode()
    if path == "/arrivals":
        told = json.dumps(arrivals).encode()
        arrivals.clear()
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told)
    if path.startswith("/broken"):
        return BROKEN
    if path.startswith("/ok"):
        id = ID.search(head)
        arrivals.append((id[1].decode() if id else "", path, time.monotonic()))
        return OK
    return None


async def main(port: int) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(answer), "127.0.0.1", port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
