"""Real servers for the tests that want them: started on first use, one of each for the whole run.

Under pytest-xdist every worker process starts its own: nothing is shared, so a test may kill what it uses.
A test that kills or pauses one starts or resumes it again before it ends.
"""

from collections.abc import Iterator
from itertools import count

import pytest

from shared.testing.servers import Kafka, Postgres

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    with Kafka() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The DSN of a database that is new, empty and this test's own."""
    name = f"test_{next(_numbers)}"
    yield postgres.create_database(name)
    postgres.drop_database(name)
