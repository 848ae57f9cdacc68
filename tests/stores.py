"""Databases for tests, migrated once in a run: a fresh copy of the SQLite file, the one on PostgreSQL emptied."""

import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shared.db.migrate import migrate
from shared.db.port import Database
from shared.db.postgres import PostgresDatabase
from shared.db.sqlite import SqliteDatabase
from shared.testing.servers import Postgres

STORE = "store"
PATIENCE_S = 20.0  # how long a statement takes says more of the machine than of us
EMPTY = f"""
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{STORE}' AND pid <> pg_backend_pid();
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'vrc_schema'
  LOOP EXECUTE format('DELETE FROM %I', name); END LOOP;
END $$"""  # a new database for each test takes 200 ms, this 20


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "vrc.sqlite3"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_postgres(postgres: Postgres) -> str:
    """The services' DSN: they own nothing here, as in production."""
    owner, services = postgres.create_database(STORE), postgres.service_dsn(STORE)
    with ThreadPoolExecutor(1) as thread:  # it runs an event loop of its own, and the first to ask may have one
        thread.submit(migrate, owner, services=services).result()
    return services


@pytest.fixture
def sqlite_path(tmp_path: Path, sqlite_template: Path) -> Path:
    """A migrated SQLite file of the test's own."""
    return Path(shutil.copy(sqlite_template, tmp_path))


@pytest.fixture
def postgres_dsn(postgres: Postgres, migrated_postgres: str) -> Iterator[str]:
    """A migrated PostgreSQL database with nothing in it; whoever is still connected at the end is cut off."""
    yield migrated_postgres
    postgres.sql(EMPTY, database=STORE)


@pytest.fixture
async def sqlite_store(sqlite_path: Path) -> AsyncIterator[SqliteDatabase]:
    store = SqliteDatabase(sqlite_path, patience_s=PATIENCE_S)
    yield store
    await store.close()


@pytest.fixture
async def postgres_store(postgres_dsn: str) -> AsyncIterator[PostgresDatabase]:
    store = PostgresDatabase(postgres_dsn, patience_s=PATIENCE_S)
    yield store
    await store.close()


@pytest.fixture
async def hurried_store(postgres_dsn: str) -> AsyncIterator[PostgresDatabase]:
    """With the patience that ships: for what is said while PostgreSQL hangs."""
    store = PostgresDatabase(postgres_dsn)
    yield store
    await store.close()


@pytest.fixture
async def intruder(request: pytest.FixtureRequest, store: Database) -> AsyncIterator[Database]:
    """The same database as one opens it who may rewrite every row: the owner of the tables, or of the file."""
    if store.dialect == "sqlite":
        yield store
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    database = PostgresDatabase(postgres.dsn(STORE), patience_s=PATIENCE_S)
    yield database
    await database.close()


@pytest.fixture(params=["sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    """An open, migrated, empty database: whoever uses this is held to the same behaviour on both."""
    database: Database
    if request.param == "sqlite":
        database = SqliteDatabase(request.getfixturevalue("sqlite_path"), patience_s=PATIENCE_S)
    else:
        database = PostgresDatabase(request.getfixturevalue("postgres_dsn"), patience_s=PATIENCE_S)
    yield database
    await database.close()
