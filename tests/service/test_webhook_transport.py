"""One attempt at a receiver, however it behaves: an outcome with its reason, in time, and only so much read."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_network

import pytest

from services.notifier.channels import http as module
from services.notifier.channels.webhook.transport import Transport
from services.notifier.model.outcome import Delivered, GaveUp, Outcome, Retry
from shared.clock import SystemClock
from shared.testing.receiver import Answer, Misbehaviour, Receiver

LOOPBACK = [ip_network("127.0.0.0/8")]
HEADERS = {"webhook-id": "1"}


async def attempt(url: str, *, timeout_s: float = 5.0) -> Outcome:
    transport = Transport(SystemClock(), timeout=timedelta(seconds=timeout_s), networks=LOOPBACK)
    try:
        async with asyncio.timeout(10):
            return (await transport.post(url, b"{}", HEADERS)).outcome
    finally:
        await transport.close()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(200), Delivered()), (Answer(204), Delivered()), (Answer(299), Delivered()),
        (Answer(301, {"location": "/"}), Retry("redirect")), (Answer(304), Retry("redirect")),
        (Answer(308, {"location": "http://169.254.169.254/"}), Retry("redirect")),
        (Answer(400), Retry("client_error")), (Answer(404), Retry("client_error")), (Answer(410), GaveUp("gone")),
        (Answer(429), Retry("too_many_requests")), (Answer(500), Retry("server_error")),
        (Answer(503, {"retry-after": "30"}), Retry("server_error", timedelta(seconds=30))),
        (Answer(599), Retry("server_error")), ("reset", Retry("disconnected")), ("garbage", Retry("protocol")),
        (Answer(200, {"content-encoding": "gzip"}, b"this is not gzip"), Delivered()),
        (Answer(200, {"content-length": "999999999"}, b"x" * 100_000), Delivered()),
        (Answer(500, {"x-filler": "x" * 100_000}), Retry("protocol")),
    ],
)  # fmt: skip
async def test_answer_and_what_it_means(answer: Answer | Misbehaviour, outcome: Outcome) -> None:
    async with Receiver(otherwise=answer) as receiver:
        assert await attempt(receiver.url) == outcome
        assert len(receiver.hooks) == 1


async def test_receiver_that_never_answers_costs_the_timeout_and_no_more() -> None:
    async with Receiver(otherwise="hang") as receiver:
        assert await attempt(receiver.url, timeout_s=0.1) == Retry("timeout")


async def test_success_counts_although_the_rest_of_the_answer_never_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_WITHIN_S", 0.05)
    async with Receiver(otherwise=Answer(200, {"content-length": "100"}, b"x")) as receiver:
        assert await attempt(receiver.url) == Delivered()


async def test_nobody_there() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        assert await attempt(f"http://127.0.0.1:{held.getsockname()[1]}/") == Retry("connect")


async def test_plain_server_behind_https() -> None:
    def talk_plainly(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Speak up\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(talk_plainly, "127.0.0.1", 0) as server:
        assert await attempt(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/") == Retry("tls")


async def test_name_that_does_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert await attempt("http://nowhere.invalid/") == Retry("dns")


async def test_connection_is_used_again() -> None:
    async with Receiver(otherwise=Answer(200, body=b"thank you")) as receiver:
        async with _transport() as transport:
            for _ in range(5):
                assert (await transport.post(receiver.url, b"{}", HEADERS)).outcome == Delivered()
        assert (len(receiver.hooks), receiver.connections) == (5, 1)


async def test_request_asks_for_identity_and_says_no_more_than_it_must() -> None:
    async with Receiver() as receiver, _transport() as transport:
        await transport.post(receiver.url, b"{}", {**HEADERS, "content-type": "application/json", "user-agent": "x"})
        names = set(receiver.hooks[0].headers)
        assert receiver.hooks[0].headers["accept-encoding"] == "identity"
    assert names <= {"host", "webhook-id", "content-type", "user-agent", "accept", "accept-encoding", "content-length"}


async def test_cookies_are_not_kept() -> None:
    async with (
        Receiver(otherwise=Answer(200, {"set-cookie": "session=1; Path=/"})) as receiver,
        _transport() as transport,
    ):
        for _ in range(2):
            await transport.post(receiver.url, b"{}", HEADERS)
        assert "cookie" not in receiver.hooks[1].headers


async def test_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with Receiver() as receiver, Receiver() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        assert await attempt(receiver.url) == Delivered()
        assert proxy.connections == 0


@asynccontextmanager
async def _transport() -> AsyncIterator[Transport]:
    transport = Transport(SystemClock(), timeout=timedelta(seconds=5), networks=LOOPBACK)
    yield transport
    await transport.close()
