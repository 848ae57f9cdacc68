"""The connection under a live stream, byte by byte: taken from the server, given back to nobody, ended as HTTP says."""

import asyncio
import gc
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from shared.testing.serve import serving
from shared.web import live
from shared.web.server import PunctualProtocol
from tests.centers import House
from tests.registry import FAR
from tests.waiting import until

PATIENCE_S = 10.0
LONG = "x" * 1900


class Wire:
    """A raw connection on which a stream was asked for."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def until(self, text: bytes) -> bytes:
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.readuntil(text)

    async def rest(self) -> bytes:
        """All until the other side closes; empty when it cut the connection off."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


class Streams:
    def __init__(self, house: House, port: int) -> None:
        self.house = house
        self.hub = house.center.notifier.hub
        self._port = port

    @asynccontextmanager
    async def opened(self, *, after: bytes = b"", slow: bool = False) -> AsyncIterator[Wire]:
        """A live one of the customer's account; `after` is sent in the same breath."""
        raw = socket.socket()
        if slow:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self._port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=2**16)
        key = self.house.customer.key
        writer.write(f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n".encode() + after)
        wire = Wire(reader, writer)
        try:
            await wire.until(b"retry: 2000\n\n\r\n")
            yield wire
        finally:
            writer.close()

    async def say(self, ticket: str, times: int, text: str = "news") -> None:
        for _ in range(times):
            await self.house.customer.note(ticket, text)


@pytest.fixture
async def streams(embedded: House) -> AsyncIterator[Streams]:
    async with serving(embedded.center.app) as url:
        yield Streams(embedded, int(url.rpartition(":")[2]))
        embedded.center.end_streams()


async def test_live_stream_keeps_nothing_of_the_request_it_came_by(streams: Streams) -> None:
    gc.collect()
    kept = (RequestResponseCycle, PunctualProtocol)
    before = sum(isinstance(one, kept) for one in gc.get_objects())
    async with streams.opened(), streams.opened(), streams.opened():
        await until(lambda: len(streams.hub._joined) == 3)
        assert sum(isinstance(one, kept) for one in gc.get_objects()) == before


async def test_streams_that_one_key_brought_are_looked_after_together(streams: Streams) -> None:
    async with streams.opened(), streams.opened(), streams.opened():
        (party,) = streams.hub._parties.values()
        assert len(party.listeners) == 3
    await until(lambda: not streams.hub._parties)


async def test_answer_is_chunked_and_ends_with_the_last_chunk(streams: Streams) -> None:
    ticket = await streams.house.customer.report(FAR)
    async with streams.opened() as wire:
        await streams.say(ticket, 1)
        size = int(await wire.until(b"\r\n"), 16)
        event = await wire.reader.readexactly(size + 2)
        assert event.startswith(b"id: ")
        assert event.endswith(b"\n\n\r\n")
        streams.hub.close()
        assert (await wire.rest()).endswith(b"0\r\n\r\n")


async def test_reader_that_stops_reading_is_left_alone_and_misses_nothing(streams: Streams) -> None:
    ticket = await streams.house.customer.report(FAR)
    async with streams.opened(slow=True) as slow, streams.opened() as quick:
        await until(lambda: len(streams.hub._joined) == 2)
        saying = asyncio.create_task(streams.say(ticket, 250, LONG))
        for _ in range(250):
            await quick.until(b"event: ticket.noted")
        await saying
        await until(lambda: len(streams.hub._joined) == 1)
        for _ in range(250):
            await slow.until(b"event: ticket.noted")
        await streams.say(ticket, 1, "the last")
        await slow.until(b"the last")
        await until(lambda: len(streams.hub._joined) == 2)


async def test_reader_that_reads_nothing_is_cut_off_when_its_stream_ends(
    streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "LAST_WORD_S", 0.01)
    ticket = await streams.house.customer.report(FAR)
    async with streams.opened(slow=True) as slow:
        await streams.say(ticket, 250, LONG)
        await until(lambda: not streams.hub._joined)
        (party,) = streams.hub._parties.values()
        (stream,) = party.listeners
        streams.hub.close()
        await until(lambda: stream._line._is_lost)
        assert not (await slow.rest()).endswith(b"0\r\n\r\n")


async def test_whoever_sends_more_on_a_stream_is_cut_off(streams: Streams) -> None:
    async with streams.opened() as wire:
        wire.writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"HTTP/1.1" not in await wire.rest()
        await until(lambda: not streams.hub._parties)


async def test_request_behind_that_of_a_stream_is_not_answered(streams: Streams) -> None:
    async with streams.opened(after=b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") as wire:
        ticket = await streams.house.customer.report(FAR)
        await streams.say(ticket, 1, "the last")
        assert b"HTTP/1.1" not in await wire.until(b"the last")
        streams.hub.close()
        assert b"HTTP/1.1" not in await wire.rest()
