"""A customer's webhook receiver on loopback: keeps what it got, checks signatures, and answers (or fails) by script.

Plain asyncio, so that it costs a bench little and can break the protocol in ways a web server would not.
"""

import asyncio
import base64
import hashlib
import hmac
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import orjson

Misbehaviour = Literal["hang", "reset", "garbage"]
REASONS = {200: "OK", 204: "No Content", 302: "Found", 410: "Gone", 429: "Too Many Requests", 500: "Oh No"}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Hook:
    """One webhook as received. `at` is time.monotonic(); `signed` is None where the receiver knows no secret."""

    at: float
    headers: Mapping[str, str]
    body: bytes
    signed: bool | None

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict[str, Any]:
        """The event's public form, or what is told of a subscription."""
        data: dict[str, Any] = orjson.loads(self.body)["data"]
        return data


class Receiver:
    """`script` is used up first, one answer a request; then `otherwise` answers. Both may be changed while it runs."""

    def __init__(
        self,
        *script: Answer | Misbehaviour,
        otherwise: Answer | Misbehaviour = Answer(),
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.hooks: list[Hook] = []
        self.script = deque(script)
        self.otherwise = otherwise
        self.let_go = asyncio.Event()
        """What hangs hangs until this is set, and then gets what is answered otherwise."""
        self.secret: str | None = None
        self.port = 0
        self.connections = 0
        self.under_way = 0
        self.most_under_way = 0
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @property
    def ids(self) -> list[str]:
        return [hook.id for hook in self.hooks]

    def seqs(self, ticket: str) -> list[int]:
        """Of one ticket, in the order of arrival, repeats included."""
        return [hook.event["seq"] for hook in self.hooks if hook.event.get("ticket") == ticket]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def until(self, condition: Callable[[], bool] | int, *, timeout_s: float = 10.0) -> None:
        """Until it holds, or so many webhooks have come. Raises TimeoutError."""
        holds = (lambda: len(self.hooks) >= condition) if isinstance(condition, int) else condition
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(holds)

    def verify(self, headers: Mapping[str, str], body: bytes) -> bool | None:
        if self.secret is None:
            return None
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return any(hmac.compare_digest(expected, given) for given in headers["webhook-signature"].split())

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            while await self._one(reader, writer):
                continue
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; answers whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.hooks.append(Hook(time.monotonic(), headers, body, self.verify(headers, body)))
        async with self._changed:
            self._changed.notify_all()
        try:
            return await self._answer(self.chosen(), writer)
        finally:
            self.under_way -= 1

    def chosen(self) -> Answer | Misbehaviour:
        """For the request that came last."""
        return self.script.popleft() if self.script else self.otherwise

    async def _answer(self, answer: Answer | Misbehaviour, writer: asyncio.StreamWriter) -> bool:
        if answer == "hang":
            await self.let_go.wait()
            answer = self.otherwise
        if answer == "reset":
            writer.transport.abort()
            return False
        if answer == "garbage":
            writer.write(b"this is not HTTP\r\n\r\n")
            return False
        assert isinstance(answer, Answer)
        if answer.delay_s:
            await asyncio.sleep(answer.delay_s)
        reason = REASONS.get(answer.status, "Whatever")
        fields = {"content-length": str(len(answer.body)), **answer.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"HTTP/1.1 {answer.status} {reason}\r\n{lines}\r\n".encode() + answer.body)
        await writer.drain()
        return True
