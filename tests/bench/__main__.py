"""The bench's order of service: each section prints its table as soon as it is done."""

import asyncio
import sys
from pathlib import Path

import asyncpg
import uvloop
from aiokafka import AIOKafkaConsumer
from rich.console import Console

from services.run import settle
from shared.bus.kafka import ensure_topics
from shared.bus.relay import LOCK_KEY
from shared.contracts.topics import PROGRESS_PREFIX, TICKETS, orders_topic
from shared.secrets import make
from shared.settings import Settings
from shared.testing.kafka import Kafka
from shared.testing.postgres import Postgres
from shared.testing.process import free_ports
from tests.bench import intake, latency, pipeline, scrape, streams, tick, webhooks
from tests.bench.ground import NETWORK, WAL_KEPT, Ground, prepare, running, temporary, used_for_a_while

SECTIONS = ("intake", "pipeline", "latency", "streams", "tick", "scrape", "webhooks")
ALONE = {"streams", "tick", "scrape", "webhooks"}
Found = dict[str, latency.Stopwatch]
WEBHOOKS = ("--webhook-http", "--webhook-networks=127.0.0.0/8")


async def main(wanted: set[str]) -> None:
    settle()  # it measures: 65 ms for garbage would be the center's
    console = Console(width=130)
    if "tick" in wanted:
        with temporary() as folder:
            await tick.run(console, folder)
    if "streams" in wanted:
        with temporary() as folder:
            await asyncio.to_thread(streams.run, console, await prepare(Settings(data_dir=folder), circuits=1))
    if "webhooks" in wanted:
        with temporary() as folder, Postgres() as postgres:
            await webhooks.run(console, folder, postgres)
    if "scrape" in wanted:
        with temporary() as folder:
            await scrape.run(console, folder)
    if wanted - ALONE:
        found = await _latency_embedded() if "latency" in wanted else {}
        await _with_a_broker(console, wanted, found)


async def _latency_embedded() -> Found:
    """Before any server runs: the embedded center needs none, and an idle broker takes its share of two cores."""
    found: Found = {}
    with temporary() as folder:
        ground, (port,), first = await prepare(Settings(data_dir=folder)), free_ports(1), 0
        base = f"http://127.0.0.1:{port}"
        with running("up", ground, port=port):
            for rate in latency.RATES:
                found[f"embedded, {rate} reports/s"] = await latency.measure(
                    ground, faults=base, subscriptions=base, first=first, rate=rate, orders=None
                )
                first += latency.circuits(rate)
    return found


async def _with_a_broker(console: Console, wanted: set[str], found: Found) -> None:
    with (
        temporary() as folder,
        Postgres(settings=WAL_KEPT) as postgres,
        Kafka(heap_mb=512, quick_start=False) as kafka,
    ):
        used_for_a_while(postgres)
        await ensure_topics(
            kafka.bootstrap, {TICKETS: 4, orders_topic(NETWORK): 1, PROGRESS_PREFIX + NETWORK: 1}, replication=1
        )
        make(folder / "master.key")

        async def production(name: str) -> Ground:
            """A database of its own: what pgbench writes and no relay publishes is work for a center's sweeps."""
            dsn, data = postgres.create_database(name), folder / name
            return await prepare(
                Settings(data_dir=data, database=dsn, kafka=kafka.bootstrap, master_key=folder / "master.key")
            )

        if "intake" in wanted:
            embedded = await prepare(Settings(data_dir=folder / "embedded"))
            await _intake(console, await production("intake"), embedded, postgres, folder)
        if wanted.isdisjoint(("latency", "pipeline")):
            return
        whole, used = await production("whole"), 0
        if "latency" in wanted:
            latency.show(console, found | await _latency(whole, first=used))
            used = latency.CIRCUITS
        if "pipeline" in wanted:
            await pipeline.run(console, whole, first=used)


async def _intake(console: Console, production: Ground, embedded: Ground, postgres: Postgres, folder: Path) -> None:
    dsn = production.settings.database
    assert dsn is not None
    (port,) = free_ports(1)
    leader = await asyncpg.connect(dsn)  # another process leads the relay, as in production with many
    await leader.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    await asyncio.to_thread(intake.on_postgres, console, production, postgres.pid, port=port)
    await leader.close()
    floor = {c: intake.pgbench(dsn, c, folder) for c in intake.CLIENTS}
    await asyncio.to_thread(intake.embedded, console, embedded, port=port, floor=floor.__getitem__)


async def _latency(production: Ground, *, first: int) -> Found:
    found: Found = {}
    ports = free_ports(3)
    bases = [f"http://127.0.0.1:{port}" for port in ports]
    with (
        running("intake", production, port=ports[0]),
        running("dispatcher", production, port=ports[1]),
        running("notifier", production, port=ports[2], extra=WEBHOOKS),
    ):

        async def orders(watch: latency.Stopwatch) -> None:
            await _follow_orders(str(production.settings.kafka), watch)

        for rate in latency.RATES:
            found[f"PostgreSQL + Kafka, three processes, {rate} reports/s"] = await latency.measure(
                production, faults=bases[0], subscriptions=bases[2], first=first, rate=rate, orders=orders
            )
            first += latency.circuits(rate)
    return found


async def _follow_orders(kafka: str, watch: latency.Stopwatch) -> None:
    consumer = AIOKafkaConsumer(orders_topic(NETWORK), bootstrap_servers=kafka, auto_offset_reset="latest")
    await consumer.start()
    try:
        async for record in consumer:
            watch.on_topic.setdefault(record.key.decode(), latency.time.perf_counter())
    finally:
        await consumer.stop()


if __name__ == "__main__":
    names = set(sys.argv[1:]) or set(SECTIONS)
    if unknown := names - set(SECTIONS):
        sys.exit(f"no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    uvloop.run(main(names))
