"""HTTP as a customer's stubborn system speaks it: the same request with the same key until there is an answer."""

import asyncio
import json
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

from tests.chaos.outside.ledger import Json
from tests.chaos.outside.pause import pause

TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=3)
PATIENCE_S = 120.0
LONGEST_PAUSE_S = 0.2
DISPATCHER = re.compile(r"/v1/(networks|orders|noc)\b|/v1/tickets/[^/]+/(route|reject)$")
NOTIFIER = re.compile(r"/v1/(subscriptions|stream)\b|/v1/tickets/[^/]+/stream$")


class NoAnswer(Exception):
    """Not within two minutes: whether it was done is not known."""


@dataclass(frozen=True, slots=True)
class Routes:
    """Base URLs by route group, as a proxy in front of several services has them; several of one are tried in turn."""

    intake: Sequence[str]
    dispatcher: Sequence[str]
    notifier: Sequence[str]

    @classmethod
    def all_at(cls, url: str) -> Self:
        return cls([url], [url], [url])

    def of(self, path: str) -> Sequence[str]:
        if DISPATCHER.match(path):
            return self.dispatcher
        return self.notifier if NOTIFIER.match(path) else self.intake


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    replayed: bool

    @property
    def json(self) -> Json:
        found: Json = json.loads(self.body)
        return found


@dataclass(frozen=True, slots=True)
class Request:
    """`key` is the caller's API key, `marker` the Idempotency-Key."""

    method: str
    path: str
    key: str
    body: Json | None = None
    query: Mapping[str, Any] = field(default_factory=dict)
    marker: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        found = {"Authorization": f"Bearer {self.key}"}
        if self.body is not None:
            found["Content-Type"] = "application/json"
        if self.marker is not None:
            found["Idempotency-Key"] = self.marker
        return found


class Client:
    def __init__(self, routes: Routes) -> None:
        self._routes = routes
        self._closing = asyncio.Event()
        self._session: aiohttp.ClientSession
        self.under_way = 0
        self.retries = 0
        self.defects: list[str] = []
        """Answers that no request deserves: 5xx but 503, 503 without Retry-After, and no answer at all."""

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=TIMEOUT, connector=aiohttp.TCPConnector(limit=200))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        await self._session.close()

    async def ask(self, request: Request) -> Answer:
        """Any answer but 429 and 503. Raises NoAnswer."""
        now = asyncio.get_running_loop().time
        give_up_at, tries = now() + PATIENCE_S, 0
        bases = self._routes.of(request.path)
        first = random.randrange(len(bases))
        while (answer := await self._try(request, bases[(first + tries) % len(bases)])) is None:
            if now() > give_up_at or self._closing.is_set():
                self.defects.append(f"{request.method} {request.path}: no answer")
                raise NoAnswer(request.path)
            tries += 1
            self.retries += 1
            await pause(min(0.02 * 2**tries, LONGEST_PAUSE_S), unless=self._closing)
        if answer.status >= 500:
            self.defects.append(f"{request.method} {request.path}: {answer.status} {answer.body[:200]!r}")
        return answer

    async def get(self, path: str, key: str, **query: str | int) -> Json:
        """Raises NoAnswer, also for an answer other than 200."""
        answer = await self.ask(Request("GET", path, key, query=query))
        if answer.status != 200:
            self.defects.append(f"GET {path}: {answer.status} {answer.body[:200]!r}")
            raise NoAnswer(path)
        return answer.json

    async def items(self, path: str, key: str, **query: str | int) -> list[Json]:
        """Every item of a list, page by page."""
        found: list[Json] = []
        cursor: dict[str, str] = {}
        while True:
            page = await self.get(path, key, limit=200, **query, **cursor)
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = {"cursor": page["next"]}

    async def troubles(self) -> list[str]:
        """What does not report ready."""
        found = []
        for base in {*self._routes.intake, *self._routes.dispatcher, *self._routes.notifier}:
            async with self._session.get(f"{base}/readyz") as response:
                if response.status != 200:
                    found.append(f"{base}: {await response.text()}")
        return found

    async def _try(self, request: Request, base: str) -> Answer | None:
        body = None if request.body is None else json.dumps(request.body).encode()
        self.under_way += 1
        try:
            async with self._session.request(
                request.method, base + request.path, data=body, params=request.query, headers=request.headers
            ) as response:
                answer = Answer(response.status, await response.read(), "Idempotent-Replayed" in response.headers)
                retry_after = response.headers.get("Retry-After")
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None
        finally:
            self.under_way -= 1
        if answer.status in (429, 503):
            if retry_after is None:
                self.defects.append(f"{request.method} {request.path}: {answer.status} without Retry-After")
            return None
        return answer
