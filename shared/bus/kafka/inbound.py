"""From Kafka: a consumer that commits when it is told to, and that comes back to life.

aiokafka's default (auto-commit) loses messages. A consumer that stops making progress while there is something to read
is rebuilt, because it can stay silent after a broker's restart without any error (aiokafka issues 625, 703, 1017).

Offsets are committed at most once a second: a commit after each batch cost the broker and its consumers more than the
messages themselves while there are few. What a killed member had done in its last second comes again, and is
recognised; one that stops, or gives its partitions back, commits first.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import KafkaError

from shared.bus.kafka.access import Access, connection
from shared.bus.kafka.ending import LETS_GO_WITHIN_S, ended
from shared.contracts.envelope import Message
from shared.contracts.event import Event
from shared.contracts.records import from_message
from shared.contracts.topics import TICKETS
from shared.errors import CenterError

log = logging.getLogger(__name__)
POLL_MS = 1000
MOST_RECORDS = 500
STUCK_AFTER_S = 20.0
LOOK_WITHIN_S = 10.0
JOINS_WITHIN_S = 150.0  # longer than a group waits for its slowest member (max_poll_interval)
COMMIT_EVERY_S = 1.0
COMMITS_WITHIN_S = 30.0
TELLS_WITHIN_S = 2.0
CAREFUL_FOR_S = 10.0


class Share(ConsumerRebalanceListener):  # type: ignore[misc]
    """Whether the group has told this member which partitions are its own; they may be none.

    `give_back` is called before they go to somebody else.
    """

    def __init__(self, give_back: Callable[[], Awaitable[None]]) -> None:
        self._give_back = give_back
        self.told = False

    async def on_partitions_revoked(self, revoked: Any) -> None:
        self.told = False
        await self._give_back()

    async def on_partitions_assigned(self, assigned: Any) -> None:
        self.told = True


class KafkaInbound:
    """One member of a consumer group; offsets are committed when the caller says its effects are in the database."""

    def __init__(
        self,
        bootstrap: str,
        *,
        group: str,
        topic: str | None = None,
        pattern: str | None = None,
        instance: str | None,
        access: Access | None = None,
    ) -> None:
        self._bootstrap = bootstrap
        self._access = access
        self._group = group
        self._topic = topic
        self._pattern = pattern
        self._instance = instance
        self._consumer: Any = None
        self._share = Share(self._give_back)
        self._moved_at = time.monotonic()
        self._suspect = False
        self._careful_until = 0.0
        self._open = 0
        self._read: dict[Any, int] = {}  # by partition, where to read on after what was polled last
        self._done: dict[Any, int] = {}  # and after what has taken effect, but is not committed
        self._commit_at = 0.0

    async def poll(self) -> Sequence[Message]:
        try:
            consumer = await self._started()
            if time.monotonic() < self._careful_until:
                found = await self._read_carefully(consumer)
            else:
                found = await consumer.getmany(timeout_ms=self._wait_ms(), max_records=MOST_RECORDS)
            self._read |= {partition: records[-1].offset + 1 for partition, records in found.items() if records}
            if not found:
                with suppress(TimeoutError):  # the broker may be away; it is tried again
                    await self._commit_due(within_s=POLL_MS / 1000)
            if found:
                self._moved_at, self._suspect = time.monotonic(), False
            elif time.monotonic() - self._moved_at > STUCK_AFTER_S:
                await self._look_after(consumer)
        except UnicodeDecodeError:
            # A header's name that is not UTF-8. aiokafka would fail at it for ever, and with it go the records it had
            # just taken from other partitions: only what was committed is certain.
            self._careful_until = time.monotonic() + CAREFUL_FOR_S
            await self._drop("a record can't be read")
            return []
        except (KafkaError, OSError) as error:
            await self._drop(f"{type(error).__name__}: {error}")
            await asyncio.sleep(POLL_MS / 1000)
            return []
        records = [record for of_partition in found.values() for record in of_partition]
        self._open += len(records)
        return [Message(r.topic, r.key or b"", r.value or b"", r.headers) for r in records]

    async def done(self) -> None:
        self._open = 0
        self._done |= self._read
        self._read = {}
        try:
            await self._commit_due(within_s=COMMITS_WITHIN_S)
        except TimeoutError:
            await self._drop("offsets could not be committed in time")

    async def behind(self) -> int | None:
        """What the broker holds of this member's share and what was polled and is not done; the broker is asked."""
        if (consumer := self._consumer) is None:
            return None
        try:
            async with asyncio.timeout(TELLS_WITHIN_S):
                assigned = consumer.assignment()
                ends = await consumer.end_offsets(assigned) if assigned else {}
                return self._open + sum([int(end - await consumer.position(part)) for part, end in ends.items()])
        except (KafkaError, OSError, TimeoutError):
            return None

    async def close(self) -> None:
        await self._give_back()
        await self._drop(None)

    def _wait_ms(self) -> int:
        """For a message: until something has to be committed, if anything has."""
        if not self._done:
            return POLL_MS
        return max(0, min(POLL_MS, int((self._commit_at - time.monotonic()) * 1000)))

    async def _commit_due(self, *, within_s: float) -> None:
        """Raises TimeoutError: aiokafka itself would try for ever."""
        if not self._done or time.monotonic() < self._commit_at:
            return
        try:
            async with asyncio.timeout(within_s):
                await self._commit()
        except (KafkaError, OSError) as error:  # a rebalance: the records come again, and are recognised
            log.info("%s: offsets not committed (%s)", self._group, type(error).__name__)

    async def _commit(self) -> None:
        """Of partitions that are no longer this member's, nothing: their next reader may be further."""
        self._commit_at = time.monotonic() + COMMIT_EVERY_S
        done, own = dict(self._done), self._consumer.assignment() if self._consumer else ()
        if offsets := {partition: offset for partition, offset in done.items() if partition in own}:
            await self._consumer.commit(offsets)
        self._done = {partition: offset for partition, offset in self._done.items() if done.get(partition) != offset}

    async def _give_back(self) -> None:
        """What was polled and is not done goes with the partitions."""
        self._read = {}
        with suppress(TimeoutError, KafkaError, OSError):
            async with asyncio.timeout(LETS_GO_WITHIN_S):
                await self._commit()

    async def _started(self) -> Any:
        if self._consumer is None:
            consumer = AIOKafkaConsumer(
                **connection(self._bootstrap, self._access), group_id=self._group, group_instance_id=self._instance,
                enable_auto_commit=False, auto_offset_reset="earliest", isolation_level="read_committed",
                session_timeout_ms=10_000, heartbeat_interval_ms=2_000, max_poll_interval_ms=120_000,
                fetch_max_wait_ms=200, metadata_max_age_ms=10_000,
                partition_assignment_strategy=(StickyPartitionAssignor,),
            )  # fmt: skip
            self._share = Share(self._give_back)
            consumer.subscribe([self._topic] if self._topic else (), pattern=self._pattern, listener=self._share)
            try:
                async with asyncio.timeout(JOINS_WITHIN_S):
                    await consumer.start()
            except BaseException:
                await ended(_stop(consumer), f"consumer {self._group}")
                raise
            self._consumer, self._moved_at, self._suspect = consumer, time.monotonic(), False
        return self._consumer

    async def _read_carefully(self, consumer: Any) -> dict[Any, list[Any]]:
        """One record of each partition, so that one that can't be read takes no other with it; it is passed over."""
        found: dict[Any, list[Any]] = {}
        for partition in consumer.assignment():
            try:
                found |= await consumer.getmany(partition, max_records=1)
            except UnicodeDecodeError:
                position = await consumer.position(partition)
                log.error("record %s of %s can't be read and is passed over", position, partition)
                consumer.seek(partition, position + 1)
                self._read[partition] = position + 1
        if not found:
            await asyncio.sleep(POLL_MS / 10_000)
        return found

    async def _look_after(self, consumer: Any) -> None:
        """After a long silence: rebuild the consumer if it is behind, and still is after one more poll."""
        async with asyncio.timeout(LOOK_WITHIN_S):
            behind = await self._is_behind(consumer)
        if behind and self._suspect:
            await self._drop("no progress although there is something to read")
        elif not behind:
            self._moved_at = time.monotonic()
        self._suspect = behind

    async def _is_behind(self, consumer: Any) -> bool:
        """Whether the broker holds records that this member should have been given, or has not told it its share.

        The broker is asked: what the consumer itself knows of the end comes with the records it no longer fetches.
        """
        if not (assigned := consumer.assignment()):
            return self._pattern is None and not self._share.told
        ends = await consumer.end_offsets(assigned)
        return any([ends[partition] > await consumer.position(partition) for partition in assigned])

    async def _drop(self, reason: str | None) -> None:
        consumer, self._consumer, self._open = self._consumer, None, 0
        self._read, self._done = {}, {}
        if reason:
            log.warning("consumer %s rebuilt: %s", self._group, reason)
        if consumer is not None:
            await ended(_stop(consumer), f"consumer {self._group}")


async def _stop(consumer: Any) -> None:
    """Where the end of its fetching fails, `stop` leaves its connections open."""
    try:
        await consumer.stop()
    finally:
        await consumer._client.close()


class KafkaEvents:
    """`vrc.tickets` as a service reads it. A record that is not one of the center's facts is logged and passed over."""

    def __init__(self, bootstrap: str, *, group: str, instance: str | None, access: Access | None = None) -> None:
        self._inbound = KafkaInbound(bootstrap, group=group, topic=TICKETS, instance=instance, access=access)

    async def poll(self) -> Sequence[Event]:
        return [event for message in await self._inbound.poll() if (event := _event(message))]

    async def done(self) -> None:
        await self._inbound.done()

    async def behind(self) -> int | None:
        return await self._inbound.behind()

    async def close(self) -> None:
        await self._inbound.close()


def _event(message: Message) -> Event | None:
    try:
        return from_message(message)
    except (CenterError, ValueError, KeyError) as error:
        log.error("a record on %s is not a fact of this center: %s", message.topic, error)
        return None
