"""The two ways a fact goes from the log to a service: the embedded bus, and PostgreSQL → relay → Kafka.

One `Bus` drives both from "appended to the log" to "polled by a consumer"; one Kafka serves all tests, so a reader
looks only at the tickets of its own test.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import pytest

from shared.bus.embedded import EmbeddedEvents, Tail
from shared.bus.kafka import KafkaEvents, KafkaPublisher, ensure_topics
from shared.bus.port import Events
from shared.bus.relay import Relay
from shared.clock import SystemClock
from shared.contracts import topics
from shared.contracts.event import Event
from shared.contracts.facts import Fact
from shared.db.port import Database, Tx
from shared.db.postgres import PostgresDatabase
from shared.db.sqlite import SqliteDatabase
from shared.health import Pulse
from shared.ids import TicketId
from shared.testing.clock import START
from shared.testing.servers import Kafka
from shared.tickets import store as tickets
from shared.tickets.log import append
from tests.cases import ACTOR, BEIJING, CHUXIONG, new_ticket, notes, save
from tests.stores import PATIENCE_S
from tests.waiting import until

_runs = count(1)
TOPICS = {topics.TICKETS: 3} | {
    name: 1 for code in (BEIJING, CHUXIONG) for name in (topics.orders_topic(code), topics.progress_topic(code))
}


class Reader:
    """A consumer of one service, and what it has been given of this test's tickets."""

    def __init__(self, events: Events, mine: set[TicketId]) -> None:
        self._events = events
        self._mine = mine
        self.seen: dict[TicketId, list[int]] = defaultdict(list)
        self.events: list[Event] = []

    async def read(self, at_least: int, *, done: bool = True, timeout_s: float = 30.0) -> dict[TicketId, list[int]]:
        """Polls until so many facts have come; answers their numbers by ticket, in the order they came."""
        async with asyncio.timeout(timeout_s):
            while len(self.events) < at_least:
                await self.poll()
                if done:
                    await self._events.done()
        return self.seen

    async def poll(self) -> Sequence[Event]:
        found = [event for event in await self._events.poll() if event.ticket in self._mine]
        self.events += found
        for event in found:
            self.seen[event.ticket].append(event.seq)
        return found

    async def done(self) -> None:
        await self._events.done()

    async def behind(self) -> int | None:
        return await self._events.behind()

    async def close(self) -> None:
        """An orderly end; what was not done is not marked."""
        await self._events.close()


class Bus:
    def __init__(self, store: Database) -> None:
        self.store = store
        self.tickets: set[TicketId] = set()
        self._readers: list[Reader] = []
        self._run = next(_runs)

    def reader(self, service: str = "notifier") -> Reader:
        """A new process of this service: the same service name goes on where the last one said it was done."""
        reader = Reader(self._events(f"{service}-{self._run}"), self.tickets)
        self._readers.append(reader)
        return reader

    async def open(self, count: int = 1) -> Sequence[TicketId]:
        """That many new tickets, one fact each, in one transaction."""
        new = [new_ticket(circuit=f"{self._run}-{len(self.tickets)}-{number}") for number in range(count)]
        self.tickets |= {n.ticket.id for n in new}
        await self.store.transact(lambda tx: tickets.open_new(tx, new))
        return [n.ticket.id for n in new]

    async def append(self, ticket: TicketId, *facts: Fact) -> None:
        """These facts in one transaction; without any, a note."""
        await self.store.transact(lambda tx: record(tx, ticket, facts or notes(1)))

    async def close(self) -> None:
        for reader in self._readers:
            await reader.close()

    def _events(self, service: str) -> Events:
        raise NotImplementedError


async def record(tx: Tx, ticket: TicketId, facts: Sequence[Fact]) -> None:
    held = (await tickets.lock(tx, [ticket]))[ticket]
    after, entries = append(held.ticket, held.head, facts, at=START, actor=ACTOR)
    await save(tx, [after], entries)


class EmbeddedBus(Bus):
    def __init__(self, store: Database) -> None:
        super().__init__(store)
        self._tail = Tail(store)

    def _events(self, service: str) -> Events:
        return EmbeddedEvents(self.store, service, self._tail)


class KafkaBus(Bus):
    """With a relay that runs."""

    def __init__(self, store: Any, bootstrap: str) -> None:
        super().__init__(store)
        self.bootstrap = bootstrap
        self.publisher = KafkaPublisher(bootstrap)
        self.relay = Relay(store, self.publisher, SystemClock(), Pulse("relay"))
        self.relaying = asyncio.create_task(self.relay.run())

    async def close(self) -> None:
        await super().close()
        self.relaying.cancel()
        await asyncio.wait([self.relaying])
        await self.publisher.close()

    async def published(self) -> None:
        """Returns when nothing waits to be published any more."""
        await until(self._nothing_waits, timeout_s=60)

    async def _nothing_waits(self) -> bool:
        return not await self.store.transact(lambda tx: tx.raw.fetchval("SELECT count(*) FROM outbox"))

    def _events(self, service: str) -> Events:
        return KafkaEvents(self.bootstrap, group=service, instance=None)


@pytest.fixture(scope="session")
def bus_broker(kafka: Kafka) -> str:
    """The bootstrap address of a Kafka that has the topics which these tests use."""
    with ThreadPoolExecutor(1) as thread:  # the test that asks first may have an event loop already
        thread.submit(asyncio.run, ensure_topics(kafka.bootstrap, TOPICS, replication=1)).result()
    return kafka.bootstrap


@pytest.fixture
async def kafka_bus(postgres_store: PostgresDatabase, bus_broker: str) -> AsyncIterator[KafkaBus]:
    bus = KafkaBus(postgres_store, bus_broker)
    yield bus
    await bus.close()


@pytest.fixture(params=["embedded", "kafka"])
async def bus(request: pytest.FixtureRequest) -> AsyncIterator[Bus]:
    bus: Bus
    if request.param == "embedded":
        bus = EmbeddedBus(SqliteDatabase(request.getfixturevalue("sqlite_path"), patience_s=PATIENCE_S))
    else:
        store = PostgresDatabase(request.getfixturevalue("postgres_dsn"), patience_s=PATIENCE_S)
        bus = KafkaBus(store, request.getfixturevalue("bus_broker"))
    yield bus
    await bus.close()
    await bus.store.close()
