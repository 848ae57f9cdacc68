"""The simulated local networks' Kafka door: orders from `vrc.orders.<code>`, progress to `vrc.progress.<code>`.

On an open broker one member stands for all networks; on a locked one each comes with its own credentials. What was read
counts as read at once: simulated networks that end forget what they were working on.
"""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence

import orjson

from shared.bus.kafka import Access, KafkaInbound, KafkaPublisher
from shared.bus.rights import group_of
from shared.clock import Clock, rfc3339
from shared.contracts import facts as f
from shared.contracts import progress as p
from shared.contracts import refusal
from shared.contracts.envelope import Message, binary_headers, network_source, progress_type
from shared.contracts.event import Event
from shared.contracts.records import from_message
from shared.contracts.topics import ORDERS_PATTERN, network_of, orders_topic, progress_topic
from shared.errors import CenterError
from shared.ids import NetworkCode, OrderId
from shared.testing.network_door import News, Ordered, StoodDown, body_of

log = logging.getLogger(__name__)
GROUP = "vrc-simulated-networks"
WAIT_S = 1.0


class KafkaDoor:
    """Of all these networks, or with `access` of the one that it is the access of."""

    def __init__(
        self, bootstrap: str, networks: Collection[NetworkCode], *, clock: Clock, access: Access | None = None
    ) -> None:
        self._networks = frozenset(networks)
        self._clock = clock
        if access is None:
            self._inbound = KafkaInbound(bootstrap, group=GROUP, pattern=ORDERS_PATTERN, instance=None)
        else:
            (one,) = networks
            group, topic = group_of(one, "simulated"), orders_topic(one)
            self._inbound = KafkaInbound(bootstrap, group=group, topic=topic, instance=None, access=access)
        self._publisher = KafkaPublisher(bootstrap, access=access)
        self._one_at_a_time = asyncio.Lock()

    async def news(self) -> Sequence[News]:
        messages = [m for m in await self._inbound.poll() if network_of(m.topic) in self._networks]
        await self._inbound.done()
        return [piece for message in messages if (piece := _news(message))]

    async def say(self, order: OrderId, said: p.Progress, *, once: str) -> bool:
        """True once the broker has it; what the center thinks of it is not heard here."""
        network = NetworkCode(order.rsplit(".", 1)[1])
        value = orjson.dumps({"order": order, **body_of(said)})
        headers = binary_headers(
            id=once, type=progress_type(p.NAMES[type(said)]), source=network_source(network), subject=order,
            time=rfc3339(self._clock.now()),
        )  # fmt: skip
        async with self._one_at_a_time:
            await self._publisher.publish([Message(progress_topic(network), order.encode(), value, headers)])
        return True

    async def close(self) -> None:
        await self._publisher.close()
        await self._inbound.close()


class KafkaDoors:
    """A door for each network, with that network's own credentials: the broker sees to it that none is another's."""

    def __init__(self, bootstrap: str, access: Mapping[NetworkCode, Access], *, clock: Clock) -> None:
        self._doors = {
            code: KafkaDoor(bootstrap, [code], clock=clock, access=own) for code, own in access.items()
        }  # fmt: skip
        self._heard: asyncio.Queue[News] = asyncio.Queue()
        self._listening: list[asyncio.Task[None]] = []

    async def news(self) -> Sequence[News]:
        """Waits about a second for the first piece."""
        if not self._listening:
            self._listening = [asyncio.create_task(self._listen(door)) for door in self._doors.values()]
        try:
            async with asyncio.timeout(WAIT_S):
                heard = [await self._heard.get()]
        except TimeoutError:
            return []
        while not self._heard.empty():
            heard.append(self._heard.get_nowait())
        return heard

    async def say(self, order: OrderId, said: p.Progress, *, once: str) -> bool:
        return await self._doors[NetworkCode(order.rsplit(".", 1)[1])].say(order, said, once=once)

    async def close(self) -> None:
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._listening, return_exceptions=True)
        await asyncio.gather(*(door.close() for door in self._doors.values()))

    async def _listen(self, door: KafkaDoor) -> None:
        while True:
            for piece in await door.news():
                self._heard.put_nowait(piece)


def _news(message: Message) -> News | None:
    if ("ce_type", refusal.TYPE.encode()) in message.headers:
        log.warning("the center did not take what was said on %s: %s", message.topic, message.value.decode())
        return None
    try:
        event = from_message(message)
        fact = event.fact()
    except (CenterError, ValueError, KeyError) as error:
        log.error("a record on %s is not of this center: %s", message.topic, error)
        return None
    match fact:
        case f.OrderIssued():
            return _ordered(event, fact)
        case f.OrderStoodDown(order=order):
            return StoodDown(order)
        case _:
            return None


def _ordered(event: Event, fact: f.OrderIssued) -> Ordered:
    return Ordered(
        order=fact.order, ticket=event.ticket, network=fact.network, circuit=fact.circuit, kind=fact.kind,
        round=fact.round, description=fact.description, issue=event.id,
    )  # fmt: skip
