"""What Kafka's clients must do beyond the bus contract: share the work, come back to life, leave a group in peace."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import count

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.record.util import calc_crc32c

from shared.bus.kafka import KafkaInbound, KafkaPublisher, ensure_topics
from shared.bus.kafka import inbound as consuming
from shared.bus.kafka import publisher as publishing
from shared.contracts import topics
from shared.contracts.envelope import Message, binary_headers
from shared.errors import Unavailable
from shared.testing.servers import Kafka
from tests.buses import KafkaBus
from tests.cases import BEIJING, CHUXIONG, notes
from tests.waiting import until

ORDERS = topics.orders_topic(BEIJING)
NOBODY = "127.0.0.1:9"
_numbers = count(1)


@pytest.fixture
async def publisher(bus_broker: str) -> AsyncIterator[KafkaPublisher]:
    publisher = KafkaPublisher(bus_broker)
    yield publisher
    await publisher.close()


@pytest.fixture
async def member(bus_broker: str) -> AsyncIterator[Callable[..., KafkaInbound]]:
    """Makes a member of this test's own group."""
    members: list[KafkaInbound] = []
    group = f"members-{next(_numbers)}"

    def make(topic: str | None = ORDERS, pattern: str | None = None, instance: str | None = None) -> KafkaInbound:
        members.append(KafkaInbound(bus_broker, group=group, topic=topic, pattern=pattern, instance=instance))
        return members[-1]

    yield make
    for each in members:
        await each.close()


def message(topic: str = ORDERS) -> Message:
    id = f"m{next(_numbers)}"
    headers = binary_headers(id=id, type="t", source="/s", subject="x", time="2026-11-21T08:00:00Z")
    return Message(topic, id.encode(), b"{}", headers)


async def poll_until(inbound: KafkaInbound, wanted: Sequence[Message]) -> None:
    seen: set[bytes] = set()

    async def all_came() -> bool:
        seen.update(m.key for m in await inbound.poll())
        return {m.key for m in wanted} <= seen

    await until(all_came, timeout_s=30)


async def test_topic_that_is_not_there_is_said_with_what_makes_it(publisher: KafkaPublisher) -> None:
    with pytest.raises(Unavailable, match="vrc topics"):
        await publisher.publish([Message("vrc.tickets.lost", b"", b"", ())])


async def test_message_comes_as_it_was_sent(publisher: KafkaPublisher, member: Callable[..., KafkaInbound]) -> None:
    sent, received = message(), None
    await publisher.publish([sent])
    inbound = member()
    while received is None:
        received = next((m for m in await inbound.poll() if m.key == sent.key), None)
    assert received == Message(sent.topic, sent.key, sent.value, tuple(sent.headers))


async def test_pattern_finds_the_progress_of_every_network(
    publisher: KafkaPublisher, member: Callable[..., KafkaInbound]
) -> None:
    sent = [message(topics.progress_topic(code)) for code in (BEIJING, CHUXIONG)]
    await publisher.publish([*sent, message(ORDERS)])
    await poll_until(member(None, topics.PROGRESS_PATTERN), sent)


async def test_members_of_a_service_share_the_tickets(kafka_bus: KafkaBus) -> None:
    first, second = kafka_bus.reader(), kafka_bus.reader()
    for reader in (first, second):
        await reader.poll()  # both have joined
    ids = await kafka_bus.open(30)

    async def everything() -> bool:
        await asyncio.gather(first.poll(), second.poll())
        return {*first.seen, *second.seen} == set(ids)

    await until(everything, timeout_s=30)
    await asyncio.gather(first.done(), second.done())


async def test_member_that_takes_over_goes_on_where_the_other_was_done(kafka_bus: KafkaBus) -> None:
    (id,) = await kafka_bus.open()
    first, second = kafka_bus.reader(), kafka_bus.reader()
    await first.read(1)
    await first.close()
    await kafka_bus.append(id, *notes(3))
    assert await second.read(3) == {id: [2, 3, 4]}


async def test_consumer_that_silently_stopped_reading_is_rebuilt(
    publisher: KafkaPublisher, member: Callable[..., KafkaInbound], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "STUCK_AFTER_S", 0.2)
    inbound = member()
    await publisher.publish([before := message()])
    await poll_until(inbound, [before])
    inbound._consumer._fetcher._fetch_task.cancel()  # as it is found after a broker's restart: no error, no records
    await publisher.publish([later := message()])
    await poll_until(inbound, [later])


async def test_member_with_nothing_to_do_does_not_disturb_its_group(
    member: Callable[..., KafkaInbound], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(consuming, "STUCK_AFTER_S", 0.2)
    monkeypatch.setattr(consuming, "POLL_MS", 100)
    both = [member(), member()]  # the topic has one partition
    for _ in range(20):
        await asyncio.gather(*(each.poll() for each in both))
    assert [record.message for record in caplog.records if "rebuilt" in record.message] == []


async def committed(inbound: KafkaInbound) -> int:
    (partition,) = inbound._consumer.assignment()
    return await inbound._consumer.committed(partition) or 0


async def deal_with(inbound: KafkaInbound, publisher: KafkaPublisher, *, batches: int) -> int:
    """Batches of one message; answers where this member reads on."""
    for _ in range(batches):
        await publisher.publish([sent := message()])
        await poll_until(inbound, [sent])
        await inbound.done()
    (partition,) = inbound._consumer.assignment()
    return int(await inbound._consumer.position(partition))


async def test_offsets_of_many_small_batches_are_committed_together_and_soon(
    publisher: KafkaPublisher, member: Callable[..., KafkaInbound], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "COMMIT_EVERY_S", 3600.0)
    inbound = member()
    end = await deal_with(inbound, publisher, batches=5)
    assert await committed(inbound) < end  # the first was committed at once, the others wait

    inbound._commit_at = 0.0
    await inbound.poll()  # there is nothing more to read: time for what waits
    assert await committed(inbound) == end


async def test_member_that_gives_its_partitions_back_commits_what_is_done_and_nothing_else(
    publisher: KafkaPublisher, member: Callable[..., KafkaInbound], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(consuming, "COMMIT_EVERY_S", 3600.0)
    first = member()
    done = await deal_with(first, publisher, batches=2)
    await publisher.publish([under_way := message()])
    await poll_until(first, [under_way])
    await first._share.on_partitions_revoked(first._consumer.assignment())
    assert await committed(first) == done
    await first.done()
    await first._give_back()
    assert await committed(first) == done


async def test_process_with_a_name_comes_back_to_its_partitions_at_once(
    publisher: KafkaPublisher, member: Callable[..., KafkaInbound]
) -> None:
    for _ in range(3):  # without a name, a member that fell over is waited for until its session ends
        await publisher.publish([sent := message()])
        inbound = member(instance="intake-1")
        async with asyncio.timeout(8):
            await poll_until(inbound, [sent])
        await inbound.done()
        await inbound.close()


async def publish_unreadable(bootstrap: str, topic: str) -> None:
    """A record whose header's name is not UTF-8, as a client in another encoding sends it."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    batch = producer.create_batch()
    batch.append(key=b"bad", value=b"{}", timestamp=None, headers=[("ZZ", b"1")])
    build = batch._build

    def build_in_gbk() -> bytes:
        built = bytearray(build().replace(b"ZZ", "陕".encode("gbk")))
        struct.pack_into(">I", built, 17, calc_crc32c(bytes(built[21:])))
        return bytes(built)

    batch._build = build_in_gbk
    await (await producer.send_batch(batch, topic, partition=0))
    await producer.stop()


async def test_record_that_can_not_be_read_costs_neither_its_neighbours_nor_other_networks_a_message(
    bus_broker: str, publisher: KafkaPublisher, member: Callable[..., KafkaInbound]
) -> None:
    broken, other = topics.progress_topic(BEIJING), topics.progress_topic(CHUXIONG)
    sent = [message(broken), message(other)]
    await publisher.publish(sent)
    await publish_unreadable(bus_broker, broken)
    await publisher.publish(more := [message(broken), message(other), message(broken)])
    await poll_until(member(None, topics.PROGRESS_PATTERN), [*sent, *more])


async def test_consumer_waits_for_a_broker_that_is_away(
    publisher: KafkaPublisher, member: Callable[..., KafkaInbound], kafka: Kafka
) -> None:
    inbound = member()
    await publisher.publish([before := message()])
    await poll_until(inbound, [before])
    await inbound.done()
    await asyncio.to_thread(kafka.kill)
    assert await inbound.poll() == []
    await asyncio.to_thread(kafka.start)
    await publisher.publish([later := message()])
    await poll_until(inbound, [later])


async def test_consumer_of_a_broker_that_is_not_there_says_nothing_and_does_not_fail() -> None:
    inbound = KafkaInbound(NOBODY, group="nobody", topic=ORDERS, pattern=None, instance=None)
    assert await inbound.poll() == []
    await inbound.done()
    await inbound.close()


async def test_topics_are_made_once(bus_broker: str) -> None:
    wanted = {f"made-{next(_numbers)}-{n}": 2 for n in range(3)}
    assert await ensure_topics(bus_broker, wanted, replication=1, batch=2) == 3
    assert await ensure_topics(bus_broker, wanted, replication=1) == 0


async def test_topics_that_two_processes_make_at_once_are_fine(bus_broker: str) -> None:
    wanted = {f"both-{next(_numbers)}": 1}
    await asyncio.gather(*(ensure_topics(bus_broker, wanted, replication=1) for _ in range(2)))
    assert await ensure_topics(bus_broker, wanted, replication=1) == 0


async def test_topic_that_can_not_be_made_is_named(bus_broker: str) -> None:
    with pytest.raises(Unavailable, match=r"too-many: InvalidReplicationFactor"):
        await ensure_topics(bus_broker, {"too-many": 1}, replication=3)


async def test_topics_without_a_broker_are_unavailable() -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        await ensure_topics(NOBODY, {"x": 1}, replication=1)


async def test_publishing_to_a_topic_that_does_not_exist_is_unavailable(
    publisher: KafkaPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "ACKNOWLEDGED_WITHIN_S", 0.5)
    with pytest.raises(Unavailable):
        await publisher.publish([message("nothing-of-the-kind")])
    await publisher.publish([message()])


async def test_order_to_a_network_without_a_topic_makes_the_topic(publisher: KafkaPublisher, bus_broker: str) -> None:
    new = "vrc.orders.0999"

    async def published() -> bool:
        try:
            await publisher.publish([Message(new, b"ticket", b"{}", []), Message(ORDERS, b"ticket", b"{}", [])])
        except Unavailable:  # a topic just made is known to its broker a moment later; the relay tries again too
            return False
        return True

    await until(published, timeout_s=30)
    assert await ensure_topics(bus_broker, {new: 1}, replication=1) == 0
