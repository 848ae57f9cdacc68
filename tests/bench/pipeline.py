"""The relay beside a bare `send` loop, and the dispatcher beside a bare consume, send, commit loop: same messages."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from rich.console import Console
from rich.table import Table

from services.dispatcher.handlers import OrderDesk
from services.dispatcher.prediction.history import History
from services.intake.handlers import Desk
from services.intake.model import ReportFault
from services.run import settle
from shared.bus.kafka import KafkaEvents, KafkaPublisher, ensure_topics
from shared.bus.relay import Relay
from shared.clock import SystemClock
from shared.contracts.facts import FaultReported
from shared.contracts.records import to_messages
from shared.contracts.topics import TICKETS, orders_topic
from shared.db.postgres import PostgresDatabase
from shared.health import Pulse
from shared.registry.following import loaded
from shared.tickets.policy_file import read_policies
from shared.tickets.store import entry_of
from shared.tickets.tables import LOG_COLUMNS
from tests.bench.ground import ACCOUNT, CIRCUITS, NETWORK, Ground, circuit_id

BARE = "bench.bare"
COUNT = 10_000
CHUNK = 500


async def run(console: Console, ground: Ground, *, first: int, rounds: int = 3) -> int:
    """Answers how many circuits were used."""
    if first + rounds * COUNT > CIRCUITS:
        raise RuntimeError(f"the sections before used {first} of {CIRCUITS} circuits: make more")
    dsn, kafka = ground.settings.database, ground.settings.kafka
    assert dsn is not None
    assert kafka is not None
    await ensure_topics(kafka, {TICKETS: 1, orders_topic(NETWORK): 1, BARE: 1}, replication=1)
    database = PostgresDatabase(dsn)
    publisher = KafkaPublisher(kafka)
    relay = Relay(database, publisher, SystemClock(), Pulse("relay"))
    connection = await database.connect()
    await connection.execute("DELETE FROM outbox")
    table = Table(title=f"Pipeline on PostgreSQL + Kafka, {COUNT} messages, one partition", title_justify="left")
    for column in ("", "messages/s", "bare loop/s", "÷ bare"):
        table.add_column(column, justify="right" if column else "left")
    relayed, dispatched = [], []
    settle()  # as a process does when it has started
    try:
        for _ in range(rounds):
            messages = await _report(database, first)
            first += COUNT
            bare = await _bare_send(kafka, messages)
            relayed.append((await _drain(relay, connection, COUNT), bare))
            bare = await _bare_loop(kafka)
            dispatched.append((await _dispatch(database, publisher, kafka), bare))
    finally:
        connection.terminate()
        await publisher.close()
        await database.close()
    for name, pairs in (
        ("relay: outbox → acknowledged → deleted", relayed),
        ("dispatch: event → order → published", dispatched),
    ):
        ours, bare = sorted(pairs, key=lambda pair: pair[0] / pair[1])[len(pairs) // 2]
        table.add_row(name, f"{ours:,.0f}", f"{bare:,.0f}", f"{ours / bare:.2f}")
    console.print(table)
    return first


async def anybody(*_: object) -> None:
    """No limit."""


async def _report(database: PostgresDatabase, first: int) -> list[Any]:
    """Tickets opened, their pointers in the outbox; answers the same messages for the bare loop."""
    clock = SystemClock()
    desk = Desk(database, clock, anybody, read_policies())
    now = clock.now()
    facts = [FaultReported(ACCOUNT, circuit_id(first + i), "down", "no light", now) for i in range(COUNT)]
    for i in range(0, COUNT, CHUNK):
        await asyncio.gather(*(desk.report(ReportFault(fact, "account:bench", None)) for fact in facts[i : i + CHUNK]))
    await desk.close()
    async with database.connection() as connection:
        columns = ", ".join("l." + name for name in LOG_COLUMNS)
        rows = await connection.fetch(f"SELECT {columns} FROM outbox o JOIN ticket_log l USING (ticket, seq)")
    return [message for row in rows for message in to_messages(entry_of(row), [BARE])]


def _producer(kafka: str) -> Any:
    return AIOKafkaProducer(bootstrap_servers=kafka, acks="all", enable_idempotence=True, max_batch_size=262_144)


async def _bare_send(kafka: str, messages: Sequence[Any]) -> float:
    producer = _producer(kafka)
    await producer.start()
    started = time.perf_counter()
    for i in range(0, len(messages), CHUNK):
        await _send(producer, BARE, [(m.key, m.value, m.headers) for m in messages[i : i + CHUNK]])
    rate = len(messages) / (time.perf_counter() - started)
    await producer.stop()
    return rate


async def _send(producer: Any, topic: str, records: Sequence[tuple[bytes, bytes, Any]]) -> None:
    futures = [await producer.send(topic, value, key=key, headers=headers) for key, value, headers in records]
    await asyncio.gather(*futures)


async def _drain(relay: Relay, connection: Any, count: int) -> float:
    started = time.perf_counter()
    done = 0
    while done < count:
        done += await relay.publish_some(connection)
    return count / (time.perf_counter() - started)


async def _bare_loop(kafka: str) -> float:
    """Consume the messages just sent, send each on, commit: what any dispatcher costs at the least."""
    consumer = AIOKafkaConsumer(
        BARE, bootstrap_servers=kafka, group_id="bench-bare", enable_auto_commit=False, auto_offset_reset="earliest"
    )
    producer = _producer(kafka)
    await consumer.start()
    await producer.start()
    await consumer.getmany(timeout_ms=5_000, max_records=1)  # joined and warm
    started, done = time.perf_counter(), 0
    while done < COUNT - 1:
        found = await consumer.getmany(timeout_ms=1_000, max_records=CHUNK)
        records = [r for some in found.values() for r in some]
        await _send(producer, orders_topic(NETWORK), [(r.key, r.value, list(r.headers)) for r in records])
        await consumer.commit()
        done += len(records)
    rate = done / (time.perf_counter() - started)
    await consumer.stop()
    await producer.stop()
    return rate


async def _dispatch(database: PostgresDatabase, publisher: KafkaPublisher, kafka: str) -> float:
    """Events of the round → orders, log and outbox in PostgreSQL → published, by a relay beside it as in a process."""
    desk = OrderDesk(database, await loaded(database), SystemClock(), history=History)
    events = KafkaEvents(kafka, group="bench-dispatch", instance=None)
    relay = Relay(database, publisher, SystemClock(), Pulse("relay"))
    relaying = asyncio.create_task(relay.run())
    begun = 0
    while not begun:
        begun = (await desk.on_events(await events.poll())).issued
    await _published(relay, begun)
    started, done = time.perf_counter(), 0
    while done < COUNT - begun:
        found = [e for e in await events.poll() if e.type == "ticket.reported"]
        dispatched = await desk.on_events(found)
        assert not dispatched.failed
        done += dispatched.issued
        await events.done()
    await _published(relay, COUNT)
    rate = done / (time.perf_counter() - started)
    relaying.cancel()
    await events.close()
    await desk.close()
    return rate


async def _published(relay: Relay, count: int) -> None:
    while relay.published < count:  # noqa: ASYNC110  a counter, not an event
        await asyncio.sleep(0.002)
