"""Nobody is waited for endlessly: a request has a limited time to arrive whole, an answer to be read."""

import asyncio
import errno
import logging
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import orjson
import pytest
from prometheus_client import generate_latest

from shared.testing.serve import serving
from shared.web import server
from tests.centers import House
from tests.door import Door
from tests.waiting import until

MANY = 20  # ten million bytes: more than the kernel takes for a reader
START = b"POST /v1/things HTTP/1.1\r\nHost: x\r\n"


def request(door: Door, path: str) -> bytes:
    """The beginning of an account's."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}Authorization: {door.client.headers['authorization']}\r\n".encode()


def counted(door: Door, status: str) -> float:
    """The requests that were answered so far with this status."""
    page = generate_latest(door.metrics.registry).decode()
    return sum(map(float, re.findall(rf'vrc_http_requests_total{{[^}}]*status="{status}"}} (.+)', page)))


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


@pytest.mark.parametrize("path", ["/v1/things", "/v1/hot"])
async def test_body_that_takes_too_long_is_answered_408(door: Door, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ARRIVES_WITHIN_S", 0.1)
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(request(door, path) + b"Content-Length: 50\r\n\r\n{")
    async with asyncio.timeout(5):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in head.lower()
    assert orjson.loads(body)["code"] == "incomplete_request"


@pytest.mark.parametrize("path", ["/v1/things", "/v1/hot"])
@pytest.mark.parametrize("length", [b"Content-Length: 50\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"])
async def test_body_that_breaks_off_is_no_defect(
    door: Door, caplog: pytest.LogCaptureFixture, path: str, length: bytes
) -> None:
    before = counted(door, "408")
    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(request(door, path) + length)
    writer.close()
    await until(lambda: counted(door, "408") == before + 1)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


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


async def test_caller_who_leaves_an_answer_unread_is_cut_off(embedded: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "READ_EVERY_S", 0.1)
    async with serving(embedded.center.app) as url:
        with unreading(url, answers=MANY) as raw:
            await until(lambda: raw.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == errno.ECONNRESET)


async def test_caller_who_reads_an_answer_slowly_gets_all_of_it(
    embedded: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "READ_EVERY_S", 0.2)
    monkeypatch.setattr(server, "READ_BYTES", 1)
    read, loop = bytearray(), asyncio.get_running_loop()
    async with serving(embedded.center.app) as url:
        with unreading(url, answers=1) as raw:
            while some := await loop.sock_recv(raw, 32):
                read += some
    assert orjson.loads(read.partition(b"\r\n\r\n")[2]) == (await embedded.nobody.get("/openapi.json")).json()


@contextmanager
def unreading(url: str, *, answers: int) -> Iterator[socket.socket]:
    """Has asked for so many long answers, and does not read."""
    asking = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n"
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", int(url.rpartition(":")[2])))
        raw.sendall((asking + b"\r\n") * (answers - 1) + asking + b"Connection: close\r\n\r\n")
        raw.setblocking(False)
        yield raw
