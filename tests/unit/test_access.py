"""Every request is counted and logged once; nothing a caller sends can forge a line or a label."""

import asyncio
import io
from typing import Any

import orjson
import pytest
from prometheus_client import generate_latest

from shared.errors import Unavailable
from shared.metrics import Metrics
from shared.web import access
from shared.web.access import Access, AccessLog
from tests.waiting import until


class Endpoint:
    """An ASGI application that answers 204 as the route with this path."""

    path = "/v1/things/{id}"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        scope["route"] = self
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def request(app: Access, path: bytes = b"/v1/things/1", request_id: bytes = b"") -> bytes:
    """Answers the X-Request-Id of the answer."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"x-request-id", request_id)] if request_id else []
    scope = {"type": "http", "method": "GET", "path": path.decode("latin-1"), "raw_path": path, "headers": headers}
    await app(scope, None, send)  # type: ignore[arg-type]
    return bytes(dict(sent[0]["headers"])[b"x-request-id"])


async def test_request_is_a_line_of_json() -> None:
    stream = io.StringIO()
    log = AccessLog(stream)
    id = await request(Access(Endpoint(), Metrics(), log), request_id=b"mine-1")
    log.flush()
    line = orjson.loads(stream.getvalue())
    assert (line["method"], line["path"], line["status"], line["request"]) == ("GET", "/v1/things/1", 204, id.decode())


async def test_path_can_not_forge_a_line() -> None:
    stream = io.StringIO()
    log = AccessLog(stream)
    await request(Access(Endpoint(), Metrics(), log), path='/\n\r\x1b[2J{"status": 200}\u2028\x9b"'.encode())
    log.flush()
    assert len(stream.getvalue().splitlines()) == 1
    assert stream.getvalue().strip().isprintable()
    assert stream.getvalue().isascii()


async def test_lines_are_written_many_at_a_time_or_after_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "FLUSH_AFTER_S", 0.02)
    stream = io.StringIO()
    app = Access(Endpoint(), Metrics(), AccessLog(stream))
    for _ in range(access.FLUSH_LINES + 1):
        await request(app)
    assert stream.getvalue().count("\n") == access.FLUSH_LINES
    await until(lambda: stream.getvalue().count("\n") == access.FLUSH_LINES + 1)


@pytest.mark.parametrize("strange", [b"a b", b"x" * 65, b"a\r\nSet-Cookie: b", "é".encode(), b"--", b"<script>"])
async def test_request_id_that_is_not_plain_is_replaced(strange: bytes) -> None:
    id = await request(Access(Endpoint(), Metrics(), None), request_id=strange)
    assert id != strange
    assert id.isalnum()


async def test_requests_are_counted_by_the_pattern_of_their_route() -> None:
    metrics = Metrics()
    app = Access(Endpoint(), metrics, None)
    await asyncio.gather(*(request(app, path=b"/v1/things/%d" % n) for n in range(5)))
    page = generate_latest(metrics.registry).decode()
    assert 'vrc_http_requests_total{method="GET",route="/v1/things/{id}",status="204"} 5.0' in page
    assert 'vrc_http_request_seconds_count{route="/v1/things/{id}"} 5.0' in page


async def test_figures_from_the_record_are_read_before_the_page_is_made_and_at_most_once_a_second() -> None:
    metrics, reads = Metrics(), []
    gauge = metrics.gauge("vrc_open_tickets", "Open tickets.")

    async def refresh() -> None:
        reads.append(1)
        gauge.set(7)

    metrics.from_record(refresh)
    pages = [await metrics.page() for _ in range(3)]
    assert b"vrc_open_tickets 7.0" in pages[0]
    assert len(reads) == 1


async def test_page_shows_old_figures_while_the_database_is_away() -> None:
    metrics = Metrics()
    metrics.gauge("vrc_open_tickets", "Open tickets.").set(3)

    async def refresh() -> None:
        raise Unavailable("away")

    metrics.from_record(refresh)
    assert b"vrc_open_tickets 3.0" in await metrics.page()
