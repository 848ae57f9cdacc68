"""A center as its users meet it: served on loopback, on the real clock, with circuits enough for a whole country.

For the programs that play its users (simulation, replay, command line); what they do is seen over HTTP only.
"""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.commands.credentials import Credentials
from services.run import center, open_database
from shared.bus.kafka import Access
from shared.bus.kafka.access import connection
from shared.bus.rights import group_of, network_user
from shared.contracts.topics import orders_topic
from shared.db.port import Tx
from shared.ids import AccountId, CircuitId, NetworkCode
from shared.registry.model import Account, Circuit, End, Segment
from shared.registry.writing import put
from shared.settings import Settings
from shared.testing.serve import serving
from shared.testing.servers import Kafka
from tests import registry
from tests.cases import SEED
from tests.centers import UNHURRIED, Embedded, Production, Way
from tests.keys import issued, save, write_master_key
from tests.locked import Locked
from tests.people import Operator

ACCOUNTS = tuple(Account(AccountId(id), id, id, "finance", "gold") for id in ("north-bank", "south-bank"))
CODES = tuple(network.code for network in registry.NETWORKS)
CIRCUITS = 40
KEYS = (
    issued("operator", "country"),
    *(issued("account", account.id) for account in ACCOUNTS),
    *(issued("network", code) for code in CODES),
)


def _keys(role: str) -> dict[str, str]:
    return {key.terms.subject: key.key for key in KEYS if key.terms.role == role}


CREDENTIALS = Credentials(_keys("operator")["country"], _keys("account"), _keys("network"))


def circuits() -> Iterator[Circuit]:
    """Between all pairs of networks by turns, through a third, some with a tail of somebody else's."""
    for number in range(CIRCUITS):
        a, z, middle = (CODES[(number * step + step) % len(CODES)] for step in (1, 2, 4))
        tail = [Segment("z-tail", "third-party", "z", party="partner")] if number % 5 == 0 else []
        yield Circuit(
            CircuitId(f"C-{number:03d}"), ACCOUNTS[number % len(ACCOUNTS)].id, "ip-vpn", 100, False,
            End(a, "here"), End(z, "there"),
            (Segment("a-access", "access", "a", a), Segment("backbone-1", "backbone", None, middle),
             Segment("z-metro", "metro", "z", z), *tail),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Country:
    """`url` is where the center is served; `operator` looks at everything; `page` is what Prometheus would scrape."""

    url: str
    settings: Settings
    operator: Operator
    page: Callable[[], Awaitable[bytes]]

    @property
    def kafka(self) -> str | None:
        return self.settings.kafka

    def write_credentials(self, folder: Path) -> Path:
        file = folder / "credentials.json"
        keys = CREDENTIALS
        found = {"operator": keys.operator, "accounts": dict(keys.accounts), "networks": dict(keys.networks)}
        file.write_text(json.dumps(found))
        return file

    async def tickets(self) -> list[dict[str, Any]]:
        return await self.operator.items("/v1/tickets", limit=200)


@asynccontextmanager
async def country(way: Way) -> AsyncIterator[Country]:
    await way.begin()
    await _fill(way.settings)
    async with center(way.settings) as running, serving(running.app) as url:
        async with httpx.AsyncClient(base_url=url, timeout=30) as http:
            yield Country(url, way.settings, Operator(http, CREDENTIALS.operator), running.metrics.page)
        running.end_streams()


async def _fill(settings: Settings) -> None:
    async def fill(tx: Tx) -> None:
        await put(tx, ACCOUNTS, registry.NETWORKS, circuits(), by=SEED)
        await save(tx, KEYS)

    database = open_database(settings)
    await database.transact(fill)
    await database.close()


@pytest.fixture
def embedded_land(sqlite_path: Path) -> Way:
    write_master_key(sqlite_path.parent)
    return Embedded(sqlite_path.parent)


@pytest.fixture
def production_land(postgres_dsn: str, broker: Kafka, master_key: Path) -> Way:
    return Production(postgres_dsn, broker.bootstrap, master_key)


@pytest.fixture
async def embedded_country(embedded_land: Way) -> AsyncIterator[Country]:
    async with country(embedded_land) as found:
        yield found


@pytest.fixture
async def production_country(production_land: Way) -> AsyncIterator[Country]:
    async with country(production_land) as found:
        yield found


@pytest.fixture
def locked_land(postgres_dsn: str, locked: Locked, master_key: Path) -> Way:
    way = Production(postgres_dsn, locked.kafka.bootstrap, master_key, outside=locked.kafka.admin)
    way.settings = locked.settings("vrc-center", postgres_dsn).model_copy(update=UNHURRIED)
    return way


@pytest.fixture
async def locked_country(locked_land: Way, locked: Locked) -> AsyncIterator[Country]:
    """On a locked broker, whose simulated local networks have nothing to read yet."""
    await pass_over_locked_orders(locked)
    async with country(locked_land) as found:
        yield found


async def pass_over_old_orders(
    bootstrap: str, group: str, *, codes: Sequence[NetworkCode] = CODES, access: Access | None = None
) -> None:
    """What earlier tests left on the local networks' topics is not for this group."""
    topics = [TopicPartition(orders_topic(code), 0) for code in codes]
    consumer = AIOKafkaConsumer(**connection(bootstrap, access), group_id=group, enable_auto_commit=False)
    consumer.assign(topics)
    await consumer.start()
    try:
        await consumer.commit(await consumer.end_offsets(topics))
    finally:
        await consumer.stop()


async def pass_over_locked_orders(locked: Locked) -> None:
    """The same where each simulated network has a group of its own."""
    for code in CODES:
        group, access = group_of(code, "simulated"), locked.access(network_user(code))
        await pass_over_old_orders(locked.kafka.bootstrap, group, codes=[code], access=access)
