"""A network in what is sent or set, such as 10.0.0.0/8: text, of either version, without bits behind its prefix."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any

from pydantic import BeforeValidator


def _network(said: Any) -> Any:
    """Before pydantic tries both versions and tells what each has against it; to it 7 is a network too."""
    if isinstance(said, IPv4Network | IPv6Network):
        return said
    try:
        return ip_network(said if isinstance(said, str) else "")
    except ValueError:
        raise ValueError(
            "must be a network such as 10.0.0.0/8 or 2001:db8::/32, with nothing behind its prefix"
        ) from None


Cidr = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
