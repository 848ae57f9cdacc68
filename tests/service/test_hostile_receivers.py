"""Receivers that mean harm, as real sockets: each attempt ends in time, with a reason, and with so much taken."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import cycle
from pathlib import Path

import aiohttp
import pytest
from aiohttp.client_proto import ResponseHandler
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.notifier.channels import http
from services.notifier.channels.webhook import frugal
from services.notifier.channels.webhook.frugal import MOST_TAKEN_BYTES
from services.notifier.channels.webhook.transport import Transport
from services.notifier.handlers import subscriptions
from services.notifier.model.outcome import MOST_ANSWER_BYTES, Attempt, Delivered, Outcome, Retry
from services.notifier.model.retrying import LONGEST_RETRY_AFTER, retry_delay
from shared.clock import SystemClock
from shared.db.port import Database
from shared.testing.clock import ManualClock
from shared.testing.hostile import MISBEHAVIOURS, Hostile, every_one
from shared.testing.receiver import Receiver
from tests.cases import notes
from tests.notifying import LOOPBACK, Notifier, Tickets, notifier, subscribe, webhook_channel
from tests.waiting import until

SHORT, LONG = timedelta(seconds=0.2), timedelta(seconds=10)
"""An attempt that is to time out is given little; all others so much that it does not on a busy machine."""
TAKEN = {
    "one byte a second of its body", "endless body", "endless chunks", "endless chunk extension", "gzip bomb",
    "reset in the body", "answers before it was asked and twice", "speaks plainly where tls is expected",
    "header folded into the next", "deflated garbage", "answer without end of its headers",
}  # fmt: skip
"""A 2xx that could be read is a success, whatever comes behind it: it is the receiver that says so."""
REASONS = {
    "timeout": {
        "never reads and never answers", "never answers", "one byte a second of its status",
        "one byte a second of its headers",
    },
    "disconnected": {
        "flood of 100 continue", "flood of 103 early hints", "reset when connected", "reset after the head",
        "reset after the request", "reset in the status line", "reset in the headers", "closes without an answer",
        "nothing but line feeds",
    },
    "redirect": {
        "301 to a metadata address", "302 to a metadata address", "303 to a metadata address",
        "307 to a metadata address", "308 to a metadata address", "300 of many choices", "redirect to a file",
        "305 by a proxy of its own",
    },
    "too_many_requests": {
        "429 and again in ten million years", "429 and again before now", "429 and again at the end of time",
        "429 and again that is no time",
    },
    "server_error": {"refresh to a metadata address", "status 999", "body that asks for the terminal"},
}  # fmt: skip
"""Whatever is not named can't be understood: `protocol`."""


def expected(name: str) -> str:
    return next((reason for reason, names in REASONS.items() if name in names), "protocol")


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is only waited for out of courtesy is not waited for here."""
    for module in (http, frugal):
        monkeypatch.setattr(module, "ANSWER_WITHIN_S", 0.05)


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of what aiohttp's parser was given to read."""
    sizes: list[int] = []
    real = ResponseHandler.data_received

    def counted(self: ResponseHandler, data: bytes) -> None:
        sizes.append(len(data))
        real(self, data)

    monkeypatch.setattr(ResponseHandler, "data_received", counted)
    return sizes


async def attempt(url: str, *, within: timedelta = LONG) -> Attempt:
    transport = Transport(SystemClock(), timeout=within, networks=LOOPBACK)
    try:
        async with asyncio.timeout(20):
            return await transport.post(url, b'{"x": 1}', {"webhook-id": "1"})
    finally:
        await transport.close()


def test_there_are_many_and_each_is_spoken_of_once() -> None:
    named = [name for names in (TAKEN, *REASONS.values()) for name in names]
    assert len(named) == len(set(named))
    assert set(named) <= set(MISBEHAVIOURS)
    assert len(MISBEHAVIOURS) >= 50


@pytest.mark.parametrize("name", MISBEHAVIOURS)
async def test_attempt_ends_with_a_reason_and_little_taken(name: str, taken: list[int]) -> None:
    async with Hostile(MISBEHAVIOURS[name]) as receiver:
        made = await attempt(receiver.url, within=SHORT if name in REASONS["timeout"] else LONG)
        assert receiver.connections == 1
    if name in TAKEN:
        assert made.outcome == Delivered()
    else:
        assert isinstance(made.outcome, Retry)
        assert made.outcome.reason == expected(name)
    assert sum(taken) <= MOST_TAKEN_BYTES
    assert len(made.answer) <= MOST_ANSWER_BYTES


async def test_what_there_is_to_count_is_counted(taken: list[int]) -> None:
    """The limit above is met by those that pour, or it would say nothing."""
    async with Hostile(MISBEHAVIOURS["flood of 100 continue"]) as receiver:
        await attempt(receiver.url)
        assert receiver.sent_bytes > MOST_TAKEN_BYTES
    assert sum(taken) == MOST_TAKEN_BYTES


@pytest.mark.parametrize("name", sorted(REASONS["too_many_requests"]))
async def test_absurd_retry_after_puts_off_by_an_hour_at_most(name: str) -> None:
    async with Hostile(MISBEHAVIOURS[name]) as receiver:
        outcome = (await attempt(receiver.url)).outcome
    assert isinstance(outcome, Retry)
    delay = retry_delay(1, outcome.retry_after, 0.0)
    assert delay is not None
    assert timedelta(seconds=5) <= delay <= LONGEST_RETRY_AFTER


async def test_redirect_leads_nowhere() -> None:
    async with Receiver() as elsewhere:
        for status in (301, 302, 303, 307, 308):

            async def redirect(line: object, status: int = status) -> None:
                await line.request()  # type: ignore[attr-defined]
                await line.say(f"HTTP/1.1 {status} Go\r\nlocation: {elsewhere.url}\r\n\r\n".encode())  # type: ignore[attr-defined]

            async with Hostile(redirect) as receiver:
                assert (await attempt(receiver.url)).outcome == Retry("redirect")
        assert elsewhere.connections == 0


class Authority:
    """Makes certificates; trusted by the transport for as long as the fixture lives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority of the tests")])
        self.certificate = self._sign(self._key, self._name, authority=True)

    def server(self, san: x509.GeneralName, *, days: int = 1, self_signed: bool = False) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "receiver")])
        made = self._sign(key, name, san=san, days=days, by=(key, name) if self_signed else None)
        path = self._folder / "server.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _sign(
        self,
        key: ec.EllipticCurvePrivateKey,
        name: x509.Name,
        *,
        san: x509.GeneralName | None = None,
        days: int = 1,
        authority: bool = False,
        by: tuple[ec.EllipticCurvePrivateKey, x509.Name] | None = None,
    ) -> x509.Certificate:
        signer, issuer = by or (self._key, self._name)
        now = datetime.now(UTC)  # TLS looks at the real clock
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=9))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if san is not None:
            made = made.add_extension(x509.SubjectAlternativeName([san]), critical=False)
        return made.sign(signer, hashes.SHA256())


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    made = Authority(tmp_path)
    trusting = ssl.create_default_context()
    trusting.load_verify_locations(cadata=made.certificate.public_bytes(serialization.Encoding.DER))
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", trusting)
    return made


HERE = x509.IPAddress(ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    ("san", "days", "self_signed", "outcome"),
    [
        (HERE, 1, False, Delivered()), (HERE, -1, False, Retry("tls")), (HERE, 1, True, Retry("tls")),
        (x509.DNSName("noc.example.com"), 1, False, Retry("tls")),
        (x509.IPAddress(ip_address("127.0.0.2")), 1, False, Retry("tls")),
        (x509.DNSName("127.0.0.1"), 1, False, Retry("tls")),
    ],
    ids=["right", "expired", "nobody's", "another's", "another address's", "an address as a name"],
)  # fmt: skip
async def test_only_the_right_certificate_will_do(
    authority: Authority, san: x509.GeneralName, days: int, self_signed: bool, outcome: Outcome
) -> None:
    tls = authority.server(san, days=days, self_signed=self_signed)
    async with Hostile(MISBEHAVIOURS["speaks plainly where tls is expected"], tls=tls) as receiver:
        assert (await attempt(receiver.url)).outcome == outcome
        assert receiver.requests == (outcome == Delivered())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("never reads and never answers", "timeout"), ("never answers", "timeout"), ("speaks smtp", "tls"),
        ("reset when connected", "connect"),
    ],
)  # fmt: skip
async def test_handshake_that_fails_or_never_ends(name: str, reason: str) -> None:
    async with Hostile(MISBEHAVIOURS[name]) as receiver:
        made = await attempt(receiver.url.replace("http:", "https:"), within=SHORT if reason == "timeout" else LONG)
        assert made.outcome == Retry(reason)  # type: ignore[arg-type]
        assert receiver.requests == 0


@pytest.mark.parametrize("name", ["endless body", "reset in the body", "never answers", "flood of 100 continue"])
async def test_behind_tls_they_are_no_worse(authority: Authority, name: str) -> None:
    async with Hostile(MISBEHAVIOURS[name], tls=authority.server(HERE)) as receiver:
        made = await attempt(receiver.url, within=SHORT if name in REASONS["timeout"] else LONG)
        assert (made.outcome == Delivered()) == (name in TAKEN)


async def test_all_of_them_together_hold_up_nobody(
    store: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One account, fifty-odd hostile receivers and a good one: that one gets everything, in order, while they hang."""
    monkeypatch.setattr(subscriptions, "MOST_SUBSCRIPTIONS", 100)
    happens, channel = Tickets(store, clock), webhook_channel(clock, timeout=timedelta(seconds=5))
    async with every_one() as hostile, Receiver() as good, notifier(store, clock, channel=channel) as one:
        for each in hostile.values():
            await subscribe(store, clock, each)  # type: ignore[arg-type]
        await one.subscribe(good)
        first = await happens.open()
        await one.feed(first)
        for _ in range(20):
            await one.feed(*await happens.happen(first.ticket, *notes(1)))
        await good.until(21)
        assert good.seqs(first.ticket) == list(range(1, 22))
        await until(lambda: all(each.connections for each in hostile.values()))
        assert one.deliveries.under_way > 0, "some hang"


async def test_flapping_receiver_gets_everything_in_order(store: Database, clock: ManualClock) -> None:
    happens = Tickets(store, clock)
    lines = (f"HTTP/1.1 {said}\r\ncontent-length: 0\r\n\r\n".encode() for said in ("500 Oh", "200 OK"))
    answers = cycle([None, *lines])

    async def flap(line: object) -> None:
        await line.request()  # type: ignore[attr-defined]
        if (answer := next(answers)) is None:
            line.reset()  # type: ignore[attr-defined]
        else:
            await line.say(answer)  # type: ignore[attr-defined]

    async with Hostile(flap) as receiver, notifier(store, clock) as one:
        await subscribe(store, clock, receiver)  # type: ignore[arg-type]
        first = await happens.open()
        await one.feed(first, *await happens.happen(first.ticket, *notes(3)))
        await finish(one)
        assert receiver.requests == 12
        assert (await one.lane())["acked_seq"] == 4


async def finish(one: Notifier) -> None:
    """Until nothing is owed any more."""
    for _ in range(40):
        await one.settle()
        if (await one.lane())["due_at"] is None:
            return
        await one.look(timedelta(minutes=2))
    raise AssertionError("something is owed for ever")
