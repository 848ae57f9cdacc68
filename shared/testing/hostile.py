"""Receivers that mean harm, or are broken as if they did: real sockets on loopback, a misbehaviour each.

`MISBEHAVIOURS` is the whole list. Each is a coroutine that has a connection to itself and breaks it in its own way.
What it managed to send is counted.
"""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Self

OK = b"HTTP/1.1 200 OK\r\n"
CHUNK = b"x" * 16_384
BOMB = gzip.compress(bytes(20_000_000))


class Line:
    """One connection, from the hostile end."""

    def __init__(self, hostile: "Hostile", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._hostile = hostile
        self._reader = reader
        self._writer = writer

    @property
    def pause_s(self) -> float:
        return self._hostile.pause_s

    async def request(self) -> None:
        """Read what is asked, all of it."""
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = next((f.partition(b":")[2] for f in head.split(b"\r\n") if f.startswith(b"content-length:")), b"0")
        await self._reader.readexactly(int(length))
        self._hostile.requests += 1

    async def head(self) -> None:
        await self._reader.readuntil(b"\r\n\r\n")

    async def say(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()
        self._hostile.sent_bytes += len(data)

    async def drip(self, data: bytes) -> None:
        """A byte at a time, each a while after the one before."""
        for number in range(len(data)):
            await self.say(data[number : number + 1])
            await asyncio.sleep(self._hostile.pause_s)

    async def pour(self, data: bytes) -> None:
        """For as long as somebody listens."""
        while True:
            await self.say(data)

    async def wait(self) -> None:
        await asyncio.Event().wait()

    def reset(self) -> None:
        self._writer.transport.abort()


Misbehaviour = Callable[[Line], Awaitable[None]]
MISBEHAVIOURS: dict[str, Misbehaviour] = {}


def hostile(behave: Misbehaviour) -> Misbehaviour:
    MISBEHAVIOURS[behave.__name__.strip("_").replace("_", " ")] = behave
    return behave


def answers(name: str, *lines: str, body: bytes = b"") -> None:
    """One that answers at once, with this status and these headers."""
    text = "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + body

    async def answer(line: Line) -> None:
        await line.request()
        await line.say(text)

    MISBEHAVIOURS[name] = answer


@hostile
async def never_reads_and_never_answers(line: Line) -> None:
    await line.wait()


@hostile
async def never_answers(line: Line) -> None:
    await line.request()
    await line.wait()


@hostile
async def one_byte_a_second_of_its_status(line: Line) -> None:
    await line.request()
    await line.drip(OK * 100)


@hostile
async def one_byte_a_second_of_its_headers(line: Line) -> None:
    await line.request()
    await line.say(OK)
    await line.drip(b"x-slow: 1\r\n" * 100)


@hostile
async def one_byte_a_second_of_its_body(line: Line) -> None:
    await line.request()
    await line.say(OK + b"content-length: 100000\r\n\r\n")
    await line.drip(CHUNK)


@hostile
async def endless_body(line: Line) -> None:
    await line.request()
    await line.say(OK + b"\r\n")
    await line.pour(CHUNK)


@hostile
async def endless_chunks(line: Line) -> None:
    await line.request()
    await line.say(OK + b"transfer-encoding: chunked\r\n\r\n")
    await line.pour(b"4000\r\n" + CHUNK + b"\r\n")


@hostile
async def endless_chunk_extension(line: Line) -> None:
    await line.request()
    await line.say(OK + b"transfer-encoding: chunked\r\n\r\n1;x=")
    await line.pour(CHUNK)


@hostile
async def endless_trailers(line: Line) -> None:
    await line.request()
    await line.say(OK + b"transfer-encoding: chunked\r\n\r\n0\r\n")
    await line.pour(b"x-more: 1\r\n" * 1000)


@hostile
async def endless_headers(line: Line) -> None:
    await line.request()
    await line.say(OK)
    await line.pour(b"x-more: 1\r\n" * 1000)


@hostile
async def endless_header(line: Line) -> None:
    await line.request()
    await line.say(OK + b"x-long: ")
    await line.pour(CHUNK)


@hostile
async def endless_status_line(line: Line) -> None:
    await line.request()
    await line.say(b"HTTP/1.1 200 ")
    await line.pour(CHUNK)


@hostile
async def flood_of_100_continue(line: Line) -> None:
    await line.request()
    await line.pour(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


@hostile
async def flood_of_103_early_hints(line: Line) -> None:
    await line.request()
    await line.pour(b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" * 100)


@hostile
async def gzip_bomb(line: Line) -> None:
    await line.request()
    await line.say(OK + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB) + BOMB)


@hostile
async def reset_when_connected(line: Line) -> None:
    line.reset()


@hostile
async def reset_after_the_head(line: Line) -> None:
    await line.head()
    line.reset()


@hostile
async def reset_after_the_request(line: Line) -> None:
    await line.request()
    line.reset()


@hostile
async def reset_in_the_status_line(line: Line) -> None:
    await line.request()
    await line.say(b"HTTP/1.1 2")
    line.reset()


@hostile
async def reset_in_the_headers(line: Line) -> None:
    await line.request()
    await line.say(OK + b"content-len")
    line.reset()


@hostile
async def reset_in_the_body(line: Line) -> None:
    await line.request()
    await line.say(OK + b"content-length: 100\r\n\r\nx")
    await asyncio.sleep(line.pause_s)  # else nobody sees what was said before
    line.reset()


@hostile
async def closes_without_an_answer(line: Line) -> None:
    await line.request()


@hostile
async def answers_before_it_was_asked_and_twice(line: Line) -> None:
    await line.say((OK + b"content-length: 0\r\n\r\n") * 2)
    await line.request()
    await line.wait()


@hostile
async def speaks_smtp(line: Line) -> None:
    await line.say(b"220 mail.example.com ESMTP\r\n")
    await line.wait()


@hostile
async def speaks_plainly_where_tls_is_expected(line: Line) -> None:
    """Also a server that behaves over http: the URL is what is wrong."""
    await line.request()
    await line.say(OK + b"content-length: 0\r\n\r\n")


METADATA = "http://169.254.169.254/latest/meta-data/"
for status, word in ((301, "Moved"), (302, "Found"), (303, "See Other"), (307, "Temporary"), (308, "Permanent")):
    answers(
        f"{status} to a metadata address", f"HTTP/1.1 {status} {word}", f"location: {METADATA}", "content-length: 0"
    )
answers("300 of many choices", "HTTP/1.1 300 Many", f"location: {METADATA}", "content-length: 0")
answers("redirect to a file", "HTTP/1.1 302 Found", "location: file:///etc/passwd", "content-length: 0")
answers("refresh to a metadata address", "HTTP/1.1 500 Oh", f"refresh: 0; url={METADATA}", "content-length: 0")
answers("305 by a proxy of its own", "HTTP/1.1 305 Use Proxy", "location: http://127.0.0.1:1/", "content-length: 0")
for name, value in (
    ("in ten million years", "9" * 20), ("before now", "-1000000"), ("that is no time", "x" * 5000),
    ("at the end of time", "Fri, 31 Dec 9999 23:59:59 GMT"),
):  # fmt: skip
    answers(f"429 and again {name}", "HTTP/1.1 429 Too Many", f"retry-after: {value}", "content-length: 0")
answers("status 999", "HTTP/1.1 999 Whatever", "content-length: 0")
answers("status 000", "HTTP/1.1 000 Nothing", "content-length: 0")
answers("status that is no number", "HTTP/1.1 OK 200", "content-length: 0")
answers("101 into another protocol", "HTTP/1.1 101 Switching", "upgrade: websocket", "connection: upgrade")
answers("HTTP of another century", "HTTP/9.9 200 OK", "content-length: 0")
answers("negative length", "HTTP/1.1 200 OK", "content-length: -1")
answers("length beyond all measure", "HTTP/1.1 200 OK", "content-length: " + "9" * 40)
answers("two lengths", "HTTP/1.1 200 OK", "content-length: 1", "content-length: 2", body=b"xx")
answers("length and chunks", "HTTP/1.1 200 OK", "content-length: 1", "transfer-encoding: chunked", body=b"0\r\n\r\n")
answers("chunk of no size", "HTTP/1.1 200 OK", "transfer-encoding: chunked", body=b"zz\r\nx\r\n")
answers("more than it announced", "HTTP/1.1 200 OK", "content-length: 1", body=b"x" * 50_000)
answers("header of 100 KB", "HTTP/1.1 200 OK", "x-long: " + "x" * 100_000, "content-length: 0")
answers("ten thousand headers", "HTTP/1.1 200 OK", *(f"x-{n}: 1" for n in range(10_000)), "content-length: 0")
answers("two hundred cookies", "HTTP/1.1 200 OK", *(f"set-cookie: a{n}=1" for n in range(200)), "content-length: 0")
answers("NUL in a header", "HTTP/1.1 200 OK", "x-nul: a\x00b", "content-length: 0")
answers("header folded into the next", "HTTP/1.1 200 OK", "x-a: 1", " content-length: 5", "content-length: 0")
answers("body that asks for the terminal", "HTTP/1.1 500 Oh", "content-length: 9", body=b"\x1b]0;x\x07\x1b[")
answers(
    "deflated garbage", "HTTP/1.1 200 OK", "content-encoding: deflate", "content-length: 4", body=b"\xff\xfe\xfd\xfc"
)
answers("answer without end of its headers", "HTTP/1.1 200 OK", "content-length: 5")
answers("nothing but line feeds", *[""] * 1000)


class Hostile:
    """A receiver that misbehaves like this, on every connection. `tls`: behind a certificate of its own."""

    def __init__(self, behave: Misbehaviour, *, tls: ssl.SSLContext | None = None, pause_s: float = 0.02) -> None:
        self._behave = behave
        self._tls = tls
        self.pause_s = pause_s
        self.port = 0
        self.connections = 0
        self.requests = 0
        self.sent_bytes = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                await self._behave(Line(self, reader, writer))
        finally:
            self._tasks.discard(task)
            writer.close()


@asynccontextmanager
async def every_one(*, tls: ssl.SSLContext | None = None) -> AsyncIterator[Mapping[str, Hostile]]:
    """All of them at once, by name."""
    running = {name: Hostile(behave, tls=tls) for name, behave in MISBEHAVIOURS.items()}
    try:
        for one in running.values():
            await one.__aenter__()
        yield running
    finally:
        for one in running.values():
            await one.__aexit__()
