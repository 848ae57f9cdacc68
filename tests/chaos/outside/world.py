"""Everything the center says about itself, fetched through its API, and how to know that it has come to rest."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tests.chaos.outside.client import Client
from tests.chaos.outside.ledger import Credentials, Json

AT_ONCE = 8


@dataclass(slots=True)
class World:
    """`logs` by ticket, `orders` by network; `refused`: ids of the networks' messages that were not taken.

    `topics`: the ids of events in their order, None without Kafka; `told_refused`: those of `refused` that the networks
    were told of there.
    """

    tickets: dict[str, Json] = field(default_factory=dict)
    logs: dict[str, list[Json]] = field(default_factory=dict)
    orders: dict[str, list[Json]] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    topics: dict[str, list[str]] | None = None
    told_refused: set[str] = field(default_factory=set)


async def fetch_tickets(client: Client, operator: str) -> dict[str, Json]:
    return {ticket["id"]: ticket for ticket in await client.items("/v1/tickets", operator)}


async def fetch(client: Client, credentials: Credentials) -> World:
    """Logs by the operator's key; orders by each network's own."""
    world = World(await fetch_tickets(client, credentials.operator))
    places = asyncio.Semaphore(AT_ONCE)

    async def log(ticket: str) -> None:
        async with places:
            world.logs[ticket] = await client.items(f"/v1/tickets/{ticket}/log", credentials.operator)

    async def orders(network: str) -> None:
        async with places:
            key = credentials.networks.get(network, credentials.operator)
            world.orders[network] = await client.items(f"/v1/networks/{network}/orders", key)

    world.refused = {r["id"] for r in await client.items("/v1/noc/refused-progress", credentials.operator)}
    ordered = {order["network"] for ticket in world.tickets.values() for order in ticket["orders"]}
    await asyncio.gather(*map(log, world.tickets), *map(orders, ordered | credentials.networks.keys()))
    return world


def undispatched(tickets: Iterable[Json]) -> list[str]:
    """Tickets that nobody works on and the NOC does not know of, and networks that work on what is over."""
    found = []
    for ticket in tickets:
        live = any(order["state"] in ("issued", "accepted") for order in ticket["orders"])
        if ticket["status"] in ("resolved", "closed", "cancelled", "rejected"):
            if live:
                found.append(f"{ticket['id']} is {ticket['status']}, and an order is still live")
        elif not live and ticket["awaiting_routing"] is None:
            found.append(f"{ticket['id']} is {ticket['status']}, and nobody was ordered")
    return found


def unheard(tickets: Iterable[Json], taken: Mapping[str, int]) -> list[str]:
    """Tickets whose account does not know all of their log."""
    return [
        f"{ticket['id']}: {ticket['seq']} entries, {taken.get(ticket['id'], 0)} delivered"
        for ticket in tickets
        if taken.get(ticket["id"], 0) < ticket["seq"]
    ]
