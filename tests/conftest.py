"""What every test may ask for: a movable clock, databases (`tests.stores`), real servers (`tests.servers`)."""

import pytest

from shared.testing.clock import ManualClock

pytest_plugins = ["tests.servers", "tests.stores"]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
