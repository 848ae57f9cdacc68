"""Which topics there are, and to which of them a log entry goes.

vrc.tickets            every fact of every ticket, keyed by ticket
vrc.orders.<code>      what one local network must do or know
vrc.progress.<code>    what that network tells the center
"""

from collections.abc import Sequence

from shared.contracts.facts import Fact, NoteAdded, OrderIssued, OrderStoodDown
from shared.ids import NetworkCode

TICKETS = "vrc.tickets"
ORDERS_PREFIX = "vrc.orders."
PROGRESS_PREFIX = "vrc.progress."
ORDERS_PATTERN = r"^vrc\.orders\.0[0-9]{2,3}$"
PROGRESS_PATTERN = r"^vrc\.progress\.0[0-9]{2,3}$"
TO_NETWORKS = frozenset({"order.issued", "order.stood_down", "ticket.noted"})


def orders_topic(network: NetworkCode) -> str:
    return ORDERS_PREFIX + network


def progress_topic(network: NetworkCode) -> str:
    return PROGRESS_PREFIX + network


def network_of(topic: str) -> NetworkCode:
    """The local network whose topic this is."""
    return NetworkCode(topic.rsplit(".", 1)[1])


def topics_of(fact: Fact) -> Sequence[str]:
    match fact:
        case OrderIssued(network=network) | OrderStoodDown(network=network):
            return TICKETS, orders_topic(network)
        case NoteAdded(networks=networks):
            return TICKETS, *(orders_topic(n) for n in networks)
        case _:
            return (TICKETS,)
