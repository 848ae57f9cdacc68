"""A local network's center on Kafka: what it publishes on its progress topic, what it reads on its orders topic."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.bus.kafka import KafkaPublisher
from shared.clock import rfc3339
from shared.contracts.envelope import Headers, Message, binary_headers, network_source, progress_type
from shared.contracts.topics import orders_topic, progress_topic
from shared.ids import NetworkCode
from shared.testing.clock import START
from tests.waiting import until

REFUSED = b"vrc.progress.refused.v1"
_numbers = count(1)


def progress(
    network: NetworkCode, name: str, order: str, *, by: NetworkCode | None = None, id: str | None = None, **said: Any
) -> Message:
    """`network` says this of `order`, on the topic of `by` (default: its own)."""
    headers = binary_headers(
        id=id or f"test-{next(_numbers)}", type=progress_type(name), source=network_source(network),
        subject=order, time=rfc3339(START),
    )  # fmt: skip
    return raw(by or network, orjson.dumps({"order": order, **said}), headers)


def raw(network: NetworkCode, value: bytes, headers: Headers) -> Message:
    return Message(progress_topic(network), b"key", value, headers)


@asynccontextmanager
async def reading(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of the topic from its beginning, of no group."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    consumer.assign([TopicPartition(topic, 0)])
    await consumer.start()
    try:
        await consumer.seek_to_beginning()
        yield consumer
    finally:
        await consumer.stop()


class Wire:
    """Kafka as the local networks use it."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._publisher = KafkaPublisher(bootstrap)

    async def publish(self, *messages: Message) -> None:
        await self._publisher.publish(messages)

    async def orders(self, network: NetworkCode, ticket: str, *, most: int) -> Sequence[ConsumerRecord]:
        """The first `most` records on the network's orders topic that are about this ticket."""
        found: list[ConsumerRecord] = []

        async def enough() -> bool:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found.extend(r for r in records if r.key == ticket.encode())
            return len(found) >= most

        async with reading(self._bootstrap, orders_topic(network)) as consumer:
            await until(lambda: enough())
        return found[:most]

    async def refusals(
        self, network: NetworkCode, message: str, *, most: int, all_before: bool = False
    ) -> Sequence[ConsumerRecord]:
        """The first `most` records on the network's orders topic that say of this message that it was refused; with
        `all_before` those of other messages, that came before, too."""
        found: list[ConsumerRecord] = []

        def about(record: ConsumerRecord) -> bool:
            return bool(orjson.loads(record.value)["message"] == message)

        async def enough() -> bool:
            for records in (await consumer.getmany(timeout_ms=100)).values():
                found.extend(r for r in records if ("ce_type", REFUSED) in r.headers)
            return sum(map(about, found)) >= most

        async with reading(self._bootstrap, orders_topic(network)) as consumer:
            await until(lambda: enough())
        return [record for record in found if all_before or about(record)]

    async def close(self) -> None:
        await self._publisher.close()
