"""What the notifier's contract tests ask for: a notifier over either database, tickets to tell of, a receiver."""

from collections.abc import AsyncIterator

import pytest

from shared.db.port import Database
from shared.testing.clock import ManualClock
from shared.testing.receiver import Receiver
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
