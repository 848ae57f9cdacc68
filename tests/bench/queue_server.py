"""The usual way to build live streams, to measure ours beside it: Starlette, a queue and a generator a client."""

import asyncio
import sys
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

QUEUES: set[asyncio.Queue[bytes]] = set()


async def stream(request: Request) -> StreamingResponse:
    async def events() -> AsyncIterator[bytes]:
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        QUEUES.add(queue)
        try:
            yield b"retry: 2000\n\n"
            while True:
                yield await queue.get()
        finally:
            QUEUES.discard(queue)

    return StreamingResponse(events(), media_type="text/event-stream")


async def publish(request: Request) -> Response:
    event = await request.body()
    for queue in QUEUES:
        queue.put_nowait(event)
    return Response(status_code=204)


async def healthz(request: Request) -> Response:
    return Response()


app = Starlette(
    routes=[Route("/stream", stream), Route("/publish", publish, methods=["POST"]), Route("/healthz", healthz)]
)

if __name__ == "__main__":
    uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False, backlog=2048)
