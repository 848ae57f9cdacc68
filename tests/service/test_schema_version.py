"""A service starts on the schema that it was written for, or on a newer one; else it says what to run."""

import asyncio
import logging
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import main
from services.run import BadSettings, center
from shared.db.migrate import migrate
from shared.db.version import newest
from shared.secrets import make
from shared.settings import Settings
from shared.testing.process import free_ports
from shared.testing.servers import Postgres

NAME = "versions"
VRC = Path(sys.executable).with_name("vrc")


@pytest.fixture
def settings(postgres: Postgres, tmp_path: Path) -> Iterator[Settings]:
    """Of an empty database, and of a broker that is away."""
    make(tmp_path / "master.key")
    dsn = postgres.create_database(NAME)
    yield Settings(database=dsn, kafka="127.0.0.1:1", master_key=tmp_path / "master.key", data_dir=tmp_path)
    postgres.drop_database(NAME)


async def start(settings: Settings) -> None:
    async with center(settings, services=("intake",)):
        pass


def at(version: str) -> str:
    return f"UPDATE vrc_schema SET version_num = '{version}'"


async def test_empty_database_is_told_to_be_migrated(settings: Settings) -> None:
    with pytest.raises(BadSettings, match="it is empty; make its tables with: vrc migrate"):
        await start(settings)


async def test_older_database_is_told_to_be_migrated(settings: Settings, postgres: Postgres) -> None:
    await asyncio.to_thread(migrate, settings.database_url)
    postgres.sql(at("0015"), database=NAME)
    with pytest.raises(BadSettings, match=rf"at version 0015, this program needs {newest()}; run: vrc migrate"):
        await start(settings)


async def test_newer_database_is_one_that_is_being_rolled_out(
    settings: Settings, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(migrate, settings.database_url)
    postgres.sql(at("9999"), database=NAME)
    with caplog.at_level(logging.WARNING):
        await start(settings)
    assert "version 9999, newer than this program" in caplog.text


def migrating(settings: Settings, **changed: str) -> Result:
    flags = settings.model_copy(update=changed).model_dump(include={"database", "kafka", "master_key", "data_dir"})
    flags |= {key: value for key, value in changed.items() if key == "database_owner"}
    named = [text for key, value in flags.items() for text in (f"--{key.replace('_', '-')}", str(value))]
    return CliRunner().invoke(main, ["migrate", *named])


def test_migrating_says_what_it_did(settings: Settings) -> None:
    first, again = migrating(settings), migrating(settings)
    assert first.output == f"The database is at version {newest()}; it was empty.\n"
    assert again.output == f"The database is at version {newest()}; it was so before.\n"


def test_database_that_is_newer_is_not_migrated(settings: Settings, postgres: Postgres) -> None:
    assert migrating(settings).exit_code == 0
    postgres.sql(at("9999"), database=NAME)
    assert "it is newer than this program" in migrating(settings).output


def test_database_that_is_not_there_is_named(settings: Settings, postgres: Postgres) -> None:
    elsewhere = postgres.dsn("nowhere")
    for told in (migrating(settings, database=elsewhere), migrating(settings, database_owner=elsewhere)):
        assert (told.exit_code, 'database "nowhere" does not exist' in told.output) == (1, True)


def test_login_that_may_make_no_tables_is_told_who_may(settings: Settings, postgres: Postgres) -> None:
    assert "as database_owner (VRC_DATABASE_OWNER)" in migrating(settings, database=postgres.service_dsn(NAME)).output


async def test_service_says_which_database_does_not_let_it_in(settings: Settings, postgres: Postgres) -> None:
    with pytest.raises(BadSettings, match='database: PostgreSQL does not let the center in: database "nowhere"'):
        await start(settings.model_copy(update={"database": postgres.dsn("nowhere")}))


def test_service_that_waits_for_its_database_ends_when_it_is_told_to(settings: Settings, tmp_path: Path) -> None:
    (nobody,) = free_ports(1)
    waiting = subprocess.Popen(
        [VRC, "intake", "--database", f"postgresql://vrc@127.0.0.1:{nobody}/vrc", "--kafka", "127.0.0.1:1",
         "--master-key", str(settings.master_key), "--data-dir", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    assert waiting.stdout
    while "waiting for the database" not in waiting.stdout.readline():
        assert waiting.poll() is None
    waiting.send_signal(signal.SIGTERM)
    told, _ = waiting.communicate(timeout=5)
    assert (waiting.returncode, told.splitlines()[-1]) == (0, "Stopped before it had started.")
