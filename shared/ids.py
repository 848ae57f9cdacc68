"""Names of things: tickets and orders can be read over the telephone, and an order's id contains its ticket's.

ticket   VT261121-7K3QM9XA             date of opening (UTC), 40 random bits in Crockford base 32
order    VT261121-7K3QM9XA.0878        the one order of that ticket to that local network
event    VT261121-7K3QM9XA-12          the ticket's 12th log entry
group    MF261121-2M8ZC4RT             a mass fault
entry    ACME.BJ-1                     an account or a circuit, as the registry names it
"""

import re
from datetime import datetime
from typing import NewType

from shared.randomness import random_bytes, random_hex

TicketId = NewType("TicketId", str)
OrderId = NewType("OrderId", str)
EventId = NewType("EventId", str)
AccountId = NewType("AccountId", str)
CircuitId = NewType("CircuitId", str)
NetworkCode = NewType("NetworkCode", str)
SubscriptionId = NewType("SubscriptionId", str)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
TICKET = rf"VT[0-9]{{6}}-[{_ALPHABET}]{{8}}"
NETWORK = r"0[0-9]{2,3}"
GROUP_PATTERN = rf"^MF[0-9]{{6}}-[{_ALPHABET}]{{8}}$"
ENTRY_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
TICKET_PATTERN = rf"^{TICKET}$"
EVENT_PATTERN = rf"^{TICKET}-[1-9][0-9]{{0,8}}$"
ORDER_PATTERN = rf"^{TICKET}\.{NETWORK}$"
NETWORK_PATTERN = rf"^{NETWORK}$"
_ORDER = re.compile(rf"({TICKET})\.({NETWORK})")


def new_ticket_id(now: datetime) -> TicketId:
    return TicketId("VT" + _dated(now))


def new_group_id(now: datetime) -> str:
    return "MF" + _dated(now)


def _dated(now: datetime) -> str:
    bits = int.from_bytes(random_bytes(5))
    tail = "".join([_PAIRS[(bits >> shift) & 1023] for shift in (30, 20, 10, 0)])
    return f"{now.year % 100:02d}{now.month:02d}{now.day:02d}-{tail}"


def order_id(ticket: TicketId, network: NetworkCode) -> OrderId:
    return OrderId(f"{ticket}.{network}")


def split_order_id(order: str) -> tuple[TicketId, NetworkCode] | None:
    """The ticket and network an order id names; None when it is not an order id."""
    found = _ORDER.fullmatch(order)
    return (TicketId(found[1]), NetworkCode(found[2])) if found else None


def event_id(ticket: TicketId, seq: int) -> EventId:
    return EventId(f"{ticket}-{seq}")


def new_subscription_id() -> SubscriptionId:
    return SubscriptionId("sub_" + random_hex(10))
