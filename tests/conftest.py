"""What every test may ask for: a movable clock, databases (`tests.stores`), buses (`tests.buses`), real servers
(`tests.servers`), whole centers (`tests.centers`), a locked Kafka (`tests.locked`), a small HTTP door (`tests.door`),
a center whose operators sign in with a real OpenID provider (`tests.openid`)."""

import pytest
from hypothesis import settings

from shared.testing.clock import ManualClock

pytest_plugins = [
    "tests.servers",
    "tests.stores",
    "tests.buses",
    "tests.centers",
    "tests.locked",
    "tests.country",
    "tests.door",
    "tests.openid",
]

settings.register_profile("center", deadline=None)  # how long an example takes says more of the machine than of us
settings.load_profile("center")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()
