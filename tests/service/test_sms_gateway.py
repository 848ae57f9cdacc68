"""One message to a gateway on a socket, however it behaves: an outcome with its reason, in time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.notifier.channels.sms.gateway import Gateway, GatewayAccess
from services.notifier.model.outcome import Attempt, Delivered, GaveUp, Outcome, Refused, Retry, RetryReason
from shared.clock import SystemClock
from shared.testing.certificates import Authority
from shared.testing.process import free_ports
from shared.testing.receiver import Answer, Misbehaviour
from shared.testing.sms_gateway import SmsGateway

ID, NUMBER = "VT261121-7K3QM9XA-3.sub_1", "+8613800138000"


def ours(reason: RetryReason) -> Retry:
    """The gateway is the operator's own: what it does says nothing of a telephone."""
    return Retry(reason, ours=True)


@asynccontextmanager
async def opened(url: str, *, timeout_s: float = 5, **access: Any) -> AsyncIterator[Gateway]:
    gateway = Gateway(GatewayAccess(url=url, **access), SystemClock(), timeout=timedelta(seconds=timeout_s))
    async with asyncio.timeout(20):
        yield gateway
        await gateway.close()


async def attempt(url: str, **given: Any) -> Attempt:
    async with opened(url, **given) as gateway:
        return await gateway.send(ID, to=NUMBER, text="销障")


def token_file(folder: Path, token: str) -> Path:
    file = folder / "token"
    file.touch(mode=0o600)
    file.write_text(token)
    return file


async def test_gateway_gets_the_message_with_its_id_size_and_our_token(tmp_path: Path) -> None:
    async with SmsGateway(token="secret") as gateway:
        made = await attempt(gateway.url, token_file=token_file(tmp_path, "secret"))
    assert made == Attempt(Delivered(), 202, b'{"id":"gateway-1"}', "gateway-1")
    (sms,) = gateway.asked
    assert (sms.id, sms.to, sms.text, sms.encoding, sms.segments) == (ID, NUMBER, "销障", "ucs-2", 1)
    assert gateway.hooks[0].headers["idempotency-key"] == ID


async def test_token_that_is_not_taken_is_ours_to_mend(tmp_path: Path) -> None:
    async with SmsGateway(token="secret") as gateway:
        made = await attempt(gateway.url, token_file=token_file(tmp_path, "another"))
    assert (made.outcome, gateway.sent) == (ours("unauthorized"), [])


async def test_token_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    made = await attempt("http://127.0.0.1:1/", token_file=tmp_path / "none")
    assert made.outcome == ours("not_configured")
    assert b"no password file" in made.answer


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(200), Delivered()), (Answer(202), Delivered()), (Answer(302, {"location": "/"}), ours("redirect")),
        (Answer(400), Refused("rejected")), (Answer(422), Refused("rejected")), (Answer(403), ours("unauthorized")),
        (Answer(404), ours("client_error")), (Answer(410), GaveUp("gone")), (Answer(500), ours("server_error")),
        (Answer(429, {"retry-after": "30"}), Retry("too_many_requests", timedelta(seconds=30), ours=True)),
        ("reset", ours("disconnected")), ("garbage", ours("protocol")),
    ],
)  # fmt: skip
async def test_answer_is_an_outcome(answer: Answer | Misbehaviour, outcome: Outcome) -> None:
    async with SmsGateway(answer) as gateway:
        assert (await attempt(gateway.url)).outcome == outcome


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"id": 7}', b'"id"', b"\xff"])
async def test_gateway_that_gives_no_name_has_taken_it_all_the_same(body: bytes) -> None:
    async with SmsGateway(Answer(202, body=body)) as gateway:
        made = await attempt(gateway.url)
    assert (made.outcome, made.reference) == (Delivered(), "")


async def test_gateway_that_hangs_takes_no_more_than_the_time_there_is() -> None:
    async with SmsGateway("hang") as gateway:
        assert (await attempt(gateway.url, timeout_s=0.2)).outcome == ours("timeout")


async def test_gateway_that_is_not_there() -> None:
    (port,) = free_ports(1)
    assert (await attempt(f"http://127.0.0.1:{port}/")).outcome == ours("connect")


async def test_certificate_of_an_own_authority_is_taken_when_that_is_given(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with SmsGateway(tls=authority.identity("127.0.0.1").server_context()) as gateway:
        assert (await attempt(gateway.url, ca_file=authority.file)).outcome == Delivered()
        assert (await attempt(gateway.url)).outcome == ours("tls")


async def test_certificate_of_another_name_is_not_taken(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with SmsGateway(tls=authority.identity("localhost").server_context()) as gateway:
        assert (await attempt(gateway.url, ca_file=authority.file)).outcome == ours("tls")


async def test_new_token_is_used_from_the_next_message_on(tmp_path: Path) -> None:
    file = token_file(tmp_path, "old")
    async with SmsGateway(token="new") as gateway, opened(gateway.url, token_file=file) as center:
        first = await center.send(ID, to=NUMBER, text="x")
        file.write_text("new")
        second = await center.send(ID, to=NUMBER, text="x")
    assert (first.outcome, second.outcome) == (ours("unauthorized"), Delivered())
    assert gateway.connections == 1
