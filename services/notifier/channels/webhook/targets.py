"""Where webhooks may go: public addresses, and the networks an operator allowed. Our own table, on purpose.

Python's `is_global` calls 6to4, NAT64 and multicast global, and changes between patch releases. Of IPv6 only 2000::/3
is in use as global unicast, so everything outside it is refused without naming it.
Sources: the IANA special-purpose registries for IPv4 and IPv6, and the addresses of cloud metadata services.
"""

import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from yarl import URL

LONGEST_URL = 2000
Network = IPv4Network | IPv6Network

GLOBAL_V6 = IPv6Network("2000::/3")
SPECIAL: tuple[Network, ...] = (
    IPv4Network("0.0.0.0/8"),  # this host
    IPv4Network("10.0.0.0/8"),  # private
    IPv4Network("100.64.0.0/10"),  # carrier-grade NAT; a cloud's metadata at 100.100.100.200
    IPv4Network("127.0.0.0/8"),  # loopback
    IPv4Network("168.63.129.16/32"),  # a cloud's host service on a public address
    IPv4Network("169.254.0.0/16"),  # link-local; the metadata address of most clouds
    IPv4Network("172.16.0.0/12"),  # private
    IPv4Network("192.0.0.0/24"),  # protocol assignments; a cloud's metadata at 192.0.0.192
    IPv4Network("192.0.2.0/24"),  # documentation
    IPv4Network("192.31.196.0/24"),  # AS112
    IPv4Network("192.52.193.0/24"),  # AMT
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("192.168.0.0/16"),  # private
    IPv4Network("192.175.48.0/24"),  # AS112
    IPv4Network("198.18.0.0/15"),  # benchmarking
    IPv4Network("198.51.100.0/24"),  # documentation
    IPv4Network("203.0.113.0/24"),  # documentation
    IPv4Network("224.0.0.0/4"),  # multicast
    IPv4Network("240.0.0.0/4"),  # reserved, broadcast
    IPv6Network("2001::/23"),  # protocol assignments: Teredo, benchmarking, ORCHID
    IPv6Network("2001:db8::/32"),  # documentation
    IPv6Network("2002::/16"),  # 6to4: an IPv4 address inside
    IPv6Network("2620:4f:8000::/48"),  # AS112
    IPv6Network("3ffe::/16"),  # 6bone, returned
    IPv6Network("3fff::/20"),  # documentation
)
_PLAIN = re.compile(r"[\x21-\x7e]+")
_USER_INFO = re.compile(r"[^/?]*//[^/?]*@")
_PORT = re.compile(r"[^/?]*//[^/?]*:([0-9]+)([/?]|$)")
_NAME = re.compile(r"(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")


def allowed(address: str, networks: Iterable[Network] = ()) -> bool:
    """Whether a connection may be made to this address; `networks` are allowed although they are not public."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped  # the kernel connects to that IPv4 address
    if any(_within(ip, network) for network in networks):
        return True
    if isinstance(ip, IPv6Address) and ip not in GLOBAL_V6:
        return False
    return not any(_within(ip, network) for network in SPECIAL)


def _within(ip: IPv4Address | IPv6Address, network: Network) -> bool:
    return ip.version == network.version and ip in network


def objection(url: str, *, http: bool, networks: Iterable[Network] = ()) -> str | None:
    """What is wrong with a receiver's URL as it is given; None when it may be tried.

    A name is judged when it is resolved, at every delivery: today's answer says nothing about tomorrow's.
    """
    from yarl import URL  # what the transport parses it with; imported when first needed

    if len(url) > LONGEST_URL:
        return f"must have at most {LONGEST_URL} characters"
    if not _PLAIN.fullmatch(url) or "\\" in url:
        return "must be plain ASCII without spaces: write an international name in its xn-- form, escape the rest"
    if "#" in url:
        return "must have no fragment"
    if _USER_INFO.match(url):
        return "must not contain a user name or password"
    if (port := _PORT.match(url)) and not 1 <= int(port[1]) <= 65535:
        return "must have a port from 1 to 65535"
    try:
        parsed = URL(url)
        return _objection(parsed, http=http, networks=networks)
    except ValueError:
        return "is not a URL"


def _objection(url: "URL", *, http: bool, networks: Iterable[Network]) -> str | None:
    if url.scheme not in ("http", "https") or not url.raw_host:
        return "must be absolute and begin with https://"
    if url.scheme == "http" and not http:
        return "must begin with https://"
    return _host_objection(url.raw_host, networks)


def _host_objection(host: str, networks: Iterable[Network]) -> str | None:
    try:
        ip_address(host)
    except ValueError:
        if not _NAME.fullmatch(host):
            return "has no valid host name"
        if _NUMERIC_LABEL.fullmatch(host.rstrip(".").rsplit(".", 1)[-1]):
            return "names an address in an unusual way; write it as four decimal numbers"
        return None
    return None if allowed(host, networks) else "names an address that webhooks may not reach"
