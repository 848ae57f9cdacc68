"""What every test may ask for: a movable clock, databases (`tests.stores`), buses (`tests.buses`), real servers
(`tests.servers`), whole centers (`tests.centers`), a small HTTP door (`tests.door`)."""

import pytest

from shared.testing.clock import ManualClock

pytest_plugins = ["tests.servers", "tests.stores", "tests.buses", "tests.centers", "tests.door"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
