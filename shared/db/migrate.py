"""Bring a database up to date, with Alembic; imported only when there is something to do (it costs 12 MiB)."""

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine

SCRIPTS = Path(__file__).parent / "migrations"
LOCK_KEY = 0x5652_4300  # "VRC", migrations: two migrators wait for each other; the relay's is another


def config(connection: Connection) -> Config:
    found = Config()
    found.set_main_option("script_location", str(SCRIPTS))
    found.attributes["connection"] = connection
    return found


def migrate(url: str) -> None:
    """`sqlite:///<path>` or `postgresql://…`; a database that is up to date is left alone. All or nothing."""
    if url.startswith("sqlite"):
        _migrate_sqlite(url)
    else:
        asyncio.run(_migrate_postgres(url))


def _migrate_sqlite(url: str) -> None:
    engine = create_engine(url)
    # By itself the driver begins no transaction for DDL, and a kill half-way would leave half a schema for good.
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            _upgrade(connection)
    finally:
        engine.dispose()


async def _migrate_postgres(url: str) -> None:
    import asyncpg  # here, because SQLite can do without it

    # The driver reads the DSN itself, as it does for the center: SQLAlchemy would stumble over `?sslmode=`.
    engine = create_async_engine("postgresql+asyncpg://", async_creator=partial(asyncpg.connect, url))
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_lock_and_upgrade)
    finally:
        await engine.dispose()


def _lock_and_upgrade(connection: Connection) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")
    _upgrade(connection)


def _upgrade(connection: Connection) -> Any:
    command.upgrade(config(connection), "head")
