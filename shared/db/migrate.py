"""Bring a database up to date, with Alembic; imported only when there is something to do (it costs 12 MiB)."""

import asyncio
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine

from shared.db import walls

SCRIPTS = Path(__file__).parent / "migrations"
STANDING = """
SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced,
  ARRAY(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = c.oid) AS policies
FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
ORDER BY c.relname"""
LOCK_KEY = 0x5652_4300  # "VRC", migrations: two migrators wait for each other; the relay's is another


def config(connection: Connection) -> Config:
    found = Config()
    found.set_main_option("script_location", str(SCRIPTS))
    found.attributes["connection"] = connection
    return found


class CannotMigrate(Exception):
    """Nothing was changed; says why."""


@dataclass(frozen=True, slots=True)
class Migrated:
    """The revisions before and after; `before` is None for a database that was empty."""

    before: str | None
    after: str | None


def migrate(url: str, *, services: str | None = None) -> Migrated:
    """`sqlite:///<path>` or the owner's `postgresql://…`; what is up to date is left alone. All or nothing.

    `services` is the DSN the services use: its login is granted what they need (see `shared.db.walls`).
    Raises CannotMigrate.
    """
    if url.startswith("sqlite"):
        return _migrate_sqlite(url)
    from asyncpg import PostgresError

    try:
        return asyncio.run(_migrate_postgres(url, services))
    except (PostgresError, DBAPIError, CommandError, OSError) as error:
        raise CannotMigrate(f"The database can't be brought up to date: {_why(error)}") from error


def _why(error: Exception) -> str:
    """What it means to who runs it."""
    import asyncpg

    told = (isinstance(error, DBAPIError) and error.orig and error.orig.__cause__) or error
    match told:
        case asyncpg.InsufficientPrivilegeError():
            return f"{told}. Give a login that owns its tables as database_owner (VRC_DATABASE_OWNER)."
        case asyncpg.InvalidAuthorizationSpecificationError() | asyncpg.InvalidCatalogNameError():
            return f"{told}. Look at the user, the password and the name in database_owner, if it is set, and database."
        case CommandError():
            return "it is newer than this program. Run the program that it was made by, or one that came later."
        case OSError():
            return f"PostgreSQL does not answer ({told})."
        case _:
            return str(told)


def _migrate_sqlite(url: str) -> Migrated:
    engine = create_engine(url)
    # By itself the driver begins no transaction for DDL, and a kill half-way would leave half a schema for good.
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            return _upgrade(connection)
    finally:
        engine.dispose()


async def _migrate_postgres(url: str, services: str | None) -> Migrated:
    import asyncpg  # here, because SQLite can do without it

    login = await _login(services) if services else None

    # The driver reads the DSN itself, as it does for the center: SQLAlchemy would stumble over `?sslmode=`.
    engine = create_async_engine("postgresql+asyncpg://", async_creator=partial(asyncpg.connect, url))
    try:
        async with engine.begin() as connection:
            return await connection.run_sync(_lock_and_upgrade, login)
    finally:
        await engine.dispose()


async def _login(dsn: str) -> str:
    """The role this DSN leads to; asked, because a DSN may leave it to the environment."""
    import asyncpg

    connection = await asyncpg.connect(dsn)
    try:
        return str(await connection.fetchval("SELECT current_user"))
    finally:
        await connection.close()


def _lock_and_upgrade(connection: Connection, login: str | None) -> Migrated:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK_KEY})")
    connection.exec_driver_sql("SET LOCAL vrc.scope = '*'")  # the walls bind the owner too, and his data migrations
    migrated = _upgrade(connection)
    _put_up_walls(connection, login)
    return migrated


def _put_up_walls(connection: Connection, login: str | None) -> None:
    for function, made in walls.FUNCTIONS.items():
        connection.exec_driver_sql(made)
        connection.exec_driver_sql(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
    rows = connection.exec_driver_sql(STANDING).all()
    tables = {row.name for row in rows}
    found = [walls.Standing(row.name, row.forced, frozenset(row.policies)) for row in rows]
    for statement in walls.repairs(standing for standing in found if standing.table not in walls.NO_WALL):
        connection.exec_driver_sql(statement)
    owner, database = connection.exec_driver_sql("SELECT current_user, current_database()").one()
    if login not in (None, owner):
        for statement in walls.grants(tables, login=login, database=database):
            connection.exec_driver_sql(statement)


def _upgrade(connection: Connection) -> Migrated:
    at = MigrationContext.configure(connection, opts={"version_table": "vrc_schema"})
    before = at.get_current_revision()
    command.upgrade(config(connection), "head")
    return Migrated(before, at.get_current_revision())
