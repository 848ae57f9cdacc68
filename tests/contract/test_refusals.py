"""A network hears of each refusal until the broker has acknowledged it, and then no more, on both databases."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import count

import orjson
import pytest

from services.dispatcher.noc import store as noc
from services.dispatcher.noc.store import RefusedProgress
from services.dispatcher.refusals import TOGETHER, Refusals
from shared.bus.kafka import KafkaPublisher
from shared.contracts.topics import orders_topic
from shared.db.port import Database
from shared.errors import Unavailable
from shared.ids import NetworkCode
from shared.testing.clock import START, ManualClock
from tests.waiting import until
from tests.wire import reading

NOBODY = "127.0.0.1:9"
_codes = (NetworkCode(f"09{number}") for number in count(90))


@pytest.fixture
def network() -> NetworkCode:
    """No other test's: its topic is empty."""
    return next(_codes)


@pytest.fixture
async def publisher(bus_broker: str) -> AsyncIterator[KafkaPublisher]:
    publisher = KafkaPublisher(bus_broker)
    yield publisher
    await publisher.close()


async def refuse(store: Database, network: NetworkCode, *ids: str, at: datetime = START) -> None:
    refused = [
        RefusedProgress(
            source=f"vrc.progress.{network} /networks/{network}", id=id, network=network, order=None,
            type="vrc.progress.accepted.v1", reason="order: is required", body="{}", at=at,
        )
        for id in ids
    ]  # fmt: skip
    await store.transact(lambda tx: noc.record_refused(tx, refused))


async def heard(broker: str, network: NetworkCode, *, until_last: str) -> list[str]:
    """The refused messages that the network was told of, up to this one."""
    found: list[str] = []

    async def enough() -> bool:
        for records in (await consumer.getmany(timeout_ms=100)).values():
            found.extend(orjson.loads(record.value)["message"] for record in records)
        return until_last in found

    async with reading(broker, orders_topic(network)) as consumer:
        await until(lambda: enough())
    return found


async def test_what_the_broker_did_not_take_is_told_when_it_is_back(
    store: Database, clock: ManualClock, publisher: KafkaPublisher, bus_broker: str, network: NetworkCode
) -> None:
    await refuse(store, network, "first")
    away = Refusals(store, KafkaPublisher(NOBODY), clock)
    with pytest.raises(Unavailable):
        await away.tell()
    await Refusals(store, publisher, clock).tell()
    assert await heard(bus_broker, network, until_last="first") == ["first"]


async def test_each_is_told_once_the_oldest_first_however_many_there_are(
    store: Database, clock: ManualClock, publisher: KafkaPublisher, bus_broker: str, network: NetworkCode
) -> None:
    many = [f"{number:03}" for number in range(TOGETHER + 1)]
    await refuse(store, network, "newer", at=START + timedelta(seconds=1))
    await refuse(store, network, *many)
    refusals = Refusals(store, publisher, clock)
    await refusals.tell()
    await refuse(store, network, "last")
    await refusals.tell()
    assert await heard(bus_broker, network, until_last="last") == [*many, "newer", "last"]
