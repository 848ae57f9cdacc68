"""What contract tests ask for, over either database: a notifier, tickets to tell of, a receiver; a desk of orders."""

from collections.abc import AsyncIterator

import pytest

from services.dispatcher.handlers import OrderDesk
from services.dispatcher.prediction.history import History
from shared.db.port import Database
from shared.registry.following import loaded
from shared.testing.clock import ManualClock
from shared.testing.receiver import Receiver
from tests import registry
from tests.contract.test_registry import write
from tests.notifying import Notifier, Tickets, notifier


@pytest.fixture
async def happens(store: Database, clock: ManualClock) -> Tickets:
    return Tickets(store, clock)


@pytest.fixture
async def one(store: Database, clock: ManualClock) -> AsyncIterator[Notifier]:
    async with notifier(store, clock) as running:
        yield running


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


@pytest.fixture
async def desk(store: Database, clock: ManualClock) -> AsyncIterator[OrderDesk]:
    await write(store, *registry.CIRCUITS, accounts=registry.ACCOUNTS, networks=registry.NETWORKS)
    desk = OrderDesk(store, await loaded(store), clock, history=History)
    yield desk
    await desk.close()
