"""Onto Kafka: a producer whose acknowledgement means something.

aiokafka's defaults (acks=1, no idempotence) lose messages. A producer that met a fatal error is dropped and rebuilt.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from zlib import crc32

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, UnknownTopicOrPartitionError

from shared.bus.kafka.access import Access, connection
from shared.bus.kafka.admin import ensure_topics
from shared.bus.kafka.ending import ended
from shared.bus.loop import is_to_end
from shared.contracts.envelope import Message
from shared.contracts.topics import ORDERS_PREFIX
from shared.errors import Unavailable

log = logging.getLogger(__name__)
ACKNOWLEDGED_WITHIN_S = 30.0
NO_TOPIC = (
    "The broker lacks a topic that the center writes to: `vrc topics` makes what is missing,"
    " on a locked broker `vrc networks provision`."
)


class KafkaPublisher:
    """An idempotent producer, rebuilt after any failure: what was not acknowledged is published again by the relay.

    A local network's orders topic that is missing is created: one new network must not hold up all the others.
    """

    def __init__(self, bootstrap: str, *, replication: int = 1, access: Access | None = None) -> None:
        self._bootstrap = bootstrap
        self._access = access
        self._replication = replication
        self._known: set[str] = set()
        self._producer: Any = None

    async def publish(self, messages: Sequence[Message]) -> None:
        await self._make_sure_of({m.topic for m in messages if m.topic.startswith(ORDERS_PREFIX)})
        try:
            producer = await self._started()
            async with asyncio.timeout(ACKNOWLEDGED_WITHIN_S):
                await self._send(producer, messages)
        except (KafkaError, OSError, TimeoutError, asyncio.CancelledError) as error:
            await self._give_up()
            if isinstance(error, asyncio.CancelledError) and is_to_end():
                raise
            if isinstance(error, UnknownTopicOrPartitionError):
                self._known.clear()
                raise Unavailable(NO_TOPIC) from error
            raise Unavailable(f"The broker did not acknowledge ({type(error).__name__}).") from error
        except Exception:
            await self._give_up()  # whatever it was, this producer is not to be trusted any more
            raise

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await ended(producer.stop(), "producer")

    async def _make_sure_of(self, topics: set[str]) -> None:
        if unknown := topics - self._known:
            wanted = dict.fromkeys(unknown, 1)
            await ensure_topics(self._bootstrap, wanted, replication=self._replication, access=self._access)
            self._known |= unknown

    async def _give_up(self) -> None:
        """`stop` alone flushes first, and an idempotent producer does so for ever: it would live on beside the next."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await ended(_cut_off(producer), "producer")

    async def _started(self) -> Any:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **connection(self._bootstrap, self._access), acks="all", enable_idempotence=True, linger_ms=0,
                max_batch_size=262_144, request_timeout_ms=10_000, metadata_max_age_ms=60_000,
            )  # fmt: skip
            try:
                await producer.start()
            except BaseException:
                await ended(producer.stop(), "producer")
                raise
            self._producer = producer
        return self._producer

    async def _send(self, producer: Any, messages: Sequence[Message]) -> None:
        """One explicit batch a partition: six times the throughput of a `send` each (aiokafka issue 528)."""
        partitions = {topic: sorted(await producer.partitions_for(topic)) for topic in {m.topic for m in messages}}
        by_partition: dict[tuple[str, int], list[Message]] = defaultdict(list)
        for m in messages:
            by_partition[m.topic, _partition(m.key, partitions[m.topic])].append(m)
        acknowledgements = []
        for (topic, partition), batch in by_partition.items():
            for builder in _batches(producer, batch):
                acknowledged = await producer.send_batch(builder, topic, partition=partition)
                acknowledged.add_done_callback(_heard)
                acknowledgements.append(acknowledged)
        await asyncio.gather(*acknowledgements)


async def _cut_off(producer: Any) -> None:
    sender = producer._sender.sender_task
    while not sender.done():
        sender.cancel()  # the first time it goes on to wait for the requests under way
        await asyncio.wait([sender], timeout=0.1)
    producer._message_accumulator.fail_all(KafkaError("given up"))
    await producer.stop()


def _heard(acknowledged: "asyncio.Future[Any]") -> None:
    """Of several batches that fail together one is reported; the others need no "never retrieved" of their own."""
    if not acknowledged.cancelled():
        acknowledged.exception()


def _partition(key: bytes, partitions: Sequence[int]) -> int:
    """Where a ticket's records go, whoever relays them. Kafka's own hash is fifty times slower in Python."""
    return partitions[crc32(key) % len(partitions)]


def _batches(producer: Any, messages: Iterable[Message]) -> Iterable[Any]:
    builder = producer.create_batch()
    for m in messages:
        if builder.append(key=m.key, value=m.value, timestamp=None, headers=m.headers) is None:
            yield builder
            builder = producer.create_batch()
            builder.append(key=m.key, value=m.value, timestamp=None, headers=m.headers)
    yield builder
