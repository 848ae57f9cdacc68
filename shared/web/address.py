"""Where a call comes from: the connection's other end, or what trusted proxies say of it."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from starlette.requests import HTTPConnection

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]


def client_address(connection: HTTPConnection, trusted: Networks) -> Address | None:
    """The right-most hop that is not a trusted proxy; None when it can't be known.

    Each proxy appends whom it heard from, so only what stands right of the first untrusted hop is worth believing:
    a caller may write whatever it likes into the rest.
    """
    address = _peer(connection.client.host) if connection.client else None
    hops = [hop for line in connection.headers.getlist("x-forwarded-for") for hop in line.split(",")]
    while hops and address is not None and any(address in network for network in trusted):
        address = _address(hops.pop())
    return address


def named(trusted: Networks) -> Callable[[HTTPConnection], str]:
    """How the record names where a call comes from; empty when it can't be known."""
    if not trusted:  # what the operating system says needs no reading, on every request
        return lambda connection: connection.client.host if connection.client else ""
    return lambda connection: str(client_address(connection, trusted) or "")


def _address(text: str) -> Address | None:
    """IPv4 inside IPv6 is IPv4; a port is left out."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


_peer = lru_cache(maxsize=4096)(_address)  # the same few on every request; not for hops, which a caller may make up
