"""A database stays under the master key that it was made under: another, or none, is said before anything is void."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import main
from services.run import BadSettings, center
from shared.secrets import make
from shared.settings import Settings
from tests.centers import House, Production


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def started(settings: Settings) -> None:
    async def start() -> None:
        async with center(settings, services=()):
            pass

    asyncio.run(start())


@pytest.fixture
def data(seeded_folder: Path, tmp_path: Path) -> Path:
    """Of a center that was started."""
    folder = Path(shutil.copytree(seeded_folder, tmp_path / "var"))
    started(Settings(data_dir=folder))
    return folder


@pytest.fixture
def other(tmp_path: Path) -> Path:
    make(tmp_path / "other.key")
    return tmp_path / "other.key"


def changed(data: Path, statement: str) -> None:
    connection = sqlite3.connect(Settings(data_dir=data).sqlite_path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_master_key_that_is_missing_is_not_made_anew_for_data_that_need_the_old_one(data: Path) -> None:
    typo = data / "typo.key"
    with pytest.raises(BadSettings, match=r"there is no file .*typo.key, and this database was made under one that"):
        started(Settings(data_dir=data, master_key=typo))
    told = run("up", "--demo", "--data-dir", data, "--master-key", typo, "--port", 0, "--metrics-port", 0)
    assert (told.exit_code, typo.exists()) == (1, False)


def test_another_master_key_is_refused(data: Path, other: Path) -> None:
    with pytest.raises(BadSettings, match=r"other.key holds another key, .* name the file of that key with --master"):
        started(Settings(data_dir=data, master_key=other))
    listed = run("keys", "list", "--data-dir", data, "--master-key", other)
    assert (listed.exit_code, "other.key holds another key" in listed.output) == (1, True)


async def test_another_master_key_is_refused_by_separate_services(production_way: Production, other: Path) -> None:
    async with center(production_way.settings, services=("intake",)):
        pass
    changed = production_way.settings.model_copy(update={"master_key": other})
    with pytest.raises(BadSettings, match="holds another key"):
        async with center(changed, services=("notifier",)):
            pass


@pytest.mark.parametrize("missing", [True, False])
def test_database_of_before_is_known_by_its_seal(data: Path, other: Path, missing: bool) -> None:
    assert run("audit", "anchor", "--data-dir", data).exit_code == 0
    changed(data, "DELETE FROM master_key")
    if missing:
        other.unlink()
    with pytest.raises(BadSettings, match=r"other\.key"):
        started(Settings(data_dir=data, master_key=other))
    started(Settings(data_dir=data))


async def test_master_key_is_not_in_the_database(embedded: House) -> None:
    folder = embedded.center.settings.data_dir
    key = (folder / "master.key").read_bytes().strip()
    assert [path for path in folder.glob("vrc.sqlite3*") if key in path.read_bytes()] == []


def test_new_master_key_is_adopted_on_purpose_and_ends_all_api_keys(data: Path, other: Path) -> None:
    on = ("--data-dir", data, "--master-key", other)
    told = run("adopt-secret", *on)
    assert told.output.startswith(f"{other} is the master key now. ")
    started(Settings(data_dir=data, master_key=other))
    assert run("keys", "list", *on).output == "0 keys\n"
    with pytest.raises(BadSettings, match=r"master\.key holds another key"):
        started(Settings(data_dir=data))


def test_record_is_whole_after_a_new_master_key_with_both_public_keys(data: Path, other: Path) -> None:
    before, after = ("--data-dir", data), ("--data-dir", data, "--master-key", other)
    run("audit", "anchor", *before)
    run("adopt-secret", *after)
    assert run("audit", "anchor", *after).exit_code == 0
    keys = [run("audit", "key", *on).output.strip() for on in (before, after)]
    assert run("audit", "verify", *after, "--key", keys[0], "--key", keys[1]).exit_code == 0
    assert run("audit", "verify", *after).exit_code == 1
