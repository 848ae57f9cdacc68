"""No spelling of a forbidden address gets past: as an address, in a URL at the door, or through the name service."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier.channels.webhook.targets import SPECIAL, allowed, objection
from services.notifier.channels.webhook.transport import Transport
from services.notifier.model.outcome import Retry
from shared.clock import SystemClock
from shared.testing.receiver import Receiver

FORBIDDEN = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255",
    "127.0.0.1", "127.1.2.3", "127.255.255.255", "168.63.129.16", "169.254.0.1", "169.254.169.254", "172.16.0.1",
    "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1",
    "192.168.0.1", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
    "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "0:0:0:0:0:ffff:c0a8:0001", "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::a9fe:a9fe", "100::1",
    "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:0a00:0001::", "2620:4f:8000::1", "3ffe::1", "3fff::1", "5f00::1",
    "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0",
          "223.255.255.255", "::ffff:8.8.8.8", "2606:4700::1111", "2400:3200::1", "240e::1"]  # fmt: skip
# Ways to write 127.0.0.1, 169.254.169.254 and the like that resolvers and URL parsers have been seen to accept.
SPELLINGS = [
    "127.1", "127.0.1", "127.000.000.001", "0177.0.0.1", "0177.0.0.01", "0177.1", "017700000001", "2130706433",
    "0x7f000001", "0x7F.0x0.0x0.0x1", "0x7f.1", "0x7f.0.0.1", "0x7f.0.1", "127.0.0.1.", "127.1.", "0", "0x0", "00",
    "0.0", "0x", "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "0251.0376.0251.0376", "025177524776",
    "169.254.43518", "169.16689662", "0xa9.254.0251.254", "10.1", "0xa.1", "012.1", "167772161", "3232235521",
    "192.168.257", "0300.0250.0.1", "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::127.0.0.1]", "[2002:7f00:1::]",
    "[fe80::1]", "[fe80::1%25lo]", "[fe80::1%lo]", "[fd00::1]", "[ff02::1]", "[::ffff:a9fe:a9fe]",
    "①②⑦.⓪.⓪.①", "１２７.０.０.１", "127。0。0。1", "127．0．0．1", "ⅼocalhost", "127.0.0.1%00.example.com",
    "127.0.0.1%2f", "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "0x7f000001.", "127.0.0.1\\.example.com", "127.0.0.1\t",
    "127.0.0.1 .com", "4294967297", "127.0.0.1.0x", "1.1.1.1@127.0.0.1", "example.com@127.0.0.1",
    "example.com:80@127.0.0.1",
    "127.0.0.1#@example.com", "127.0.0.1#.example.com", "example.com\\@127.0.0.1", "[::1]%2f", "[127.0.0.1]", "[::1",
    "example.com:99999", "example.com:0", "example.com:x", "", ":80", "[]", ".", "..", "a..b", "-.-", "x" * 64 + ".com",
]  # fmt: skip


@pytest.mark.parametrize("address", FORBIDDEN)
def test_special_address_is_forbidden(address: str) -> None:
    assert not allowed(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_address_is_allowed(address: str) -> None:
    assert allowed(address)


@pytest.mark.parametrize("network", SPECIAL, ids=str)
def test_special_network_is_forbidden_from_end_to_end(network: object) -> None:
    found = ip_network(str(network))
    assert not allowed(str(found[0]))
    assert not allowed(str(found[-1]))


@settings(deadline=None)
@given(st.ip_addresses(v=4))
def test_address_in_another_form_is_judged_alike(address: object) -> None:
    assert allowed(f"::ffff:{address}") == allowed(str(address))
    number = int(ip_address(str(address)))
    for hiding in ("64:ff9b::", "2002::"):
        inside = int(ip_address(hiding)) + (number if hiding.startswith("64") else number << 80)
        assert not allowed(str(ip_address(inside)))


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "1.2.3", "::g", "1.1.1.1/32", "1.1.1.1 "])
def test_what_is_not_an_address_is_forbidden(text: str) -> None:
    assert not allowed(text)


def test_network_of_the_operator_s_choice_is_allowed_and_no_other() -> None:
    networks = [ip_network("10.20.0.0/16")]
    assert allowed("10.20.3.4", networks)
    assert allowed("::ffff:10.20.3.4", networks)
    assert not allowed("10.21.0.1", networks)
    assert not allowed("64:ff9b::10.20.3.4", networks)


@pytest.mark.parametrize("host", [*SPELLINGS, *(f"[{a}]" if ":" in a else a for a in FORBIDDEN)])
def test_url_of_a_forbidden_address_is_refused(host: str) -> None:
    assert objection(f"https://{host}/hook", http=True)
    assert objection(f"http://{host}", http=True)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/", "file:///etc/passwd", "gopher://example.com", "javascript:alert(1)", "//example.com/",
        "example.com", "/hook", "https:/example.com", "https:example.com", "http://", "https://", "",
        "https://user@example.com", "https://user:password@example.com", "https://@example.com", "https://:@example.com",
        "https://example.com/#fragment", "https://example.com#", "https://exam ple.com", "https://example.com/\r\nX: y",
        "https://example.com/\x00", "https://例子.中国/", "https://example.com/" + "x" * 2000, " https://example.com",
        "unix:///run/docker.sock", "https+unix://%2frun%2fdocker.sock/", "http+unix://x", "data:text/plain,hi",
    ],
)  # fmt: skip
def test_url_that_is_none_of_ours_is_refused(url: str) -> None:
    assert objection(url, http=True)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com", "https://example.com/", "https://hooks.noc.example.com:8443/vrc?tenant=1&x=%20",
        "https://xn--fsqu00a.xn--0zwm56d/", "https://intranet/hook", "https://8.8.8.8/", "https://[2606:4700::1111]/",
        "HTTPS://EXAMPLE.com/A", "https://a_b.example.com/", "https://127.example.com/", "https://0x7f.example.com/",
    ],
)  # fmt: skip
def test_plain_https_url_is_taken(url: str) -> None:
    assert objection(url, http=False) is None


def test_http_is_taken_only_where_the_center_allows_it() -> None:
    assert objection("http://example.com/", http=True) is None
    assert objection("http://example.com/", http=False) == "must begin with https://"


@pytest.fixture
def _only_own_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The resolver reads addresses in every way it knows, and /etc/hosts; no name server is asked."""
    real = socket.getaddrinfo

    def own(host: str, *rest: Any, **more: Any) -> Any:
        flags = 0 if "localhost" in host else socket.AI_NUMERICHOST
        return real(host, *rest, **{**more, "flags": flags})

    monkeypatch.setattr(socket, "getaddrinfo", own)


@pytest.mark.usefixtures("_only_own_names")
async def test_nothing_is_connected_for_a_spelling_that_the_resolver_understands() -> None:
    """At delivery too: for a URL that is older than a rule, or a name that leads to loopback."""
    hosts = [host for host in SPELLINGS if host and not set(host) & set("#\\\t ")] + ["localhost", "ip6-localhost"]
    forbidden = [f"[{address}]" if ":" in address else address for address in FORBIDDEN]
    async with Receiver() as nobody, _transport() as transport:
        for host in [*hosts, *map(quote, hosts), *forbidden]:
            attempt = await transport.post(f"http://{host}:{nobody.port}/", b"", {})
            assert isinstance(attempt.outcome, Retry), host
        assert nobody.connections == 0
    async with Receiver() as somebody, _transport("127.0.0.0/8") as transport:
        await transport.post(f"http://localhost:{somebody.port}/", b"", {"webhook-id": "1"})
        assert somebody.connections == 1, "the test above would have noticed"


async def test_forbidden_target_is_named_as_such() -> None:
    async with _transport() as transport:
        for host in ("127.0.0.1", "localhost", "[::1]", "169.254.169.254"):
            attempt = await transport.post(f"http://{host}:9/", b"", {})
            assert attempt.outcome == Retry("forbidden_target"), host


@asynccontextmanager
async def _transport(*networks: str) -> AsyncIterator[Transport]:
    allowed = [ip_network(network) for network in networks]
    transport = Transport(SystemClock(), timeout=timedelta(seconds=5), networks=allowed)
    yield transport
    await transport.close()
