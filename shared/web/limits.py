"""What a body may be: at most 64 KiB, whether its length is announced or it comes in chunks. Pure ASGI.

uvicorn caps nothing (a 200 MB POST was accepted), and a BaseHTTPMiddleware costs two thirds of the throughput.
"""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import Incomplete, TooLarge
from shared.web.problems import problem

MAX_BODY_BYTES = 64 * 1024
DISCARDED_BYTES = 16 * 1024 * 1024


class BodyLimit:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        length = next((value for name, value in scope["headers"] if name == b"content-length"), None)
        if length is not None and int(length) > MAX_BODY_BYTES:
            await _refuse(scope, receive, send)
        elif length is not None:
            await self._app(scope, receive, send)
        else:
            await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A body without announced length is read here, so that nothing has happened when it turns out too large."""
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                await problem(Incomplete())(scope, receive, send)
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > MAX_BODY_BYTES:
                await _refuse(scope, receive, send)
                return
        whole: Message | None = {"type": "http.request", "body": bytes(body), "more_body": False}

        async def replay() -> Message:
            nonlocal whole
            if whole is not None:
                message, whole = whole, None
                return message
            return await receive()

        await self._app(scope, replay, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    response = problem(TooLarge(f"A body may have at most {MAX_BODY_BYTES} bytes."))
    response.headers["Connection"] = "close"

    async def hold_open(message: Message) -> None:
        if message["type"] != "http.response.body":
            await send(message)
            return
        await send({**message, "more_body": True})
        await _discard(receive)
        await send({"type": "http.response.body", "body": b""})

    await response(scope, receive, hold_open)


async def _discard(receive: Receive) -> None:
    """Many clients read the answer when they have sent everything; cut off before, they see a reset instead of it."""
    seen = 0
    while seen < DISCARDED_BYTES:
        message = await receive()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return
        seen += len(message.get("body", b""))
