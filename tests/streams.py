"""A reader of live streams: server-sent events one by one, over a real connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

PATIENCE_S = 10.0


@dataclass(frozen=True, slots=True)
class Shown:
    id: str | None
    event: str
    data: dict[str, Any]


class Stream:
    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._lines = response.aiter_lines()

    async def block(self) -> list[str]:
        """The lines of the next block. Raises StopAsyncIteration at the end."""
        lines: list[str] = []
        async with asyncio.timeout(PATIENCE_S):
            while (line := await anext(self._lines)) or not lines:
                lines += [line] if line else []
        return lines

    async def next(self) -> Shown:
        """The next event; comments and `retry` are passed over."""
        while True:
            fields = dict(line.split(": ", 1) for line in await self.block() if not line.startswith(":"))
            if "data" in fields:
                return Shown(fields.get("id"), fields["event"], orjson.loads(fields["data"]))

    async def take(self, count: int) -> list[Shown]:
        return [await self.next() for _ in range(count)]

    async def seqs(self, count: int) -> list[int]:
        return [shown.data["seq"] for shown in await self.take(count)]

    async def shown_until_it_ended(self) -> list[Shown]:
        found: list[Shown] = []
        try:
            while True:
                found.append(await self.next())
        except StopAsyncIteration:
            return found

    async def ended(self) -> bool:
        """Whether it ends, after whatever it still shows."""
        try:
            while True:
                await self.block()
        except StopAsyncIteration:
            return True
        except TimeoutError:
            return False


@asynccontextmanager
async def reading(http: httpx.AsyncClient, path: str, key: str, *, after: str | None = None) -> AsyncIterator[Stream]:
    """An open stream: its first block (`retry`) is here already. `after` is the Last-Event-ID."""
    headers = {"Authorization": f"Bearer {key}", **({"Last-Event-ID": after} if after else {})}
    async with http.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200, (await response.aread()).decode()
        stream = Stream(response)
        assert await stream.block() == ["retry: 2000"]
        yield stream
