"""PostgreSQL itself keeps tenants apart: a query that forgot whose rows it may show gets no others."""

import asyncio
import importlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select, text

from services.notifier.tables import attempts, dead_letters, feed, feed_marks, lanes, notices, subscriptions
from services.run import BadSettings, center
from shared.auth.permissions import Role
from shared.auth.principal import Principal
from shared.auth.reading import reader_for
from shared.auth.tables import api_keys
from shared.db import walls
from shared.db.migrate import migrate
from shared.db.port import Tx
from shared.db.postgres import PostgresDatabase
from shared.db.schema import inbox, metadata
from shared.db.statement import BulkInsert, Query
from shared.registry.tables import accounts, circuits
from shared.registry.writing import put
from shared.settings import Settings
from shared.testing.postgres import SERVICE
from shared.testing.servers import Postgres
from shared.tickets.tables import ticket_log, tickets
from tests import registry
from tests.cases import SEED
from tests.contract.test_schema import OWNERS
from tests.registry import BANK, GRID
from tests.stores import STORE

EVERY_TICKET = Query(select(tickets.c.account))
OF_THE_CENTER = (api_keys, inbox, lanes, notices)
PUT_TICKETS = BulkInsert(
    tickets, ("id", "account", "circuit", "status", "impact", "opened_at", "updated_at", "head", "state")
)
for owner_of_tables in OWNERS:
    importlib.import_module(owner_of_tables)
NAMES_A_TENANT = {"account", "accounts", "subscription", "ticket", "circuit", "subject", "parent"}


def ticket_row(account: str) -> tuple[Any, ...]:
    return (f"VT-{account}", account, f"circuit of {account}", "acknowledged", "down", 1, 1, b"", "{}")


@pytest.fixture
async def two_tenants(postgres_store: PostgresDatabase) -> PostgresDatabase:
    """A ticket, its log, its place in the feed and a subscription of each of two accounts."""

    async def fill(tx: Tx) -> None:
        await put(tx, registry.ACCOUNTS, (), registry.CIRCUITS, by=SEED)
        for account in (GRID, BANK):
            await tx.insert(PUT_TICKETS, [ticket_row(account)])
            ticket = f"VT-{account}"
            await tx.raw.execute(
                "INSERT INTO ticket_log VALUES ($1, 1, 1, 'reported', 'me', $2, 'acknowledged', '{}', '')",
                ticket,
                account,
            )
            await tx.raw.execute("INSERT INTO feed (ticket, seq, account, at) VALUES ($1, 1, $2, 1)", ticket, account)
            await tx.raw.execute("INSERT INTO feed_marks VALUES ($1, 1)", ticket)
            await tx.raw.execute("INSERT INTO subscriptions VALUES ($1, $2, 'u', 's', 1)", ticket, account)
            await tx.raw.execute("INSERT INTO dead_letters VALUES ($1, $1, 1, 'timeout', 19, 1)", ticket)
            await tx.raw.execute(
                "INSERT INTO attempts (subscription, ticket, seq, upto, attempt, run, at, took_ms, outcome, reason,"
                " answer, reference) VALUES ($1, $1, 1, 1, 1, '', 1, 1, 'retry', 'timeout', '', '')",
                ticket,
            )
            await tx.raw.execute("INSERT INTO lanes VALUES ($1, $1, 0, 1, 0, 1)", ticket)

    await postgres_store.transact(fill)
    return postgres_store


@pytest.fixture
async def anybody(postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """Who has the services' password and no more."""
    connection = await asyncpg.connect(postgres_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def owner(postgres: Postgres, postgres_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres.dsn(STORE))
    yield connection
    await connection.close()


@pytest.mark.parametrize("table", [tickets, ticket_log, circuits, subscriptions, feed], ids=lambda table: table.name)
async def test_query_without_a_condition_shows_only_the_scopes_accounts(
    two_tenants: PostgresDatabase, table: Any
) -> None:
    rows = await two_tenants.within([GRID]).fetch(Query(select(table)))
    assert {row["account"] for row in rows} == {GRID}


async def test_scope_may_hold_several_accounts(two_tenants: PostgresDatabase) -> None:
    assert {row[0] for row in await two_tenants.within([GRID, BANK]).fetch(EVERY_TICKET)} == {GRID, BANK}
    assert {row[0] for row in await two_tenants.within([]).fetch(EVERY_TICKET)} == set()


@pytest.mark.parametrize("role", ["account", "link"])
async def test_what_a_tenant_or_a_link_reads_through_keeps_it_to_its_accounts(
    two_tenants: PostgresDatabase, role: Role
) -> None:
    caller = Principal(role, GRID, reads=frozenset({GRID}))
    assert {row[0] for row in await reader_for(caller, two_tenants).fetch(EVERY_TICKET)} == {GRID}


def test_account_that_would_read_as_several_gets_no_scope() -> None:
    with pytest.raises(ValueError, match="comma"):
        walls.signed([f"{GRID},{BANK}"], b"seal")


async def test_account_and_marks_of_others_are_not_shown(two_tenants: PostgresDatabase) -> None:
    reader = two_tenants.within([BANK])
    assert [row["id"] for row in await reader.fetch(Query(select(accounts)))] == [BANK]
    assert [row["ticket"] for row in await reader.fetch(Query(select(feed_marks)))] == [f"VT-{BANK}"]


@pytest.mark.parametrize("table", [attempts, dead_letters], ids=lambda table: table.name)
async def test_what_became_of_deliveries_is_shown_to_whom_the_subscription_is(
    two_tenants: PostgresDatabase, table: Any
) -> None:
    rows = await two_tenants.within([GRID]).fetch(Query(select(table)))
    assert [row["subscription"] for row in rows] == [f"VT-{GRID}"]


@pytest.fixture
async def alarmed_scope(owner: asyncpg.Connection) -> AsyncIterator[None]:
    """Whoever asks for the scope gets an error."""
    await owner.execute("""
        CREATE OR REPLACE FUNCTION vrc_scope() RETURNS text[] LANGUAGE plpgsql STABLE SECURITY DEFINER
        SET search_path = pg_catalog, pg_temp AS $$ BEGIN RAISE 'asked'; END $$""")
    yield
    await owner.execute(walls.SCOPE)


async def test_center_never_asks_for_a_tenants_scope(two_tenants: PostgresDatabase, alarmed_scope: None) -> None:
    """A tenant's condition may look at another table for each row: the center's statements do without."""
    with pytest.raises(asyncpg.RaiseError, match="asked"):
        await two_tenants.within([GRID]).fetch(EVERY_TICKET)
    for table in (tickets, ticket_log, accounts, circuits, subscriptions, feed, feed_marks, attempts, dead_letters):
        assert await two_tenants.fetch(Query(select(table))), table.name

    async def change(tx: Tx) -> None:
        await tx.raw.execute("UPDATE tickets SET status = 'inProgress'")
        await tx.raw.execute("INSERT INTO feed_marks VALUES ($1, 2) ON CONFLICT (ticket) DO UPDATE SET seq = 2", "VT-1")

    await two_tenants.transact(change)


@pytest.mark.parametrize("table", OF_THE_CENTER, ids=lambda table: table.name)
async def test_what_is_the_centers_alone_no_tenant_sees(two_tenants: PostgresDatabase, table: Any) -> None:
    assert await two_tenants.within([GRID, BANK]).fetch(Query(select(table))) == []


async def test_scope_only_gets_narrower(two_tenants: PostgresDatabase) -> None:
    assert await two_tenants.within([GRID]).within([BANK]).fetch(EVERY_TICKET) == []


@pytest.mark.parametrize("scope", ["*", BANK, f"{GRID},{BANK}", "0" * 64 + f" {BANK}", ""])
async def test_statement_inside_cannot_widen_its_scope(two_tenants: PostgresDatabase, scope: str) -> None:
    """Neither for the statement after it, nor for the rest of itself."""
    reader = two_tenants.within([GRID])
    widen = f"SELECT t.account FROM (SELECT set_config('vrc.scope', '{scope}', false) OFFSET 0) s, tickets t"
    assert BANK not in {row[0] for row in await reader.fetch(Query(text(widen)))}
    assert {row[0] for row in await reader.fetch(EVERY_TICKET)} == {GRID}


async def test_signature_of_one_scope_fits_no_other(two_tenants: PostgresDatabase) -> None:
    reader = two_tenants.within([GRID])
    widen = f"set_config('vrc.scope', replace(current_setting('vrc.scope'), '{GRID}', '{GRID},{BANK}'), false)"
    rows = await reader.fetch(Query(text(f"SELECT t.account FROM (SELECT {widen} OFFSET 0) s, tickets t")))
    assert BANK not in {row[0] for row in rows}


@pytest.mark.parametrize("statement", ["SELECT * FROM vrc_seal", "SELECT vrc_seal('\\x00')"])
async def test_seal_can_be_neither_read_nor_renewed(two_tenants: PostgresDatabase, statement: str) -> None:
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.DuplicateTableError)):
        await two_tenants.within([GRID]).fetch(Query(text(statement)))


@pytest.mark.parametrize(
    "statement", ["UPDATE tickets SET account = 'x' RETURNING id", "DELETE FROM feed RETURNING at"]
)
async def test_scoped_reader_changes_nothing(two_tenants: PostgresDatabase, statement: str) -> None:
    assert await two_tenants.within([GRID]).fetch(Query(text(statement))) == []


async def test_without_a_scope_nothing_is_visible(
    two_tenants: PostgresDatabase, anybody: asyncpg.Connection, owner: asyncpg.Connection
) -> None:
    for connection in (anybody, owner):
        for name in walls.WALLS:
            assert await connection.fetch(f"SELECT * FROM {name}") == []


async def test_without_a_scope_nothing_can_be_written(anybody: asyncpg.Connection, owner: asyncpg.Connection) -> None:
    for connection in (anybody, owner):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute("INSERT INTO feed_marks VALUES ('VT', 1)")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ticket_log SET data = '{}'",
        "DELETE FROM ticket_log",
        "TRUNCATE ticket_log",
        "DELETE FROM tickets",
        "ALTER TABLE tickets DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE tickets NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY mine ON tickets USING (true)",
        "CREATE TABLE mine (x int)",
        "CREATE TEMPORARY TABLE vrc_seal (seal bytea)",
        "CREATE FUNCTION vrc_scope2() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION vrc_scope() RETURNS text[] LANGUAGE sql AS 'SELECT NULL::text[]'",
        "UPDATE vrc_schema SET version_num = '0'",
        "SET ROLE vrc",
    ],
)
async def test_services_login_may_not(postgres_store: PostgresDatabase, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with postgres_store.connection() as connection:
            await connection.execute(statement)


def test_every_table_has_its_wall() -> None:
    """A new table needs a line in `shared.db.walls`: what the services may do with it, and what it shows a tenant."""
    assert set(metadata.tables) == set(walls.WALLS)


def test_every_table_that_names_a_tenant_shows_it_its_own_or_says_why_not() -> None:
    tenants = {table.name for table in metadata.tables.values() if NAMES_A_TENANT & set(table.columns.keys())}
    assert [name for name in tenants if not (wall := walls.WALLS[name]).shows and not wall.because and wall.may] == []


@pytest.fixture
def migrated(postgres: Postgres, database: str) -> str:
    """A database of the test's own, by the name of its owner's DSN."""
    name = database.rpartition("/")[2]
    migrate_with_services(postgres, name)
    return name


def migrate_with_services(postgres: Postgres, name: str) -> None:
    migrate(postgres.dsn(name), services=postgres.service_dsn(name))


def test_every_table_of_a_migrated_database_is_behind_the_wall(postgres: Postgres, migrated: str) -> None:
    bare = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
    found = postgres.sql(f"{bare} AND NOT (relrowsecurity AND relforcerowsecurity)", database=migrated)
    assert found == "vrc_schema"


@pytest.mark.parametrize(
    "damage",
    [
        "ALTER TABLE tickets DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE feed NO FORCE ROW LEVEL SECURITY",
        "CREATE POLICY everything ON tickets USING (true)",
        "GRANT ALL ON ticket_log TO vrc_service",
        "CREATE TABLE forgotten (account text)",
    ],
)
def test_migrating_again_repairs_the_wall(postgres: Postgres, migrated: str, damage: str) -> None:
    postgres.sql(damage, database=migrated)
    postgres.sql("ALTER TABLE IF EXISTS forgotten OWNER TO vrc", database=migrated)
    migrate_with_services(postgres, migrated)
    forced = "SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    assert postgres.sql(f"{forced} AND NOT relforcerowsecurity", database=migrated) == "1"
    assert postgres.sql(f"{forced} AND NOT relrowsecurity", database=migrated) == "1"
    assert postgres.sql("SELECT count(*) FROM pg_policy WHERE polname = 'everything'", database=migrated) == "0"
    allowed = "SELECT has_table_privilege('vrc_service', 'ticket_log', 'UPDATE')"
    assert postgres.sql(allowed, database=migrated) == "f"


async def test_migrating_again_waits_for_no_open_transaction(postgres: Postgres, migrated: str) -> None:
    busy = await asyncpg.connect(postgres.service_dsn(migrated), server_settings={"vrc.scope": "*"})
    async with busy.transaction():
        await busy.execute("INSERT INTO feed_marks VALUES ('VT', 1)")
        await busy.fetch("SELECT * FROM tickets")
        await asyncio.wait_for(asyncio.to_thread(migrate_with_services, postgres, migrated), 20)
    await busy.close()


def settings_for(dsn: str, master_key: Path) -> Settings:
    return Settings(database=dsn, kafka="127.0.0.1:9", master_key=master_key)  # which no loop of these centers calls


async def test_center_says_that_the_wall_stands(postgres_dsn: str, master_key: Path) -> None:
    async with center(settings_for(postgres_dsn, master_key), services=[]) as running:
        assert b"vrc_second_wall 1.0" in await running.metrics.page()


async def test_center_of_the_owner_starts_and_warns(
    postgres: Postgres, postgres_dsn: str, caplog: pytest.LogCaptureFixture, master_key: Path
) -> None:
    async with center(settings_for(postgres.dsn(STORE), master_key), services=[]) as running:
        assert b"vrc_second_wall 0.0" in await running.metrics.page()
    assert "could take the wall down" in caplog.text


@pytest.mark.parametrize("power", ["SUPERUSER", "BYPASSRLS"])
async def test_center_refuses_a_login_that_no_wall_binds(
    postgres: Postgres, postgres_dsn: str, power: str, master_key: Path
) -> None:
    postgres.sql(f"ALTER ROLE {SERVICE} {power}")
    try:
        with pytest.raises(BadSettings, match="owns nothing"):
            async with center(settings_for(postgres_dsn, master_key), services=[]):
                pass
    finally:
        postgres.sql(f"ALTER ROLE {SERVICE} NO{power}")


async def test_owners_own_center_is_held_to_scopes_too(postgres: Postgres, two_tenants: PostgresDatabase) -> None:
    """One DSN for all is weaker, an owner can take the wall down; but as long as it stands it binds him."""
    owned = PostgresDatabase(postgres.dsn(STORE))
    assert {row[0] for row in await owned.within([GRID]).fetch(EVERY_TICKET)} == {GRID}
    await owned.close()


def test_vrc_migrate_grants_the_services_what_they_need(
    postgres: Postgres, database: str, tmp_path: Path, master_key: Path
) -> None:
    name = database.rpartition("/")[2]
    dsns = {"VRC_DATABASE_OWNER": database, "VRC_DATABASE": postgres.service_dsn(name), "VRC_KAFKA": "127.0.0.1:9"}
    options = ["--data-dir", tmp_path, "--master-key", master_key, "--demo"]
    command = [sys.executable, "-m", "services.cli", "migrate", *options]
    ran = subprocess.run(command, env={**os.environ, **dsns}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert int(postgres.sql("SELECT count(*) FROM circuits", database=name)) > 1000
