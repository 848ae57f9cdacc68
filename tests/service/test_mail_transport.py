"""One transfer to a mail server: a real one with TLS and passwords, and one that misbehaves on demand."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.notifier.channels.email import transport as module
from services.notifier.channels.email.transport import MailServer, Transport
from services.notifier.model.outcome import Attempt, Delivered, Outcome, Refused, Retry, RetryReason
from shared.testing.certificates import Authority
from shared.testing.mail_server import DOMAIN
from shared.testing.mail_server import MailServer as RealServer
from shared.testing.process import free_ports
from shared.testing.smtp import Behaviour, Moment, SmtpServer
from tests.waiting import until

NOC = f"noc@{DOMAIN}"
MESSAGE = b"Subject: fault\r\nMessage-ID: <1@vrc.test>\r\n\r\nline\r\n.dot\r\n"


def ours(reason: RetryReason) -> Retry:
    """It never got to the reader, and says nothing of him."""
    return Retry(reason, ours=True)


@pytest.fixture(scope="module")
def real() -> Iterator[RealServer]:
    with RealServer("noc") as server:
        yield server


def to_real(real: RealServer, **changes: Any) -> MailServer:
    given: dict[str, Any] = {
        "host": "localhost", "port": real.starttls, "security": "starttls", "name": DOMAIN, "user": real.user,
        "password_file": real.password_file(), "ca_file": real.ca_file,
    }  # fmt: skip
    return MailServer(**given | changes)


@asynccontextmanager
async def opened(server: MailServer | SmtpServer, *, timeout_s: float = 10) -> AsyncIterator[Transport]:
    if isinstance(server, SmtpServer):
        server = MailServer(host="127.0.0.1", port=server.port, security="none", name="vrc.test")
    transport = Transport(server, timeout=timedelta(seconds=timeout_s))
    async with asyncio.timeout(20):
        yield transport
        await transport.close()


async def attempt(server: MailServer | SmtpServer, recipient: str = NOC, **given: Any) -> Attempt:
    async with opened(server, **given) as transport:
        return await transport.send(f"center@{DOMAIN}", recipient, MESSAGE)


async def outcome(script: dict[Moment, list[Behaviour]], **given: Any) -> Outcome:
    async with SmtpServer(script) as server:
        return (await attempt(server, **given)).outcome


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_real_server_takes_mail_over_tls_with_a_password(real: RealServer, security: str) -> None:
    before = len(real.mails)
    made = await attempt(to_real(real, security=security, port=getattr(real, security)))
    assert (made.outcome, made.status) == (Delivered(), 250)
    await until(lambda: len(real.mails) > before)
    assert real.mails[-1]["Message-ID"] == "<1@vrc.test>"
    assert "line\n.dot" in real.mails[-1].get_content().replace("\r\n", "\n")
    assert "tls TLS_" in real.mails[-1]["Received"]


async def test_mailbox_that_does_not_exist_is_refused_for_good(real: RealServer) -> None:
    made = await attempt(to_real(real), f"nobody@{DOMAIN}")
    assert (made.outcome, made.status) == (Refused("rejected"), 550)
    assert made.answer.startswith(b"5.1.1 ")


async def test_wrong_password_is_ours_to_mend(real: RealServer) -> None:
    made = await attempt(to_real(real, password_file=real.password_file("wrong")))
    assert (made.outcome, made.status) == (ours("unauthorized"), 535)


async def test_mail_without_the_password_that_is_wanted_is_ours_to_mend(real: RealServer) -> None:
    assert (await attempt(to_real(real, user=None, password_file=None))).outcome == ours("unauthorized")


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("wrong", [{"ca_file": None}, {"host": "127.0.0.1"}])
async def test_certificate_that_is_not_vouched_for_ends_it(
    real: RealServer, security: str, wrong: dict[str, Any]
) -> None:
    given = {"security": security, "port": getattr(real, security), **wrong}
    assert (await attempt(to_real(real, **given))).outcome == ours("tls")


async def test_nothing_is_said_to_a_server_without_the_tls_that_was_asked_for() -> None:
    async with SmtpServer() as server:
        plain = MailServer(host="127.0.0.1", port=server.port, security="starttls", name="vrc.test")
        assert (await attempt(plain)).outcome == ours("tls")
    assert [line.split()[0] for line in server.said] == ["EHLO"]


async def test_certificate_of_another_name_ends_starttls_before_the_password(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    (tmp_path / "password").touch(mode=0o600)
    (tmp_path / "password").write_text("secret")
    async with SmtpServer(tls=authority.identity("other.example").server_context()) as server:
        target = MailServer(
            host="127.0.0.1", port=server.port, security="starttls", name="vrc.test", user="center",
            password_file=tmp_path / "password", ca_file=authority.file,
        )  # fmt: skip
        assert (await attempt(target)).outcome == ours("tls")
    assert server.said == ["EHLO vrc.test", "STARTTLS"]


async def test_password_file_that_is_not_there_is_said(real: RealServer, tmp_path: Path) -> None:
    made = await attempt(to_real(real, password_file=tmp_path / "none"))
    assert made.outcome == ours("not_configured")
    assert b"no password file" in made.answer


@pytest.mark.parametrize(
    ("moment", "reply", "expected"),
    [
        ("connect", "421 too busy", ours("server_error")), ("connect", "554 go away", ours("server_error")),
        ("connect", "hello", ours("protocol")), ("EHLO", "cut", ours("disconnected")),
        ("MAIL", "451 4.3.0 later", ours("unauthorized")), ("MAIL", "550 5.7.1 not you", ours("unauthorized")),
        ("MAIL", "421 bye", ours("unauthorized")), ("MAIL", "cut", ours("disconnected")),
        ("RCPT", "450 4.2.0 greylisted", Retry("deferred")), ("RCPT", "421 bye", Retry("deferred")),
        ("RCPT", "550 5.1.1 no such user", Refused("rejected")), ("RCPT", "553 no", Refused("rejected")),
        ("RCPT", "552 5.2.2 mailbox full", Retry("deferred")), ("RCPT", "cut", ours("disconnected")),
        ("DATA", "451 later", Retry("deferred")), ("DATA", "554 no", Refused("rejected")),
        ("DATA", "cut", ours("disconnected")), ("DATA", "garbage", ours("protocol")),
        ("text", "452 4.3.1 disk full", Retry("deferred")), ("text", "554 5.7.1 spam", Refused("rejected")),
        ("text", "cut", ours("disconnected")), ("text", "cut after", ours("disconnected")),
    ],
)  # fmt: skip
async def test_answer_is_an_outcome(moment: Moment, reply: Behaviour, expected: Outcome) -> None:
    assert await outcome({moment: [reply]}) == expected


@pytest.mark.parametrize("moment", ["connect", "EHLO", "MAIL", "RCPT", "DATA", "text"])
async def test_server_that_hangs_takes_no_more_than_the_time_there_is(moment: Moment) -> None:
    assert await outcome({moment: ["hang"]}, timeout_s=0.3) == ours("timeout")


async def test_server_that_is_not_there() -> None:
    (port,) = free_ports(1)
    nobody = MailServer(host="127.0.0.1", port=port, security="none", name="vrc.test")
    assert (await attempt(nobody)).outcome == ours("connect")


async def test_name_that_does_not_resolve() -> None:
    nowhere = MailServer(host="mail.invalid", port=25, security="none", name="vrc.test")
    assert (await attempt(nowhere)).outcome == ours("dns")


async def test_connection_is_used_again_also_after_a_refusal() -> None:
    async with SmtpServer({"RCPT": ["250 ok", "550 5.1.1 no"]}) as server, opened(server) as transport:
        outcomes = [(await transport.send("a@vrc.test", NOC, MESSAGE)).outcome for _ in range(3)]
    assert outcomes == [Delivered(), Refused("rejected"), Delivered()]
    assert (server.connections, len(server.mails)) == (1, 2)


@pytest.mark.parametrize("farewell", ["cut", "421 idle for too long"])
async def test_server_that_hung_up_meanwhile_costs_no_attempt(farewell: Behaviour) -> None:
    async with SmtpServer({"RSET": [farewell]}) as server, opened(server) as transport:
        outcomes = [(await transport.send("a@vrc.test", NOC, MESSAGE)).outcome for _ in range(2)]
    assert outcomes == [Delivered(), Delivered()]
    assert server.connections == 2


async def test_connection_ends_after_some_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_MESSAGES", 2)
    async with SmtpServer() as server, opened(server) as transport:
        for _ in range(3):
            await transport.send("a@vrc.test", NOC, MESSAGE)
    assert server.connections == 2
    assert server.said.count("QUIT") == 2


async def test_connection_nobody_needs_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_S", 0.01)
    async with SmtpServer() as server, opened(server) as transport:
        await transport.send("a@vrc.test", NOC, MESSAGE)
        await until(lambda: not server.under_way)
        assert (await transport.send("a@vrc.test", NOC, MESSAGE)).outcome == Delivered()
    assert server.connections == 2


async def test_no_more_connections_than_agreed() -> None:
    async with SmtpServer() as server, opened(server) as transport:
        await asyncio.gather(*(transport.send("a@vrc.test", NOC, MESSAGE) for _ in range(40)))
    assert len(server.mails) == 40
    assert server.connections == server.most_under_way == module.CONNECTIONS


async def test_hanging_server_keeps_those_in_line_no_longer_than_one_attempt() -> None:
    async with SmtpServer({"MAIL": ["hang"] * 4}) as server, opened(server, timeout_s=0.3) as transport:
        sent = [transport.send("a@vrc.test", NOC, MESSAGE) for _ in range(8)]
        assert {a.outcome for a in await asyncio.gather(*sent)} <= {ours("timeout"), Delivered()}
        assert (await transport.send("a@vrc.test", NOC, MESSAGE)).outcome == Delivered()
