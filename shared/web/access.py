"""Request id, request metrics and the access log, in one pure ASGI layer that costs under 10 µs a request.

Log lines are JSON, written many at a time; nothing a caller sends is in them unescaped.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any, TextIO

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.metrics import Metrics
from shared.randomness import random_hex
from shared.web.problems import INCIDENT
from shared.web.rates import HEADERS

BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
FLUSH_LINES = 64
FLUSH_AFTER_S = 0.5
LONGEST_ID = 64
Answered = Callable[[Scope, int], None]


class AccessLog:
    """Buffers lines and writes them 64 at a time, or half a second after the first."""

    def __init__(self, stream: TextIO = sys.stderr) -> None:
        self._stream = stream
        self._lines: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None

    def write(self, record: dict[str, Any]) -> None:
        self._lines.append(orjson.dumps(record))
        if len(self._lines) >= FLUSH_LINES:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FLUSH_AFTER_S, self.flush)

    def flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            self._stream.write(b"\n".join(self._lines).decode() + "\n")
            self._stream.flush()
            self._lines.clear()


class Access:
    """The outermost layer: answers carry `X-Request-Id` (the caller's own, if it is a short plain one)."""

    def __init__(self, app: ASGIApp, metrics: Metrics, log: AccessLog | None, answered: Answered | None = None) -> None:
        self._app = app
        self._log = log
        self._answered = answered
        self._requests = metrics.counter("vrc_http_requests_total", "Requests answered.", ("route", "method", "status"))
        self._seconds = metrics.histogram(
            "vrc_http_request_seconds", "Time to the first byte of the answer.", ("route",), buckets_s=BUCKETS_S
        )
        self._count: dict[tuple[str, str, int], Callable[[], None]] = {}
        self._observe: dict[str, Callable[[float], None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                more = scope.get(HEADERS, ())  # of the rate limit, once it is known who calls
                message["headers"] = [*message["headers"], (b"x-request-id", request_id), *more]
                self._record(scope, status, time.perf_counter() - started, request_id)
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception:
            if INCIDENT not in scope:  # Starlette raises on what it has answered; the server would log it again
                raise

    def _record(self, scope: Scope, status: int, seconds: float, request_id: bytes) -> None:
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if route != "unmatched" else "any"
        key = route, method, status
        if (count := self._count.get(key)) is None:
            count = self._count[key] = self._requests.labels(route, method, str(status)).inc
            self._observe.setdefault(route, self._seconds.labels(route).observe)
        count()
        self._observe[route](seconds)
        if self._answered is not None:
            self._answered(scope, status)
        if self._log is not None:
            self._log.write(
                {
                    "at": time.time(),  # the operating system's clock, to the microsecond: no decision is made by it
                    "method": scope["method"],
                    "path": scope["raw_path"].decode("ascii", "backslashreplace"),  # as sent: still percent-encoded
                    "status": status,
                    "ms": round(seconds * 1000, 2),
                    "request": request_id.decode(),
                }
            )


def _request_id(scope: Scope) -> bytes:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and len(value) <= LONGEST_ID and value.replace(b"-", b"").isalnum():
            return bytes(value)
    return random_hex(8).encode()
