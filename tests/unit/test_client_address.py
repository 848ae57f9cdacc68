"""Whose address a call has: the connection's, or what our own proxies say of it, never what the caller says itself."""

from ipaddress import ip_network
from types import SimpleNamespace

import pytest
from starlette.requests import HTTPConnection, Request

from shared.auth.principal import Principal
from shared.web.address import client_address
from shared.web.authentication import Admission, caller_of

PROXIES = (ip_network("10.0.0.0/24"), ip_network("2001:db8:1::/64"))


def seen(peer: str | None, *forwarded: str, trusted: object = PROXIES) -> str:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    scope = {"type": "http", "headers": headers, "client": (peer, 40000) if peer else None}
    return str(client_address(HTTPConnection(scope), trusted))  # type: ignore[arg-type]


def test_connection_from_elsewhere_is_believed_and_its_header_not() -> None:
    assert seen("203.0.113.9", "198.51.100.1") == "203.0.113.9"
    assert seen("10.0.0.1", "198.51.100.1", trusted=()) == "10.0.0.1"


def test_right_most_hop_that_is_no_proxy_of_ours_counts() -> None:
    assert seen("10.0.0.1", "198.51.100.1") == "198.51.100.1"
    assert seen("10.0.0.1", "1.1.1.1, 198.51.100.1, 10.0.0.7") == "198.51.100.1"
    assert seen("2001:db8:1::5", "1.1.1.1,2001:db8:2::1") == "2001:db8:2::1"


def test_several_headers_are_one_list_in_order() -> None:
    assert seen("10.0.0.1", "1.1.1.1", "198.51.100.1", "10.0.0.9") == "198.51.100.1"


def test_proxies_all_the_way_is_the_outermost_one() -> None:
    assert seen("10.0.0.1", "10.0.0.3, 10.0.0.2") == "10.0.0.3"
    assert seen("10.0.0.1") == "10.0.0.1"


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("198.51.100.1:51234", "198.51.100.1"), ("[2001:db8:2::1]:443", "2001:db8:2::1"),
        ("::ffff:198.51.100.1", "198.51.100.1"), ("[::1]", "::1"),
    ],
)  # fmt: skip
def test_hop_is_read_however_it_is_written(hop: str, address: str) -> None:
    assert seen("10.0.0.1", hop) == address


@pytest.mark.parametrize("hop", ["unknown", "", "_hidden", "999.1.1.1", "198.51.100.1, "])
def test_hop_that_is_no_address_is_nowhere(hop: str) -> None:
    assert seen("10.0.0.1", hop) == "None"
    assert seen(None) == "None"


def test_ipv4_proxy_on_an_ipv6_socket_is_the_same_proxy() -> None:
    assert seen("::ffff:10.0.0.1", "198.51.100.1") == "198.51.100.1"


class Noc:
    """Lets everybody in."""

    async def principal(self, request: Request) -> Principal:
        return Principal("operator", "noc")


async def test_stream_is_asked_again_by_the_address_that_it_came_from() -> None:
    app = SimpleNamespace(state=SimpleNamespace(authenticators=[Noc()], trusted_proxies=PROXIES))
    headers = [(b"x-forwarded-for", b"198.51.100.1"), (b"accept", b"text/event-stream")]
    scope = {"type": "http", "method": "GET", "app": app, "headers": headers, "client": ("10.0.0.1", 40000)}
    caller = await caller_of(Request(scope))
    assert caller.address == "198.51.100.1"
    assert await Admission.of(Request(scope), caller).holds()
