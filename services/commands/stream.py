"""Server-sent events as a command reads them: the wire format, and a stream that comes back after every break."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

TIMEOUT = httpx.Timeout(10.0, read=60.0)
COME_BACK_S = 1.0
START_ANEW = (400, 410)


class StreamRefused(Exception):
    """The center will not give this stream; says why."""


@dataclass(frozen=True, slots=True)
class Sent:
    id: str | None
    event: str
    data: str


class Parser:
    """From bytes to events. Lines end in LF or CR LF; other characters that Python takes for line ends are text."""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: dict[str, str] = {}

    def feed(self, chunk: bytes) -> Iterator[Sent]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if found := self._line(line.removesuffix(b"\r").decode()):
                yield found

    def _line(self, line: str) -> Sent | None:
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            before = self._fields.get("data")
            self._fields[name] = f"{before}\n{value}" if name == "data" and before is not None else value
            return None
        fields, self._fields = self._fields, {}
        if "data" not in fields:
            return None
        return Sent(fields.get("id"), fields.get("event", "message"), fields["data"])


async def follow(
    url: str, path: str, *, key: str, on_lost: Callable[[str], None] = lambda why: None
) -> AsyncGenerator[dict[str, Any], None]:
    """The events' data, for ever; after a break from the last one on. Raises StreamRefused.

    `on_lost` is called at each break with what it was, and may end all by an exception of its own. What the center no
    longer keeps is begun anew, so a ticket's facts may then come twice.
    """
    last: str | None = None
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False) as http:
        while True:
            headers = {"Authorization": f"Bearer {key}", **({"Last-Event-ID": last} if last else {})}
            try:
                async with http.stream("GET", path, headers=headers) as response:
                    if last and response.status_code in START_ANEW:
                        last = None
                        continue
                    await _require_open(response)
                    parser = Parser()
                    async for chunk in response.aiter_bytes():
                        for sent in parser.feed(chunk):
                            yield orjson.loads(sent.data)
                            last = sent.id or last
            except httpx.TransportError as error:
                why = type(error).__name__
            else:
                why = "the stream ended"
            on_lost(why)
            await asyncio.sleep(COME_BACK_S)


async def _require_open(response: httpx.Response) -> None:
    if response.is_success:
        return
    content = await response.aread()
    if response.status_code == 503:
        raise httpx.ConnectError("not ready")
    try:
        said = orjson.loads(content).get("detail")
    except (orjson.JSONDecodeError, AttributeError):
        said = None
    raise StreamRefused(said or f"The center answered {response.status_code}.")
