"""The simulated local networks' Kafka door: orders from `vrc.orders.<code>`, progress to `vrc.progress.<code>`.

One member stands for all networks. What it read counts as read at once: simulated networks that end forget what they
were working on.
"""

import asyncio
import logging
from collections.abc import Collection, Sequence

import orjson

from shared.bus.kafka import KafkaInbound, KafkaPublisher
from shared.clock import Clock, rfc3339
from shared.contracts import facts as f
from shared.contracts import progress as p
from shared.contracts.envelope import Message, binary_headers, network_source, progress_type
from shared.contracts.event import Event
from shared.contracts.records import from_message
from shared.contracts.topics import ORDERS_PATTERN, network_of, progress_topic
from shared.errors import CenterError
from shared.ids import NetworkCode, OrderId
from shared.testing.network_door import News, Ordered, StoodDown, body_of

log = logging.getLogger(__name__)
GROUP = "vrc-simulated-networks"


class KafkaDoor:
    def __init__(self, bootstrap: str, networks: Collection[NetworkCode], *, clock: Clock) -> None:
        self._networks = frozenset(networks)
        self._clock = clock
        self._inbound = KafkaInbound(bootstrap, group=GROUP, pattern=ORDERS_PATTERN, instance=None)
        self._publisher = KafkaPublisher(bootstrap)
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


def _news(message: Message) -> News | None:
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
