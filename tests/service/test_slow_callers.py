"""Nobody is waited for endlessly: a request has a limited time to arrive whole."""

import asyncio

import pytest

from shared.web import server
from tests.door import Door

START = b"POST /v1/things HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "sent",
    [b"", b"POST", START, START + b"Content-Length: 5\r\n\r\nhe", START + b"Transfer-Encoding: chunked\r\n\r\n5\r\n"],
)
async def test_request_that_does_not_arrive_whole_is_cut_off(
    door: Door, sent: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "ARRIVES_WITHIN_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(sent)
    async with asyncio.timeout(5):
        assert b"200 OK" not in await reader.read()
    writer.close()


async def test_refused_body_that_never_comes_is_cut_off_too(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ARRIVES_WITHIN_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(START + b"Content-Length: 200000000\r\n\r\n")
    async with asyncio.timeout(5):
        assert (await reader.read()).startswith(b"HTTP/1.1 413")
    writer.close()


async def test_caller_who_took_a_moment_is_served_and_may_come_again(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "ARRIVES_WITHIN_S", 0.5)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    for _ in range(2):
        writer.write(b"GET /healthz HTTP/1.1\r\n")
        await writer.drain()
        writer.write(b"Host: x\r\n\r\n")
        async with asyncio.timeout(5):
            assert (await reader.readuntil(b'{"status":"ok"}')).startswith(b"HTTP/1.1 200")
    writer.close()
