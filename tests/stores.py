"""Databases for tests: SQLite and PostgreSQL, migrated once in a run and copied for each test that wants one."""

import shutil
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from shared.db.migrate import migrate
from shared.db.port import Database
from shared.db.postgres import PostgresDatabase
from shared.db.sqlite import SqliteDatabase
from shared.testing.servers import Postgres

TEMPLATE = "vrc_template"
_numbers = count(1)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "vrc.sqlite3"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: Postgres) -> str:
    migrate(postgres.create_database(TEMPLATE))
    return TEMPLATE


@pytest.fixture
def sqlite_path(tmp_path: Path, sqlite_template: Path) -> Path:
    """A migrated SQLite file of the test's own."""
    return Path(shutil.copy(sqlite_template, tmp_path))


@pytest.fixture
def postgres_dsn(postgres: Postgres, postgres_template: str) -> Iterator[str]:
    """A migrated PostgreSQL database of the test's own."""
    name = f"store_{next(_numbers)}"
    yield postgres.create_database(name, template=postgres_template)
    postgres.drop_database(name)


@pytest.fixture
async def sqlite_store(sqlite_path: Path) -> AsyncIterator[SqliteDatabase]:
    store = SqliteDatabase(sqlite_path)
    yield store
    await store.close()


@pytest.fixture
async def postgres_store(postgres_dsn: str) -> AsyncIterator[PostgresDatabase]:
    store = PostgresDatabase(postgres_dsn)
    yield store
    await store.close()


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """An open, migrated, empty database: whoever uses this is held to the same behaviour on both."""
    database: Database
    if request.param == "sqlite":
        database = SqliteDatabase(request.getfixturevalue("sqlite_path"))
    else:
        database = PostgresDatabase(request.getfixturevalue("postgres_dsn"))
    yield database
    await database.close()
