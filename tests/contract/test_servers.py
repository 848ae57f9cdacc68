"""What failure tests take for granted of the real servers: a kill loses nothing and leaves nothing."""

import asyncio
import os
import select
import shutil
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from shared.testing.postgres import forget_shared_memory
from shared.testing.servers import Kafka, Postgres, ServerDidNotStart


async def run(dsn: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        rows: list[asyncpg.Record] = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()


async def test_postgres_keeps_committed_rows_over_a_kill(postgres: Postgres, database: str) -> None:
    await run(database, "CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    postgres.kill()
    postgres.start()
    assert await run(database, "SELECT count(*) FROM kept") == [(1000,)]


def test_postgres_is_durable_unless_told_otherwise(postgres: Postgres) -> None:
    assert [postgres.sql(f"SHOW {name}") for name in ("fsync", "synchronous_commit")] == ["on", "on"]


async def test_the_center_is_no_superuser(database: str) -> None:
    assert await run(database, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") == [(False,)]


async def test_paused_postgres_keeps_its_connections(postgres: Postgres, database: str) -> None:
    connection = await asyncpg.connect(database)
    postgres.pause()
    answer = asyncio.ensure_future(connection.fetchval("SELECT 1"))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(answer), timeout=0.2)
    postgres.resume()
    assert await answer == 1
    await connection.close()


def test_server_outlives_the_thread_that_started_it(postgres: Postgres) -> None:
    postgres.stop()
    starter = threading.Thread(target=postgres.start)
    starter.start()
    starter.join()
    assert postgres.sql("SELECT 1") == "1"


def test_server_that_cannot_start_shows_the_end_of_its_log() -> None:
    with pytest.raises(ServerDidNotStart, match='unrecognized configuration parameter "nonsense"'):
        Postgres(settings={"nonsense": "1"}).__enter__()


OWNER = """
import sys
from shared.testing.servers import Kafka, Postgres
server = {kind}()
server.start()
{then}
print(server.directory, *{pids}, flush=True)
sys.stdin.read()
"""
POSTGRES_PIDS = "[server.pid, *server.sql('SELECT pid FROM pg_stat_activity').split()]"


@pytest.mark.parametrize(
    ("kind", "then", "pids"),
    [
        ("Postgres", f"pids = {POSTGRES_PIDS}", "pids"),
        ("Postgres", f"pids = {POSTGRES_PIDS}; server.pause()", "pids"),
        ("Kafka", "", "[server.pid()]"),
    ],
    ids=["postgres", "paused postgres", "kafka"],
)
def test_no_process_outlives_a_killed_owner(kind: str, then: str, pids: str) -> None:
    program = OWNER.format(kind=kind, then=then, pids=pids)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        directory, *children = owner.stdout.readline().split()
        handles = list(handles_of(children))
        owner.kill()
    assert handles
    assert all(ended(handle) for handle in handles)
    forget_shared_memory(Path(directory, "data"))
    shutil.rmtree(directory)


def handles_of(pids: Iterable[str]) -> Iterator[int]:
    """Of those that still are: the session that was asked for the others is among them, and may be over."""
    for pid in pids:
        with suppress(ProcessLookupError):
            yield os.pidfd_open(int(pid))


def ended(process: int) -> bool:
    poll = select.poll()
    poll.register(process, select.POLLIN)
    happened = bool(poll.poll(10_000))
    os.close(process)
    return happened


async def test_kafka_keeps_acknowledged_messages_over_a_kill(kafka: Kafka) -> None:
    await create_topic(kafka, "kept", copies=1)
    address = kafka.bootstrap
    await send(kafka, "kept", range(200))
    kafka.kill()
    kafka.start()
    assert kafka.bootstrap == address
    assert await read(kafka, "kept") == list(range(200))


async def test_three_brokers_lose_no_message_when_the_leader_is_killed() -> None:
    with Kafka(brokers=3) as cluster:
        await create_topic(cluster, "kept", copies=3)
        await send(cluster, "kept", range(100))
        leader = await leader_of(cluster, "kept")
        cluster.kill(leader)
        await send(cluster, "kept", range(100, 200))
        cluster.start(leader)
        assert await read(cluster, "kept") == list(range(200))


async def create_topic(kafka: Kafka, name: str, *, copies: int) -> None:
    async with administrator_of(kafka) as admin:
        await admin.create_topics([NewTopic(name, num_partitions=1, replication_factor=copies)])


async def leader_of(kafka: Kafka, topic: str) -> int:
    async with administrator_of(kafka) as admin:
        described = await admin.describe_topics([topic])
    return int(described[0]["partitions"][0]["leader"])


async def send(kafka: Kafka, topic: str, numbers: range) -> None:
    """Returns when all are acknowledged."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all", enable_idempotence=True)
    async with producer:
        acknowledged = [await producer.send(topic, str(number).encode()) for number in numbers]
        await asyncio.gather(*acknowledged)


async def read(kafka: Kafka, topic: str) -> list[int]:
    async with consumer_of(kafka) as consumer:
        partition = TopicPartition(topic, 0)
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        numbers: list[int] = []
        while await consumer.position(partition) < end:
            polled = await consumer.getmany(partition, timeout_ms=1000)
            numbers += [int(message.value) for messages in polled.values() for message in messages]
        return numbers


@asynccontextmanager
async def consumer_of(kafka: Kafka) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka.bootstrap)
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()


@asynccontextmanager
async def administrator_of(kafka: Kafka) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()
