"""Flow tests run a whole center, both ways to run it, and speak to it over Kafka too."""

from collections.abc import AsyncIterator

import pytest

from shared.testing.servers import Kafka
from tests.wire import Wire


@pytest.fixture
async def wire(broker: Kafka) -> AsyncIterator[Wire]:
    """Kafka as the local networks use it."""
    wire = Wire(broker.bootstrap)
    yield wire
    await wire.close()
