"""What a simulated local network hears and says is the same over HTTP, over Kafka, and over Kafka as itself."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from shared.bus.rights import network_user
from shared.clock import SystemClock
from shared.contracts import progress as p
from shared.ids import NetworkCode, OrderId, TicketId, order_id
from shared.testing.client import CenterClient
from shared.testing.kafka_door import GROUP, KafkaDoor, KafkaDoors
from shared.testing.network_door import Door, HttpDoor, News, Ordered, StoodDown
from shared.testing.pace import Pace
from tests.centers import Way
from tests.country import CREDENTIALS, Country, country, pass_over_locked_orders, pass_over_old_orders
from tests.locked import Locked
from tests.waiting import until

CIRCUIT = "C-001"
KEYS = {NetworkCode(code): key for code, key in CREDENTIALS.networks.items()}


@dataclass(slots=True)
class Network:
    """A door, all it was told so far, and the center behind it."""

    country: Country
    door: Door
    heard: list[News]

    async def hears(self, enough: Callable[[list[News]], bool]) -> None:
        async def enough_by_now() -> bool:
            self.heard += await self.door.news()
            return enough(self.heard)

        await until(lambda: enough_by_now())

    async def ordered(self) -> tuple[str, OrderId]:
        """A fault is reported and its orders are heard of: the ticket, and the first order."""
        ticket = await self.country.operator.report(CIRCUIT)
        await self.hears(lambda heard: len(heard) == 2)
        return ticket, min(piece.order for piece in self.heard)


LANDS = {"http": "embedded_land", "kafka": "production_land", "locked kafka": "locked_land"}


@pytest.fixture(params=LANDS)
async def network(request: pytest.FixtureRequest) -> AsyncIterator[Network]:
    land: Way = request.getfixturevalue(LANDS[request.param])
    async with country(land) as found, CenterClient(found.url) as client:
        if found.settings.kafka_user:
            door = await _doors(request.getfixturevalue("locked"))
        else:
            door = await _door(found, client)
        yield Network(found, door, [])
        await door.close()


async def _door(found: Country, client: CenterClient) -> Door:
    if found.kafka is None:
        return HttpDoor(client, KEYS, pace=Pace(), look_every_s=0.05)
    await pass_over_old_orders(found.kafka, GROUP)
    return KafkaDoor(found.kafka, KEYS, clock=SystemClock())


async def _doors(locked: Locked) -> Door:
    await pass_over_locked_orders(locked)
    access = {code: locked.access(network_user(code)) for code in KEYS}
    return KafkaDoors(locked.kafka.bootstrap, access, clock=SystemClock())


async def test_each_order_is_heard_once(network: Network) -> None:
    ticket, order = await network.ordered()
    first, second = sorted(network.heard, key=lambda piece: piece.order)
    assert isinstance(first, Ordered)
    assert (first.ticket, first.order, first.circuit, first.accepted) == (ticket, order, CIRCUIT, False)
    assert second.order != first.order


async def test_what_is_said_is_heard_by_the_center(network: Network) -> None:
    ticket, order = await network.ordered()
    assert await network.door.say(order, p.Accepted(engineer="Li"), once="accept-1")
    await until(lambda: is_in_progress(network, ticket))


async def test_what_is_said_twice_counts_once(network: Network) -> None:
    ticket, order = await network.ordered()
    await network.door.say(order, p.Accepted(), once="accept-2")
    for _ in range(2):
        assert await network.door.say(order, p.Progressed(stage="on_site"), once="progress-2")
    await network.door.say(order, p.Restored(), once="restore-2")
    await until(lambda: is_resolved(network, ticket))
    assert (await network.country.operator.facts(ticket)).count("order.progressed") == 1


async def test_cancelled_ticket_stands_its_orders_down(network: Network) -> None:
    ticket, _ = await network.ordered()
    orders = {piece.order for piece in network.heard}
    await network.country.operator.cancel(ticket)
    await network.hears(lambda heard: {piece.order for piece in heard if isinstance(piece, StoodDown)} == orders)


async def test_reopened_ticket_brings_the_order_again(network: Network) -> None:
    ticket, order = await network.ordered()
    await network.door.say(order, p.Accepted(), once="accept-3")
    await network.door.say(order, p.Restored(), once="restore-3")
    await until(lambda: is_resolved(network, ticket))
    await network.country.operator.reopen(ticket)
    await network.hears(lambda heard: rounds(heard, order) == [1, 2])


async def test_refusal_is_an_answer_and_no_error(embedded_country: Country) -> None:
    ticket = await embedded_country.operator.report(CIRCUIT)
    await embedded_country.operator.cancel(ticket)
    async with CenterClient(embedded_country.url) as client:
        door = HttpDoor(client, KEYS, pace=Pace(), look_every_s=0.05)
        (network, *_) = KEYS
        assert not await door.say(order_id(TicketId(ticket), network), p.Accepted(), once="late")


def rounds(heard: list[News], order: OrderId) -> list[int]:
    return [piece.round for piece in heard if isinstance(piece, Ordered) and piece.order == order]


async def is_in_progress(network: Network, ticket: str) -> bool:
    return bool((await network.country.operator.ticket(ticket))["status"] == "inProgress")


async def is_resolved(network: Network, ticket: str) -> bool:
    return bool((await network.country.operator.ticket(ticket))["status"] == "resolved")
