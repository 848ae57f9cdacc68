"""Which topics there are, and to which of them a log entry goes.

vrc.tickets            every fact of every ticket, keyed by ticket
vrc.orders.<code>      what one local network must do or know; and what of its progress was refused
vrc.progress.<code>    what that network tells the center
"""

from collections.abc import Sequence

import orjson

from shared.ids import NetworkCode

TICKETS = "vrc.tickets"
ORDERS_PREFIX = "vrc.orders."
PROGRESS_PREFIX = "vrc.progress."
ORDERS_PATTERN = r"^vrc\.orders\.0[0-9]{2,3}$"
PROGRESS_PATTERN = r"^vrc\.progress\.0[0-9]{2,3}$"


def orders_topic(network: NetworkCode) -> str:
    return ORDERS_PREFIX + network


def progress_topic(network: NetworkCode) -> str:
    return PROGRESS_PREFIX + network


def network_of(topic: str) -> NetworkCode:
    """The local network whose topic this is."""
    return NetworkCode(topic.rsplit(".", 1)[1])


# Facts that local networks hear of: the field that names the network, or the networks, whose topic they go to.
FOR_NETWORKS = {
    "order.issued": "network", "order.stood_down": "network", "ticket.noted": "networks", "ticket.chased": "networks",
    "ticket.escalated": "networks", "order.handed_over": "to", "order.assistance_requested": "of",
}  # fmt: skip


def topics_of(type: str, data: bytes) -> Sequence[str]:
    """Of a fact as recorded. Only what is needed is read: every entry of every ticket passes here."""
    field = FOR_NETWORKS.get(type)
    if field is None:
        return (TICKETS,)
    named = orjson.loads(data)[field]
    return TICKETS, *map(orders_topic, (named,) if isinstance(named, str) else named)
