"""A patient HTTP client of the center, for simulated customers, simulated local networks and the replay.

While the center is away (no connection, 503) or has had enough (429) the same request goes again with the same
Idempotency-Key, so a restart in the middle neither loses nor doubles anything. It never cancels a call: httpx's pool
can stay dead after that, so calls end by their own timeouts and wait for a place in our queue, not in the pool's.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from shared.errors import Unavailable

TIMEOUT = httpx.Timeout(30.0, connect=5.0)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.05, 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """`body` is the answer's JSON, a ticket, an order or a problem; `replayed`: the request had been done before."""

    status: int
    body: dict[str, Any]
    replayed: bool = False

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class CenterClient:
    """`at_once` calls at the most are under way; `patience_s` is how long a call is tried while the center is away."""

    def __init__(self, base_url: str, *, at_once: int = 16, patience_s: float = 60.0) -> None:
        limits = httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once)
        # The environment's proxies are for the outside world; a center is not there.
        self._http = httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT, limits=limits, trust_env=False)
        self._places = asyncio.Semaphore(at_once)
        self._patience_s = patience_s
        self._closing = asyncio.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Calls that wait for the center to come back give up; nothing else may be under way."""
        self._closing.set()
        await self._http.aclose()

    def give_up(self) -> None:
        """From now on nothing waits for a center that is away."""
        self._closing.set()

    async def get(self, path: str, key: str, **query: str | int) -> Answer:
        """Raises Unavailable."""
        return await self._patiently(self._http.build_request("GET", path, params=query, headers=_headers(key)))

    async def post(self, path: str, key: str, body: dict[str, Any], *, idempotency_key: str) -> Answer:
        """Raises Unavailable."""
        headers = {**_headers(key), "Idempotency-Key": idempotency_key, "Content-Type": "application/json"}
        return await self._patiently(
            self._http.build_request("POST", path, content=orjson.dumps(body), headers=headers)
        )

    async def items(self, path: str, key: str, **query: str | int) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page by page. Raises Unavailable, also when the center refuses."""
        cursor: str | None = None
        while True:
            answer = await self.get(path, key, **query, **({"cursor": cursor} if cursor else {}))
            if not answer.ok:
                raise Unavailable(f"{path}: {answer.status} {answer.body.get('detail', '')}")
            for item in answer.body["items"]:
                yield item
            cursor = answer.body["next"]
            if cursor is None:
                return

    async def _patiently(self, request: httpx.Request) -> Answer:
        waited, pause = 0.0, FIRST_PAUSE_S
        while True:
            answer = await self._once(request)
            if isinstance(answer, Answer) and answer.status not in (429, 503):
                return answer
            if waited >= self._patience_s or await self._paused(pause):
                raise Unavailable(answer.body.get("detail", "503") if isinstance(answer, Answer) else answer)
            waited, pause = waited + pause, min(pause * 2, LONGEST_PAUSE_S)

    async def _once(self, request: httpx.Request) -> Answer | str:
        """The answer, or why there was none."""
        async with self._places:
            try:
                response = await self._http.send(request)
            except httpx.TransportError as error:
                return f"the center does not answer ({type(error).__name__})"
        return Answer(response.status_code, _json(response.content), "idempotent-replayed" in response.headers)

    async def _paused(self, pause_s: float) -> bool:
        """Whether it is over meanwhile."""
        try:
            async with asyncio.timeout(pause_s):
                await self._closing.wait()
        except TimeoutError:
            return False
        return True


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def _json(content: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
