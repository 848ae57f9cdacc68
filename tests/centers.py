"""A whole center in the test's own process, either way to run it, and the people who use it.

Databases are migrated and filled with the registry once in a run: SQLite's file is copied, what else a test left in
PostgreSQL's is deleted (a new database takes 200 ms, this 20). Topics are the broker's and stay, so the records of
earlier tests are there too: each center begins to read behind them.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from sqlalchemy import func, select

from services.run import Center, center, open_database
from shared.auth.permissions import KeyRole
from shared.bus.kafka import Access, ensure_topics
from shared.bus.kafka.access import connection
from shared.contracts.topics import TICKETS, orders_topic, progress_topic
from shared.db.migrate import migrate
from shared.db.port import Database, Tx
from shared.db.schema import bus_positions, outbox
from shared.db.statement import BulkInsert, Query
from shared.ids import NetworkCode
from shared.registry.writing import put
from shared.settings import Settings
from shared.testing.clock import ManualClock
from shared.testing.servers import Kafka, Postgres
from shared.tickets.tables import ticket_log
from tests import registry
from tests.cases import SEED
from tests.keys import issued, save, write_master_key
from tests.people import Customer, Json, LocalNetwork, Operator
from tests.waiting import until

DATABASE = "center"
KEPT = "accounts, networks, circuits, api_keys, registry_version, registry_changes, vrc_schema"
EMPTY = f"""
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{DATABASE}' AND pid <> pg_backend_pid();
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> ALL ('{{{KEPT}}}'::text[])
  LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
END $$"""
PARTITIONS = 3
UNHURRIED: dict[str, Any] = {
    **{f"rate_{who}": 0 for who in ("account", "network", "operator", "link", "unknown")},
    "database_patience": timedelta(seconds=20),
}
"""A clock that stands still lets nobody in again, and a busy machine is no broken one: what hurries says so itself."""
GROUPS = {
    "vrc-dispatcher": [TopicPartition(TICKETS, n) for n in range(PARTITIONS)],
    "vrc-dispatcher-measures": [TopicPartition(TICKETS, n) for n in range(PARTITIONS)],
    "vrc-notifier": [TopicPartition(TICKETS, n) for n in range(PARTITIONS)],
    "vrc-dispatcher-progress": [TopicPartition(progress_topic(n.code), 0) for n in registry.NETWORKS],
}
KEYS = {
    (key.terms.role, key.terms.subject): key
    for key in (
        issued("operator", "noc"),
        *(issued("account", account.id) for account in registry.ACCOUNTS),
        *(issued("network", network.code) for network in registry.NETWORKS),
    )
}
HEARD = Query(select(func.max(bus_positions.c.position).label("n")).where(bus_positions.c.consumer == "dispatcher"))
RECORDED = Query(select(func.count().label("n")).select_from(ticket_log))
UNPUBLISHED = Query(select(func.count().label("n")).select_from(outbox))
REWIND = BulkInsert(bus_positions, ("consumer", "position"), conflict="(consumer) DO UPDATE SET position = 0")


class Way(Protocol):
    """One way to run the center."""

    settings: Settings

    async def begin(self) -> None:
        """Before the center starts: what earlier tests left behind is passed over."""

    async def all_heard(self, database: Database) -> None:
        """Returns when everything that happened so far has been dealt with."""

    async def rewind(self) -> None:
        """While the center is stopped: everything that ever happened is to be delivered once more."""


class Embedded:
    def __init__(self, folder: Path) -> None:
        self.settings = Settings(data_dir=folder, **UNHURRIED)

    async def begin(self) -> None:
        return None

    async def all_heard(self, database: Database) -> None:
        await until(lambda: self._has_heard(database))

    async def rewind(self) -> None:
        async def rewind(tx: Tx) -> None:
            await tx.insert(REWIND, [("dispatcher", 0)])

        database = open_database(self.settings)
        await database.transact(rewind)
        await database.close()

    async def _has_heard(self, database: Database) -> bool:
        return (await _number(database, HEARD)) == await _number(database, RECORDED)


class Production:
    """PostgreSQL and Kafka, real ones."""

    def __init__(self, dsn: str, bootstrap: str, master_key: Path, *, outside: Access | None = None) -> None:
        """`outside` is who looks at the groups of a locked broker."""
        self.settings = Settings(database=dsn, kafka=bootstrap, master_key=master_key, **UNHURRIED)
        self._connection = connection(bootstrap, outside)
        self._began: dict[str, dict[TopicPartition, int]] = {}

    async def begin(self) -> None:
        for group in GROUPS:
            async with self._member(group) as consumer:
                self._began[group] = await consumer.end_offsets(GROUPS[group])
                await consumer.commit(self._began[group])

    async def all_heard(self, database: Database) -> None:
        for group in ("vrc-dispatcher-progress", "vrc-dispatcher", "vrc-notifier"):
            async with self._member(group) as consumer:
                await until(lambda group=group, consumer=consumer: self._all_read(group, consumer, database))

    async def rewind(self) -> None:
        for group, began in self._began.items():
            async with self._member(group) as consumer:
                await consumer.commit(began)

    @asynccontextmanager
    async def _member(self, group: str) -> AsyncIterator[AIOKafkaConsumer]:
        """Looks at a group's offsets from outside, without taking part in it."""
        consumer = AIOKafkaConsumer(**self._connection, group_id=group, enable_auto_commit=False)
        consumer.assign(GROUPS[group])
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def _all_read(self, group: str, consumer: AIOKafkaConsumer, database: Database) -> bool:
        if await _number(database, UNPUBLISHED):
            return False
        ends = await consumer.end_offsets(GROUPS[group])
        return [await consumer.committed(partition) for partition in ends] == list(ends.values())


async def _number(database: Database, query: Query) -> int:
    return int((await database.fetch(query))[0]["n"] or 0)


class House:
    """A running center with all services and its users; `customer` is Huawang Power, `bank` the other account."""

    def __init__(self, way: Way, clock: ManualClock) -> None:
        self.way = way
        self.clock = clock
        self.center: Center
        self._exit = AsyncExitStack()
        transport = httpx.ASGITransport(self._app)
        self.http = httpx.AsyncClient(transport=transport, base_url="http://center", timeout=30)
        self.customer = Customer(self.http, key_of("account", registry.GRID))
        self.bank = Customer(self.http, key_of("account", registry.BANK))
        self.operator = Operator(self.http, key_of("operator", "noc"))
        self.nobody = Customer(self.http, None)

    def network(self, code: NetworkCode) -> LocalNetwork:
        return LocalNetwork(self.http, key_of("network", code), code)

    async def start(self) -> None:
        self.center = await self._exit.enter_async_context(center(self.way.settings, clock=self.clock))

    async def stop(self) -> None:
        await self._exit.aclose()

    async def hear_everything_again(self) -> None:
        """As after a crash before any position was written, and then until all of it is dealt with."""
        await self.stop()
        await self.way.rewind()
        await self.start()
        await self.all_heard()

    async def all_heard(self) -> None:
        await self.way.all_heard(self.center.database)

    async def ordered(self, ticket: str, *networks: NetworkCode) -> Json:
        """The ticket, as soon as exactly these networks have a live order."""
        await until(lambda: self._is_ordered(ticket, networks))
        return await self.operator.ticket(ticket)

    async def report(self, circuit: str, *networks: NetworkCode, **fields: Any) -> str:
        """The customer reports a fault and these networks are ordered: the ticket's id."""
        ticket = await self.customer.report(circuit, **fields)
        await self.ordered(ticket, *networks)
        return ticket

    async def accepted(self, circuit: str, *networks: NetworkCode, **fields: Any) -> str:
        """Reported, ordered, and accepted by each of these networks: the ticket's id."""
        ticket = await self.report(circuit, *networks, **fields)
        for code in networks:
            await self.network(code).accept(ticket)
        return ticket

    async def until_status(self, ticket: str, status: str) -> Json:
        await until(lambda: self._is(ticket, status))
        return await self.operator.ticket(ticket)

    async def _is_ordered(self, ticket: str, networks: Collection[NetworkCode]) -> bool:
        return live(await self.operator.ticket(ticket)) == sorted(networks)

    async def _is(self, ticket: str, status: str) -> bool:
        return bool((await self.operator.ticket(ticket))["status"] == status)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await self.center.app(scope, receive, send)


def key_of(role: KeyRole, subject: str) -> str:
    return KEYS[role, subject].key


def live(ticket: Json) -> list[str]:
    """The networks with a live order on the ticket, sorted."""
    return sorted(order["network"] for order in ticket["orders"] if order["state"] in ("issued", "accepted"))


def states(ticket: Json) -> dict[str, str]:
    """Network → state of its order."""
    return {order["network"]: order["state"] for order in ticket["orders"]}


@asynccontextmanager
async def house(way: Way, clock: ManualClock) -> AsyncIterator[House]:
    await way.begin()
    running = House(way, clock)
    await running.start()
    try:
        yield running
    finally:
        await running.stop()
        await running.http.aclose()


def _elsewhere(job: Callable[[], Any]) -> None:
    """Runs what makes an event loop of its own: the first test that wants the result is in one already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(job).result()


async def _seed(settings: Settings) -> None:
    async def fill(tx: Tx) -> None:
        await put(tx, registry.ACCOUNTS, registry.NETWORKS, registry.CIRCUITS, by=SEED)
        await save(tx, KEYS.values())

    database = open_database(settings)
    await database.transact(fill)
    await database.close()


@pytest.fixture(scope="session")
def seeded_folder(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Path:
    folder = tmp_path_factory.mktemp("seeded")
    shutil.copy(sqlite_template, folder)
    write_master_key(folder)
    _elsewhere(lambda: asyncio.run(_seed(Settings(data_dir=folder))))
    return folder


@pytest.fixture(scope="session")
def seeded_database(postgres: Postgres) -> str:
    """The services' DSN: they own nothing here, as in production."""
    owner, services = postgres.create_database(DATABASE), postgres.service_dsn(DATABASE)
    _elsewhere(lambda: migrate(owner, services=services))
    _elsewhere(lambda: asyncio.run(_seed(Settings(database=services))))
    return services


@pytest.fixture(scope="session")
def master_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_master_key(tmp_path_factory.mktemp("secret"))


@pytest.fixture(scope="session")
def broker(kafka: Kafka) -> Kafka:
    """Kafka with the topics that the center writes and reads."""
    topics = {TICKETS: PARTITIONS}
    for network in registry.NETWORKS:
        topics |= {orders_topic(network.code): 1, progress_topic(network.code): 1}
    _elsewhere(lambda: asyncio.run(ensure_topics(kafka.bootstrap, topics, replication=1)))
    return kafka


@pytest.fixture
def embedded_way(tmp_path: Path, seeded_folder: Path) -> Embedded:
    return Embedded(Path(shutil.copytree(seeded_folder, tmp_path / "var")))


@pytest.fixture
def production_way(postgres: Postgres, seeded_database: str, broker: Kafka, master_key: Path) -> Iterator[Production]:
    yield Production(seeded_database, broker.bootstrap, master_key)
    postgres.sql(EMPTY, database=DATABASE)


@pytest.fixture
async def embedded(embedded_way: Embedded, clock: ManualClock) -> AsyncIterator[House]:
    async with house(embedded_way, clock) as running:
        yield running


@pytest.fixture
async def production(production_way: Production, clock: ManualClock) -> AsyncIterator[House]:
    async with house(production_way, clock) as running:
        yield running


@pytest.fixture(params=["embedded", "production"])
async def any_center(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[House]:
    """Whoever uses this holds for both ways to run the center."""
    way: Way = request.getfixturevalue(f"{request.param}_way")
    async with house(way, clock) as running:
        yield running
