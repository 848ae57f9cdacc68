"""The technical domain (专业) that what is sold (业务) belongs to."""

from collections.abc import Mapping
from typing import Literal

Domain = Literal["data", "transmission", "access", "voice", "intelligent-network"]
DOMAINS: Mapping[str, Domain] = {
    "ip": "data", "ip-vpn": "data", "leased-line": "data", "video": "data", "sdh": "transmission",
    "dwdm": "transmission", "copper": "access", "fibre": "access", "wireless": "access", "voice": "voice",
    "intelligent-network": "intelligent-network",
}  # fmt: skip


def domain(service: str) -> Domain | None:
    """None for a service of an older registry."""
    return DOMAINS.get(service)
