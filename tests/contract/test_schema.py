"""The migrations make exactly the tables that the code declares, on both databases, whole or not at all."""

import asyncio
import importlib
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import create_async_engine

from services.dispatcher.projection import ISSUES, ORDER_MOVES
from shared.bus.relay import LOCK_KEY
from shared.db.migrate import migrate
from shared.db.schema import metadata
from shared.testing.servers import Postgres
from shared.tickets.saving import ANSWERED, CHANGED, LOGGED
from shared.tickets.store import OPENING

ROOT = Path(__file__).parents[2]
OWNERS = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for folder in ("shared", "services")
    for path in (ROOT / folder).rglob("tables.py")
)
PARTIAL = """
SELECT c.relname, pg_get_expr(i.indpred, i.indrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indpred IS NOT NULL"""

TYPES = """
SELECT t.typname, string_agg(a.attname || ' ' || replace(format_type(a.atttypid, -1), 'integer', 'int'), ', '
  ORDER BY a.attnum)
FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind = 'c' GROUP BY t.typname"""


def differences(connection: Connection) -> list[Any]:
    """What autogenerate would change; the version table is Alembic's own."""
    for owner in OWNERS:
        importlib.import_module(owner)
    options: dict[str, Any] = {
        "compare_type": True,
        "compare_server_default": connection.dialect.name == "postgresql",  # SQLite has no identity columns
        "include_name": lambda name, kind, _: kind != "table" or name != "vrc_schema",
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


async def ask(dsn: str, question: Callable[[Connection], Any]) -> Any:
    engine = create_async_engine(dsn.replace("postgresql://", "postgresql+asyncpg://"))
    async with engine.connect() as connection:
        answer = await connection.run_sync(question)
    await engine.dispose()
    return answer


def tables(path: Path) -> set[str]:
    connection = sqlite3.connect(path)
    names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return names - {"sqlite_sequence"}


def test_tables_are_declared_by_their_owners() -> None:
    assert {"shared.tickets.tables", "shared.registry.tables"} <= set(OWNERS)


def test_migrated_sqlite_is_what_the_code_declares(sqlite_path: Path) -> None:
    engine = create_engine(f"sqlite:///{sqlite_path}")
    with engine.connect() as connection:
        assert differences(connection) == []
    engine.dispose()


async def test_migrated_postgres_is_what_the_code_declares(postgres: Postgres, database: str) -> None:
    await asyncio.to_thread(migrate, database)
    assert await ask(database, differences) == []


async def test_migrated_postgres_has_the_row_types_in_which_rows_travel(database: str) -> None:
    await asyncio.to_thread(migrate, database)
    connection = await asyncpg.connect(database)
    there = dict(await connection.fetch(TYPES))
    await connection.close()
    for shape in (OPENING, CHANGED, LOGGED, ANSWERED, ISSUES, ORDER_MOVES):
        assert there[shape.name] == ", ".join(f"{name} {type_}" for name, type_ in shape.attributes.items())


def conditions() -> dict[str, tuple[str, str]]:
    """Of partial indexes, as the code declares them, with their tables: autogenerate does not compare them."""
    for owner in OWNERS:
        importlib.import_module(owner)
    return {
        str(index.name): (table.name, index.info["where"])
        for table in metadata.tables.values()
        for index in table.indexes
        if "where" in index.info
    }


def test_sqlite_has_the_partial_indexes_that_the_code_declares(sqlite_path: Path) -> None:
    connection = sqlite3.connect(sqlite_path)
    made = dict(connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"))
    connection.close()
    assert {name: sql.partition(" WHERE ")[2] for name, sql in made.items()} == {
        name: where for name, (_, where) in conditions().items()
    }


async def test_postgres_has_the_partial_indexes_that_the_code_declares(postgres: Postgres, database: str) -> None:
    await asyncio.to_thread(migrate, database)
    connection = await asyncpg.connect(database)
    made = {row[0]: row[1] for row in await connection.fetch(PARTIAL)}
    for name, (table, where) in conditions().items():  # PostgreSQL has words of its own for the same
        await connection.execute(f"CREATE TEMP TABLE declared (LIKE {table})")
        await connection.execute(f"CREATE INDEX declared_index ON declared ((1)) WHERE {where}")
        made_so = await connection.fetchval(f"{PARTIAL} AND c.relname = 'declared_index'", column=1)
        assert (name, made.pop(name)) == (name, made_so)
        await connection.execute("DROP TABLE declared")
    await connection.close()
    assert made == {}


def test_migrating_again_changes_nothing(sqlite_path: Path) -> None:
    before = sqlite_path.read_bytes()
    migrate(f"sqlite:///{sqlite_path}")
    assert sqlite_path.read_bytes() == before


def test_migration_that_fails_half_way_leaves_sqlite_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "vrc.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE dead_letters (x)")  # what the migration is going to make last
    connection.close()
    with pytest.raises(OperationalError, match="dead_letters"):
        migrate(f"sqlite:///{path}")
    assert tables(path) == {"dead_letters"}


async def test_two_migrators_at_once_both_end_well(database: str) -> None:
    await asyncio.gather(*(asyncio.to_thread(migrate, database) for _ in range(2)))
    assert await ask(database, differences) == []


async def test_migrating_does_not_wait_for_the_relay_that_leads(database: str) -> None:
    leader = await asyncpg.connect(database)
    await leader.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
    migrating = threading.Thread(target=migrate, args=(database,), daemon=True)
    migrating.start()
    await asyncio.to_thread(migrating.join, 20)
    assert not migrating.is_alive()
    await leader.close()


async def test_dsn_may_hold_what_the_driver_understands(database: str) -> None:
    await asyncio.to_thread(migrate, database.replace("postgresql://", "postgres://") + "?sslmode=disable")
    assert await ask(database, differences) == []


def test_rows_of_the_log_are_numbered_in_the_order_of_their_commits(sqlite_path: Path) -> None:
    """The embedded bus walks them by rowid: a table WITHOUT ROWID, or one whose rows are deleted, would break it."""
    connection = sqlite3.connect(sqlite_path)
    (made,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'ticket_log'").fetchone()
    connection.close()
    assert "ROWID" not in made.upper()
