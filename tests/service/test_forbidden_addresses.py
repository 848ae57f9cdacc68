"""Nothing reaches a forbidden address, however it is spelled: counted where it would arrive.

Listening sockets on every address of this machine (the wildcard ones: all of 127.0.0.0/8, ::1, the machine's own) count
what comes in. Addresses that are not this machine's can't be listened at: there, no socket is even asked to connect.
"""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any, Self

import pytest

from services.notifier.channels.webhook.targets import Network, objection
from services.notifier.channels.webhook.transport import Transport
from services.notifier.model.outcome import Delivered, Retry
from shared.clock import SystemClock

OF_THIS_MACHINE = ("127.0.0.1", "127.8.9.10", "0.0.0.0")
ELSEWHERE = (
    "169.254.169.254",
    "100.100.100.200",
    "192.0.0.192",
    "10.0.0.1",
    "192.168.1.1",
    "172.16.0.1",
    "168.63.129.16",
)
WIDE = str.maketrans("0123456789", "０１２３４５６７８９")
CIRCLED = str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨")


def spellings(dotted: str) -> Iterator[str]:
    """Ways to write an IPv4 address as a URL's host that parsers and resolvers have been seen to understand."""
    address = IPv4Address(dotted)
    number, parts = int(address), address.packed
    hex16 = f"{number >> 16:x}:{number & 0xFFFF:x}"
    yield from (dotted, f"{dotted}.", str(number), hex(number), f"0X{number:X}", f"0{number:o}", f"0x{number:016x}")
    yield ".".join(f"0{part:o}" for part in parts)
    yield ".".join(f"{part:04o}" for part in parts)
    yield ".".join(hex(part) for part in parts)
    yield ".".join(f"{part:03d}" for part in parts)
    yield f"{parts[0]}.{number & 0xFFFFFF}"
    yield f"{parts[0]}.{parts[1]}.{number & 0xFFFF}"
    yield f"{hex(parts[0])}.0{parts[1]:o}.{number & 0xFFFF}"
    yield dotted.translate(WIDE)
    yield dotted.translate(CIRCLED)
    yield dotted.replace(".", "。")
    yield dotted.replace(".", "%2e")
    yield "".join(f"%{ord(char):02x}" for char in dotted)
    yield from (f"[::ffff:{dotted}]", f"[::ffff:{hex16}]", f"[0:0:0:0:0:ffff:{hex16}]", f"[::FFFF:{hex16.upper()}]")
    yield from (f"[::{dotted}]", f"[::ffff:0:{dotted}]", f"[64:ff9b::{dotted}]", f"[64:ff9b:1::{hex16}]")
    yield from (f"[2002:{hex16}::]", f"[2002:{hex16}::1]", f"[fe80::5efe:{dotted}]", f"[::ffff:{hex16}%25lo]")
    hidden = f"{(number ^ 0xFFFFFFFF) >> 16:x}:{(number ^ 0xFFFFFFFF) & 0xFFFF:x}"
    yield f"[2001:0:{hex16}:8000:63bf:{hidden}]"
    yield from (
        f"example.com@{dotted}",
        f"user:pw@{dotted}",
        f"@{dotted}",
        f"8.8.8.8@{dotted}",
        f"{dotted}%00.example.com",
    )


OF_V6 = (
    "[::1]", "[0:0:0:0:0:0:0:1]", "[0000:0000:0000:0000:0000:0000:0000:0001]", "[::1%25lo]", "[::0.0.0.1]", "[::]",
    "[fe80::1]", "[fe80::1%25eth0]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[fec0::1]", "[100::1]",
    "[2001:db8::1]", "[v1.::1]", "localhost", "LOCALHOST", "localhost.", "ip6-localhost", "ip6-loopback",
)  # fmt: skip
NAMES_OF_THIS_MACHINE = {"localhost", "ip6-localhost", "ip6-loopback"}
HOSTS = [*itertools.chain.from_iterable(map(spellings, (*OF_THIS_MACHINE, *ELSEWHERE))), *OF_V6]
PATTERNS = (
    "http://{host}:{port}/hook", "http://{host}:{port}", "http://example.com@{host}:{port}/", "http:{host}:{port}/",
    "http://{host}:{port}#@example.com/", "http://{host}:{port}\\@example.com/", "http:///{host}:{port}/",
    "//{host}:{port}/", "http:\\\\{host}:{port}\\", "HTTP://{host}:{port}/", " http://{host}:{port}/",
    "http://\t{host}:{port}/", "http://{host}\n:{port}/", "https://{host}:{port}/", "ws://{host}:{port}/",
    "gopher://{host}:{port}/_POST", "file://{host}:{port}/etc/passwd", "http+unix://{host}:{port}/",
)  # fmt: skip
URLS = [PATTERNS[0].replace("{host}", host) for host in HOSTS]
URLS += [pattern.replace("{host}", host) for pattern in PATTERNS[1:] for host in ("127.0.0.1", "[::1]", "2130706433")]


class Watch:
    """Listening sockets on all addresses of this machine, on one port."""

    def __init__(self) -> None:
        self.arrived: list[str] = []
        self.port = 0
        self._servers: list[asyncio.Server] = []

    async def __aenter__(self) -> Self:
        for host in ("0.0.0.0", "::"):
            self._servers.append(await asyncio.start_server(self._accept, host, self.port))
            self.port = self._servers[0].sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()
            await server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.arrived.append(writer.get_extra_info("sockname")[0])
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        writer.close()


@pytest.fixture
async def watch() -> AsyncIterator[Watch]:
    async with Watch() as running:
        yield running


Resolve = Callable[[str], Sequence[str]]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> dict[str, Resolve]:
    """Names of the tests' own, by what they lead to at each question; all else is read as the system does."""
    names: dict[str, Resolve] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        own = host.rstrip(".").lower()
        if own in names:
            found = [real(address, port, 0, type, proto, socket.AI_NUMERICHOST) for address in names[own](own)]
            return list(itertools.chain.from_iterable(found))
        hosts_file = flags if "local" in own or "ip6" in own else socket.AI_NUMERICHOST
        return real(host, port, family, type, proto, hosts_file)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return names


@pytest.fixture
async def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The addresses that any socket was asked to connect to."""
    addresses: list[Any] = []
    loop_class = type(asyncio.get_running_loop())
    real = loop_class.sock_connect

    async def noted(self: Any, sock: socket.socket, address: Any) -> None:
        addresses.append(address)
        await real(self, sock, address)

    monkeypatch.setattr(loop_class, "sock_connect", noted)
    return addresses


@asynccontextmanager
async def transport(*networks: str) -> AsyncIterator[Transport]:
    allowed: Sequence[Network] = [ip_network(network) for network in networks]
    made = Transport(SystemClock(), timeout=timedelta(seconds=5), networks=allowed)
    try:
        yield made
    finally:
        await made.close()


def test_there_are_two_hundred_spellings_and_more() -> None:
    assert len(set(URLS)) >= 400


def test_door_takes_names_only_and_no_address_however_spelled() -> None:
    """Where a name leads is looked at when something is delivered."""
    taken = [url for url in URLS if objection(url.replace("{port}", "8080"), http=True) is None]
    assert {url.lower().removeprefix("http://").partition(":")[0].rstrip(".") for url in taken} <= NAMES_OF_THIS_MACHINE


@pytest.mark.usefixtures("resolver")
async def test_nothing_arrives_at_a_forbidden_address(watch: Watch, asked: list[Any]) -> None:
    """As if the door had let all of them in: an old subscription, an old rule."""
    async with transport() as out:
        for url in URLS:
            made = await out.post(url.replace("{port}", str(watch.port)), b"{}", {"webhook-id": "1"})
            assert isinstance(made.outcome, Retry), url
    assert watch.arrived == []
    assert asked == []


HOW_IT_WOULD_ARRIVE = "127.0.0.1", "127.8.9.10", "0x7f.1", "[::ffff:7f00:1]", "[::1]", "own.example", "localhost"


async def test_what_would_arrive_is_counted(watch: Watch, resolver: dict[str, Resolve], asked: list[Any]) -> None:
    """The test above would have noticed: the same URLs, where the operator allows this machine."""
    resolver["own.example"] = lambda _: ["127.0.0.1"]
    async with transport("127.0.0.0/8", "::1/128", "0.0.0.0/8") as out:
        for host in HOW_IT_WOULD_ARRIVE:
            made = await out.post(f"http://{host}:{watch.port}/", b"{}", {"webhook-id": "1"})
            assert made.outcome == Delivered(), host
    assert len(watch.arrived) == len(asked) == len(HOW_IT_WOULD_ARRIVE)


NAMES = {
    "loopback.example": ["127.0.0.1"], "loopback6.example": ["::1"], "mapped.example": ["::ffff:127.0.0.1"],
    "any.example": ["0.0.0.0"], "any6.example": ["::"], "metadata.example": ["169.254.169.254"],
    "private.example": ["10.0.0.1", "192.168.0.1"], "nat64.example": ["64:ff9b::7f00:1"],
    "6to4.example": ["2002:7f00:1::"], "teredo.example": ["2001:0:7f00:1::"], "local.example": ["fe80::1"],
    "unique.example": ["fd00::1"], "many.example": ["127.0.0.1", "::1", "10.0.0.1", "169.254.169.254"],
    "127.0.0.1.nip.example": ["127.0.0.1"], "7f000001.example": ["127.0.0.1"], "nothing.example": [],
}  # fmt: skip


async def test_name_that_leads_there_leads_nowhere(
    watch: Watch, resolver: dict[str, Resolve], asked: list[Any]
) -> None:
    async with transport() as out:
        for name, addresses in NAMES.items():
            resolver[name] = lambda _, found=addresses: found  # type: ignore[misc]
            for url in (f"http://{name}:{watch.port}/", f"https://{name.upper()}.:{watch.port}/"):
                made = await out.post(url, b"{}", {"webhook-id": "1"})
                assert made.outcome in (Retry("forbidden_target"), Retry("dns")), url
    assert watch.arrived == asked == []


async def test_of_several_addresses_only_the_allowed_one_is_reached(watch: Watch, resolver: dict[str, Resolve]) -> None:
    resolver["mixed.example"] = lambda _: ["127.0.0.1", "127.0.0.2", "::1"]
    async with transport("127.0.0.2/32") as out:
        made = await out.post(f"http://mixed.example:{watch.port}/", b"{}", {"webhook-id": "1"})
    assert made.outcome == Delivered()
    assert watch.arrived == ["127.0.0.2"]


async def test_name_that_rebinds_to_loopback_is_followed_only_as_far_as_it_may(
    watch: Watch, resolver: dict[str, Resolve]
) -> None:
    """127.0.0.2 stands for a public address: checked, then changed to another between any two questions."""
    answers = itertools.cycle([["127.0.0.2"], ["127.0.0.1"], ["::1"]])
    resolver["rebinding.example"] = lambda _: next(answers)
    outcomes = []
    for _ in range(9):
        async with transport("127.0.0.2/32") as out:
            outcomes.append((await out.post(f"http://rebinding.example:{watch.port}/", b"{}", {"w": "1"})).outcome)
    assert outcomes == [Delivered(), Retry("forbidden_target"), Retry("forbidden_target")] * 3
    assert watch.arrived == ["127.0.0.2"] * 3


def test_spellings_are_of_the_address_they_are_made_from() -> None:
    """The v6 ones at least can be read back: no test is about something else than it says."""
    found = [IPv6Address(host.strip("[]").partition("%")[0]) for host in spellings("127.0.0.1") if host.startswith("[")]
    assert {IPv4Address(int(a) & 0xFFFFFFFF) for a in found} >= {IPv4Address("127.0.0.1")}
    assert found[0].ipv4_mapped == IPv4Address("127.0.0.1")
    assert any(a.teredo and a.teredo[1] == IPv4Address("127.0.0.1") for a in found)
    assert any(a.sixtofour == IPv4Address("127.0.0.1") for a in found)
