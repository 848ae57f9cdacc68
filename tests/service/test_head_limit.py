"""What a request may carry beside its body: a limited head, and nothing that arrives after the head is one."""

import asyncio

import orjson
import pytest

from shared.web.server import MAX_HEAD_BYTES
from tests.door import Door

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = b"POST /v1/things HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
READ = 256 * 1024  # what asyncio reads at once at the most: a head may be larger by that


async def told(door: Door, *parts: bytes) -> bytes:
    """All that is answered until the connection is closed; what can't be sent any more is left."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    answer = asyncio.create_task(reader.read())
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
    except ConnectionError:
        pass
    try:
        async with asyncio.timeout(5):
            return await answer
    except ConnectionError:
        return b""
    finally:
        writer.close()


def of_door(door: Door) -> bytes:
    return f"Authorization: {door.client.headers['authorization']}\r\n".encode()


@pytest.mark.parametrize("line", [b"X-Long: " + b"a" * 100, b"X-Many: a\r\n", b"Cookie: a=b; "])
async def test_head_without_end_is_refused_when_it_is_too_long(door: Door, line: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    sent = 0
    writer.write(GET)
    async with asyncio.timeout(5):
        while not reader.at_eof() and sent < 100 * READ:
            try:
                writer.write(line * 100)
                await writer.drain()
            except ConnectionError:
                break
            sent += len(line) * 100
            await asyncio.sleep(0)
    writer.close()
    assert sent < 40 * READ  # what the kernel holds included


async def test_head_that_is_too_long_is_answered_431(door: Door) -> None:
    answer = await told(door, GET + b"X: " + b"a" * (MAX_HEAD_BYTES + 1))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert b"connection: close" in head.lower()
    assert orjson.loads(body)["code"] == "head_too_large"


async def test_heads_of_one_connection_are_counted_each_for_itself(door: Door) -> None:
    long = GET + b"X: " + b"a" * (MAX_HEAD_BYTES // 2) + b"\r\n\r\n"
    answer = await told(door, long, long, long, GET + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 4


async def test_key_in_a_trailer_lets_nobody_in(door: Door) -> None:
    body = b"2\r\n{}\r\n0\r\n"
    answer = await told(door, POST + b"Connection: close\r\n\r\n" + body + of_door(door) + b"\r\n")
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_trailers_without_end_are_cut_off(door: Door) -> None:
    answer = await told(door, POST + of_door(door) + b"\r\n0\r\n", b"X: " + b"a" * (MAX_HEAD_BYTES + 1))
    assert b" 200 " not in answer


async def test_body_in_chunks_is_not_counted_as_head(door: Door) -> None:
    text = b"[" + b" " * 60_000 + b"]"
    chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(text), text)
    answer = await told(door, POST + of_door(door) + b"Connection: close\r\n\r\n" + chunks)
    assert answer.startswith(b"HTTP/1.1 422 ")
