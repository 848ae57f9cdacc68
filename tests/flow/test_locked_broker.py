"""A whole center on a broker that denies by default: each service with its own user, each network with its own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from services.run import ALL, center
from shared.bus.kafka import KafkaPublisher
from shared.bus.rights import group_of, network_user
from shared.contracts.topics import orders_topic
from shared.db.port import Database
from shared.errors import Unavailable
from shared.ids import NetworkCode
from shared.testing.clock import ManualClock
from shared.testing.servers import Postgres
from tests import registry
from tests.centers import DATABASE, EMPTY, Production, key_of
from tests.locked import Locked
from tests.people import Customer, Operator
from tests.registry import BEIJING, CHUXIONG, FAR
from tests.waiting import until
from tests.wire import progress


class LockedCenter:
    """Its customer and operator over HTTP, its networks over Kafka."""

    def __init__(self, locked: Locked, way: Production, http: httpx.AsyncClient, database: Database) -> None:
        self.locked = locked
        self.customer = Customer(http, key_of("account", registry.GRID))
        self.operator = Operator(http, key_of("operator", "noc"))
        self._way = way
        self._database = database

    async def say(self, by: NetworkCode, of: NetworkCode, name: str, ticket: str, **said: str) -> None:
        """One network, with its credentials, on the topic of one."""
        publisher = KafkaPublisher(self.locked.kafka.bootstrap, access=self.locked.access(network_user(by)))
        try:
            await publisher.publish([progress(of, name, f"{ticket}.{of}", **said)])
        finally:
            await publisher.close()

    async def ordered(self, network: NetworkCode, ticket: str) -> None:
        """Returns when the network has read its order, with its own client and group."""
        await until(lambda: self._has_read(network, f"{ticket}.{network}".encode()), timeout_s=30)

    async def _has_read(self, network: NetworkCode, order: bytes) -> bool:
        user = network_user(network)
        read = await self.locked.client(user).read(orders_topic(network), group_of(network, "center"))
        return any(order in value for value in read)

    async def all_heard(self) -> None:
        await self._way.all_heard(self._database)

    async def until_status(self, ticket: str, status: str) -> None:
        await until(lambda: self._is(ticket, status), timeout_s=30)

    async def _is(self, ticket: str, status: str) -> bool:
        return bool((await self.operator.ticket(ticket))["status"] == status)


@pytest.fixture
async def locked_center(
    locked: Locked, seeded_database: str, postgres: Postgres, master_key: Path, clock: ManualClock
) -> AsyncIterator[LockedCenter]:
    """Each service as if it were a process of its own, with its own user."""
    way = Production(seeded_database, locked.kafka.bootstrap, master_key, outside=locked.kafka.admin)
    await way.begin()
    async with AsyncExitStack() as stack:
        intake, *_ = [
            await stack.enter_async_context(
                center(locked.settings(f"vrc-{name}", seeded_database), services=[name], clock=clock)
            )
            for name in ALL
        ]
        transport = httpx.ASGITransport(intake.app)
        http = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://center"))
        yield LockedCenter(locked, way, http, intake.database)
    postgres.sql(EMPTY, database=DATABASE)


async def test_fault_is_repaired_over_kafka_with_nobody_having_a_right_too_many(locked_center: LockedCenter) -> None:
    ticket = await locked_center.customer.report(FAR)
    await locked_center.ordered(CHUXIONG, ticket)
    await locked_center.ordered(BEIJING, ticket)
    await locked_center.say(CHUXIONG, CHUXIONG, "accepted", ticket, engineer="Li Na")
    await locked_center.say(CHUXIONG, CHUXIONG, "restored", ticket, cause="fibre", remedy="spliced")
    await locked_center.until_status(ticket, "resolved")
    assert "ticket.restored" in await locked_center.operator.facts(ticket)
    await locked_center.all_heard()  # by the notifier too


async def test_network_can_not_speak_for_another(locked_center: LockedCenter) -> None:
    ticket = await locked_center.customer.report(FAR)
    await locked_center.ordered(BEIJING, ticket)
    with pytest.raises(Unavailable, match="TopicAuthorizationFailed"):
        await locked_center.say(CHUXIONG, BEIJING, "accepted", ticket)
    await locked_center.say(BEIJING, BEIJING, "accepted", ticket)
    await locked_center.until_status(ticket, "inProgress")
    assert (await locked_center.operator.facts(ticket)).count("order.accepted") == 1


async def test_center_with_a_password_file_that_is_missing_does_not_start(locked: Locked, seeded_database: str) -> None:
    settings = locked.settings("vrc-nobody", seeded_database)
    with pytest.raises(OSError, match=r"There is no password file .*vrc-nobody.password"):
        async with center(settings, services=["intake"]):
            pass
