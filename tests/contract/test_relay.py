"""From the log to the broker: whatever fails in between, every fact is published, in order per ticket."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import pytest

from shared.bus.kafka import KafkaPublisher
from shared.bus.kafka import publisher as publishing
from shared.bus.relay import BATCH, LOCK_KEY, Relay
from shared.clock import SystemClock
from shared.contracts import facts as f
from shared.contracts.envelope import Message
from shared.contracts.records import from_message
from shared.contracts.topics import TICKETS
from shared.db.port import Tx
from shared.db.postgres import PostgresDatabase
from shared.errors import Unavailable
from shared.health import Pulse
from shared.ids import TicketId
from shared.testing.clock import START
from shared.testing.servers import Kafka, Postgres
from shared.tickets import store as tickets
from tests.buses import KafkaBus, record
from tests.cases import BEIJING, CHUXIONG, issued, new_ticket, notes
from tests.contract.test_bus import in_order
from tests.waiting import until

_circuits = count(1)


class Broker:
    """A publisher in the test's own hands: what reached it, and when it says so."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.calls = 0
        self.fail: Callable[[], bool] = lambda: False
        self.lose: Callable[[], bool] = lambda: False

    async def publish(self, messages: Sequence[Message]) -> None:
        self.calls += 1
        if self.fail():
            raise Unavailable("refused")
        self.messages += messages
        if self.lose():
            raise Unavailable("the acknowledgement was lost")

    async def close(self) -> None: ...

    def told(self, ticket: TicketId, topic: str = TICKETS) -> list[int]:
        mine = [from_message(m) for m in self.messages if m.topic == topic]
        return [event.seq for event in mine if event.ticket == ticket]


@pytest.fixture
def broker() -> Broker:
    return Broker()


@asynccontextmanager
async def relaying(store: PostgresDatabase, broker: Broker) -> AsyncIterator[Relay]:
    relay = Relay(store, broker, SystemClock(), Pulse("relay"))
    running = asyncio.create_task(relay.run())
    yield relay
    running.cancel()
    await asyncio.wait([running])


async def open_ticket(store: PostgresDatabase, facts: int = 0) -> TicketId:
    new = new_ticket(circuit=str(next(_circuits)))
    await store.transact(lambda tx: tickets.open_new(tx, [new]))
    if facts:
        await add(store, new.ticket.id, *notes(facts))
    return new.ticket.id


async def add(store: PostgresDatabase, id: TicketId, *facts: f.Fact) -> None:
    await store.transact(lambda tx: record(tx, id, facts))


async def waiting(store: PostgresDatabase) -> int:
    return int(await store.transact(lambda tx: tx.raw.fetchval("SELECT count(*) FROM outbox")))


async def test_what_was_acknowledged_waits_no_more(postgres_store: PostgresDatabase, broker: Broker) -> None:
    id = await open_ticket(postgres_store, facts=5)
    assert await waiting(postgres_store) == 6
    async with relaying(postgres_store, broker) as relay:
        await until(lambda: relay.published == 6)
    assert await waiting(postgres_store) == 0
    assert broker.told(id) == [1, 2, 3, 4, 5, 6]


async def test_what_was_not_acknowledged_is_published_again(postgres_store: PostgresDatabase, broker: Broker) -> None:
    id = await open_ticket(postgres_store, facts=2)
    broker.lose = lambda: broker.calls == 1
    async with relaying(postgres_store, broker) as relay:
        await until(lambda: relay.published == 3)
    assert broker.told(id) == [1, 2, 3, 1, 2, 3]


async def test_broker_that_refuses_stops_nothing_but_the_relay(
    postgres_store: PostgresDatabase, broker: Broker
) -> None:
    broker.fail = lambda: broker.calls < 3
    async with relaying(postgres_store, broker) as relay:
        id = await open_ticket(postgres_store, facts=1)
        await until(lambda: relay.published == 2)
    assert broker.told(id) == [1, 2]


async def test_relay_outlives_whatever_goes_wrong(postgres_store: PostgresDatabase, broker: Broker) -> None:
    broker.lose = lambda: broker.calls == 1 and bool(1 / 0)
    async with relaying(postgres_store, broker) as relay:
        id = await open_ticket(postgres_store, facts=1)
        await until(lambda: relay.published == 2)
    assert set(broker.told(id)) == {1, 2}


async def test_more_than_one_round_holds_is_published_in_order(
    postgres_store: PostgresDatabase, broker: Broker
) -> None:
    id = await open_ticket(postgres_store, facts=2 * BATCH + 7)
    async with relaying(postgres_store, broker) as relay:
        await until(lambda: relay.published == 2 * BATCH + 8)
    assert broker.told(id) == list(range(1, 2 * BATCH + 9))
    assert await waiting(postgres_store) == 0


async def test_rounds_that_are_full_to_the_last_are_published_once(
    postgres_store: PostgresDatabase, broker: Broker
) -> None:
    id = await open_ticket(postgres_store, facts=2 * BATCH - 1)
    async with relaying(postgres_store, broker) as relay:
        await until(lambda: relay.published == 2 * BATCH)
        await add(postgres_store, id, *notes(1))
        await until(lambda: relay.published == 2 * BATCH + 1)
    assert broker.told(id) == list(range(1, 2 * BATCH + 2))
    assert await waiting(postgres_store) == 0


@pytest.mark.parametrize("call", [1, 2, 3])
async def test_acknowledgement_that_is_lost_among_full_rounds_skips_nothing(
    postgres_store: PostgresDatabase, broker: Broker, call: int
) -> None:
    """The round after it had been read already: it is not published before what came first."""
    id = await open_ticket(postgres_store, facts=2 * BATCH + 7)
    broker.lose = lambda: broker.calls == call
    async with relaying(postgres_store, broker) as relay:
        await until(lambda: relay.published >= 2 * BATCH + 8 and relay.leads)
    assert in_order(broker.told(id), 2 * BATCH + 8)
    assert await waiting(postgres_store) == 0


async def test_late_commit_with_an_earlier_position_is_not_skipped(
    postgres_store: PostgresDatabase, broker: Broker
) -> None:
    late, others = new_ticket(circuit="late"), []
    appended, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx: Tx) -> None:
        await tickets.open_new(tx, [late])  # its position is taken, its commit comes later
        appended.set()
        await go_on.wait()

    async with relaying(postgres_store, broker):
        committing = asyncio.create_task(postgres_store.transact(slow))
        await appended.wait()
        others = [await open_ticket(postgres_store) for _ in range(3)]
        await until(lambda: all(broker.told(id) == [1] for id in others))
        go_on.set()
        await committing
        await until(lambda: broker.told(late.ticket.id) == [1])


async def test_order_goes_to_its_network_as_well_and_in_order(postgres_store: PostgresDatabase, broker: Broker) -> None:
    id = await open_ticket(postgres_store)
    note = f.NoteAdded("on site", (BEIJING, CHUXIONG))
    await add(postgres_store, id, issued(id, BEIJING), issued(id, CHUXIONG), note, f.NoteAdded("nobody's"))
    async with relaying(postgres_store, broker) as relay:
        await until(lambda: relay.published == 5)
    assert broker.told(id) == [1, 2, 3, 4, 5]
    assert broker.told(id, "vrc.orders.010") == [2, 4]
    assert broker.told(id, "vrc.orders.0878") == [3, 4]


async def test_of_several_relays_one_leads_and_another_takes_over(
    postgres_store: PostgresDatabase, broker: Broker
) -> None:
    async with relaying(postgres_store, broker) as second:
        async with relaying(postgres_store, broker) as first:
            await until(lambda: first.leads or second.leads)
            id = await open_ticket(postgres_store, facts=9)
            await until(lambda: first.published + second.published == 10)
            assert [first.leads, second.leads].count(True) == 1
        await add(postgres_store, id, *notes(2))
        await until(lambda: second.leads and len(broker.told(id)) >= 12)
    assert broker.told(id) == list(range(1, 13))


async def test_relay_that_lost_its_connection_stands_again(
    postgres_store: PostgresDatabase, broker: Broker, postgres: Postgres
) -> None:
    async with relaying(postgres_store, broker) as relay:
        await until(lambda: relay.leads)
        postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        id = await open_ticket(postgres_store, facts=3)
        await until(lambda: len(broker.told(id)) >= 4)
    assert in_order(broker.told(id), 4)


async def test_relay_that_leads_no_more_keeps_no_wake_to_itself(
    postgres_store: PostgresDatabase, broker: Broker, postgres: Postgres
) -> None:
    """Another leads by then, in a process that hears of the log by what this one announces."""
    async with relaying(postgres_store, broker) as relay:
        await until(lambda: relay.leads)
        leader = await postgres_store.connect()
        postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        await leader.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        await open_ticket(postgres_store)
        await until(lambda: not relay.leads)
        await leader.close()


async def test_what_is_committed_while_the_relay_reads_is_not_left_for_the_next_look(
    postgres_store: PostgresDatabase, broker: Broker
) -> None:
    relay = Relay(postgres_store, broker, SystemClock(), Pulse("relay"))
    connection = await postgres_store.connect()

    class Meanwhile:
        async def fetch(self, *given: Any) -> Any:
            rows = await connection.fetch(*given)
            await open_ticket(postgres_store)
            return rows

    assert await relay.publish_some(Meanwhile()) == 0
    assert await relay._wake.wait(0)
    await connection.close()


async def test_relay_that_lost_its_database_goes_on_when_it_is_back(
    postgres_store: PostgresDatabase, broker: Broker, postgres: Postgres
) -> None:
    id = await open_ticket(postgres_store, facts=3)
    async with relaying(postgres_store, broker) as relay:
        await until(lambda: relay.leads)
        await asyncio.to_thread(postgres.kill)
        await asyncio.to_thread(postgres.start)
        await until(lambda: answered(add(postgres_store, id, *notes(1))))
        await until(lambda: len(set(broker.told(id))) >= 5)
    assert in_order(broker.told(id), max(broker.told(id)))


async def answered(step: object) -> bool:
    try:
        await step  # type: ignore[misc]
    except Unavailable:
        return False
    return True


async def test_relay_says_how_old_what_it_owes_is(postgres_store: PostgresDatabase, broker: Broker) -> None:
    pulse, clock = Pulse("relay"), SystemClock()
    broker.fail = lambda: True
    await open_ticket(postgres_store)
    relay = Relay(postgres_store, broker, clock, pulse)
    connection = await postgres_store.connect()
    with pytest.raises(Unavailable):
        await relay.publish_some(connection)
    assert "oldest unpublished" in (pulse.trouble() or "")
    assert pulse.owed >= clock.now() - START - (clock.now() - START) / 100
    await connection.close()


async def test_acknowledged_by_kafka_means_it_is_there_after_a_kill(kafka_bus: KafkaBus, kafka: Kafka) -> None:
    (id,) = await kafka_bus.open()
    await kafka_bus.append(id, *notes(99))
    await kafka_bus.published()
    await asyncio.to_thread(kafka.kill)
    await asyncio.to_thread(kafka.start)
    assert set((await kafka_bus.reader().read(100, timeout_s=60))[id]) == set(range(1, 101))


async def test_broker_killed_and_restarted_in_the_middle_loses_nothing(kafka_bus: KafkaBus, kafka: Kafka) -> None:
    ids = await kafka_bus.open(4)
    reader = kafka_bus.reader()
    await reader.read(4)

    async def report() -> None:
        for _ in range(20):
            await asyncio.gather(*(kafka_bus.append(id) for id in ids))

    reporting = asyncio.create_task(report())
    await asyncio.to_thread(kafka.kill)
    await reporting  # the log takes it all, whatever the broker does
    await asyncio.to_thread(kafka.start)
    await kafka_bus.published()
    seen = await reader.read(4 * 21, timeout_s=60)
    assert all(in_order(seen[id], 21) for id in ids)


async def test_record_that_is_no_fact_is_passed_over(kafka_bus: KafkaBus) -> None:
    junk = [
        Message(TICKETS, b"k", b"junk", []),
        Message(TICKETS, b"k", b"{}", [("ce_specversion", b"1.0"), ("ce_id", b"\xff")]),
    ]
    await kafka_bus.publisher.publish(junk)
    (id,) = await kafka_bus.open()
    assert await kafka_bus.reader().read(1) == {id: [1]}


async def test_publisher_keeps_the_order_of_a_key_over_many_batches(kafka_bus: KafkaBus) -> None:
    (id,) = await kafka_bus.open()
    await kafka_bus.append(id, *(f.NoteAdded("x" * 2000) for _ in range(400)))  # 800 kB: four batches of Kafka's
    assert await kafka_bus.reader().read(401) == {id: list(range(1, 402))}


def tasks_of_aiokafka() -> list[str]:
    coroutines = [task.get_coro() for task in asyncio.all_tasks()]
    return [repr(c) for c in coroutines if "aiokafka" in c.cr_code.co_filename]  # type: ignore[union-attr]


async def test_producer_that_was_given_up_is_gone_and_the_next_one_works(
    bus_broker: str, kafka: Kafka, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publishing, "ACKNOWLEDGED_WITHIN_S", 0.5)
    publisher, message = KafkaPublisher(bus_broker), Message(TICKETS, b"k", b"{}", [])
    await publisher.publish([message])
    kafka.pause()
    try:
        with pytest.raises(Unavailable):
            await publisher.publish([message])
    finally:
        kafka.resume()
    assert tasks_of_aiokafka() == []
    await publisher.publish([message])
    await publisher.close()


async def test_broker_that_is_not_there_is_unavailable() -> None:
    publisher = KafkaPublisher("127.0.0.1:9")
    with pytest.raises(Unavailable, match="did not acknowledge"):
        await publisher.publish([Message(TICKETS, b"k", b"{}", [])])
    await publisher.close()
