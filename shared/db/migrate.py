"""Bring a database up to date, with Alembic; imported only when there is something to do (it costs 12 MiB)."""

import asyncio
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

SCRIPTS = Path(__file__).parent / "migrations"


def config(connection: Connection) -> Config:
    found = Config()
    found.set_main_option("script_location", str(SCRIPTS))
    found.attributes["connection"] = connection
    return found


def migrate(url: str) -> None:
    """`sqlite:///<path>` or `postgresql://…`; a database that is up to date is left alone. All or nothing."""
    if url.startswith("sqlite"):
        engine = create_engine(url)
        with engine.begin() as connection:
            _upgrade(connection)
        engine.dispose()
    else:
        asyncio.run(_migrate_postgres(url))


async def _migrate_postgres(url: str) -> None:
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as connection:
        await connection.run_sync(_lock_and_upgrade)
    await engine.dispose()


def _lock_and_upgrade(connection: Connection) -> None:
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(1448231681)")  # two migrators wait for each other
    _upgrade(connection)


def _upgrade(connection: Connection) -> Any:
    command.upgrade(config(connection), "head")
