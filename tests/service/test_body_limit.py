"""A body has at most 64 KiB, announced or in chunks, and nothing has happened when it turns out to be larger."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from shared.web.limits import MAX_BODY_BYTES
from tests.door import Door

JSON = {"Content-Type": "application/json"}
ROUTES = ["/v1/things", "/v1/hot"]
FRAME = len(b'{"name": ""}')


def body(size: int) -> bytes:
    return b'{"name": "' + b"x" * (size - FRAME) + b'"}'


async def chunks(content: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize("route", ROUTES)
async def test_largest_body_is_taken(door: Door, route: str) -> None:
    answer = await door.client.post(route, content=body(MAX_BODY_BYTES), headers=JSON)
    assert answer.json() == {"length": MAX_BODY_BYTES - FRAME}


@pytest.mark.parametrize("route", ROUTES)
async def test_largest_body_is_taken_in_chunks(door: Door, route: str) -> None:
    answer = await door.client.post(route, content=chunks(body(MAX_BODY_BYTES)), headers=JSON)
    assert answer.json() == {"length": MAX_BODY_BYTES - FRAME}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 3_000_000])
async def test_larger_body_is_refused(door: Door, route: str, size: int) -> None:
    problem = await door.problem("POST", route, content=body(size), headers=JSON)
    assert (problem["status"], problem["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 3_000_000])
async def test_larger_body_is_refused_in_chunks(door: Door, route: str, size: int) -> None:
    problem = await door.problem("POST", route, content=chunks(body(size)), headers=JSON)
    assert (problem["status"], problem["code"]) == (413, "body_too_large")


async def test_announced_length_is_refused_before_a_byte_of_the_body_has_come(door: Door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 200000000\r\n\r\n")
    async with asyncio.timeout(5):
        answer = await reader.readuntil(b"}")
    writer.close()
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"connection: close" in answer.lower()


async def test_endless_body_is_cut_off(door: Door) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
    sent = 0
    async with asyncio.timeout(10):
        while not reader.at_eof() and sent < 50_000_000:
            writer.write(b"1000\r\n" + b"x" * 4096 + b"\r\n")
            sent += 4096
            try:
                await writer.drain()
            except ConnectionError:
                break
    writer.close()
    assert sent < 50_000_000


@pytest.mark.parametrize("length", [b"-1", b"+5", b"0x10", b"1e3", b"five", b"5, 5", b""])
async def test_length_that_is_no_number_is_refused_and_never_a_defect(door: Door, length: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: " + length + b"\r\n\r\nhello")
    async with asyncio.timeout(5):
        status = (await reader.readline()).split(b" ")[1]
    writer.close()
    assert status.startswith(b"4")


async def test_connection_is_good_for_the_next_request_after_a_body_that_fits(door: Door) -> None:
    for size in (10_000, MAX_BODY_BYTES):
        answer = await door.client.post("/v1/things", content=chunks(body(size)), headers=JSON)
        assert answer.status_code == 200


async def test_client_that_leaves_in_the_middle_of_its_body_disturbs_nobody(door: Door) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(b"POST /v1/things HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
    await writer.drain()
    writer.close()
    answer: httpx.Response = await door.client.post("/v1/things", json={"name": "x"})
    assert answer.status_code == 200
