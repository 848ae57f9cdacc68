"""`vrc keys` and `vrc secret`: keys on the database itself; a new one goes to standard output and nothing else does."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import main
from services.run import BadSettings, center
from shared.settings import Settings
from tests.centers import KEYS, House, Production
from tests.keys import MINT, write_master_key
from tests.registry import BANK, GRID

KEY = re.compile(r"vrc_local_([0-9a-f]{12})_[0-9a-f]{64}\n")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


@pytest.fixture
def on(seeded_folder: Path, tmp_path: Path) -> list[str]:
    """The flag that names a database of the test's own."""
    return ["--data-dir", str(shutil.copytree(seeded_folder, tmp_path / "var"))]


def issued(on: list[str], *more: str) -> str:
    """The new key."""
    return run("keys", "issue", *(more or ("--account", BANK, "--scope", "tickets:read")), *on).stdout


def test_new_key_is_alone_on_standard_output(on: list[str]) -> None:
    answer = run("keys", "issue", "--account", BANK, "--scope", "tickets:read", "--label", "dashboard", *on)
    found = KEY.fullmatch(answer.stdout)
    assert found is not None
    assert f"{found[1]}  live  account beiyuan-bank: tickets:read; does not expire" in answer.stderr
    assert answer.stdout.strip() not in answer.stderr


@pytest.mark.parametrize(
    ("given", "field"),
    [
        (["--operator", "li\nkey.revoked"], "subject"),
        (["--operator", "l" * 65], "subject"),
        (["--operator", "li", "--label", "\u202ereversed"], "label"),
        (["--operator", "li", "--label", "\udcff"], "label"),
    ],
)
def test_name_or_label_that_would_deceive_a_reader_of_the_record_is_refused(
    on: list[str], given: list[str], field: str
) -> None:
    answer = run("keys", "issue", "--duty", "noc", *given, *on)
    assert (answer.exit_code, answer.stdout) == (1, "")
    assert answer.stderr.startswith(f"Error: {field}: ")


def test_list_shows_what_is_live_and_no_key(on: list[str]) -> None:
    key = issued(on)
    id = MINT.id_of(key.strip())
    run("keys", "revoke", id, *on)
    shown = run("keys", "list", "--subject", BANK, *on)
    assert (len(shown.stdout.splitlines()), id in shown.stdout) == (1, False)
    everything = run("keys", "list", "--subject", BANK, "--all", *on).stdout
    assert re.search(rf"{id}  revoked  account beiyuan-bank: tickets:read", everything)
    assert key.strip() not in everything


def test_rotation_pipes_the_successor_and_names_the_old_one(on: list[str]) -> None:
    old = MINT.id_of(issued(on, "--operator", "probe", "--duty", "noc").strip())
    answer = run("keys", "rotate", old, *on)
    assert KEY.fullmatch(answer.stdout)
    revoke = answer.stderr.partition("Revoke the old one when nobody sends it any more: vrc ")[2].split()
    assert run(*revoke).stderr == f"{old} is revoked.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["issue"], "Name one of --account, --network and --operator."),
        (["issue", "--account", "a", "--network", "010"], "Name one of --account, --network and --operator."),
        (["issue", "--account", "nobody", "--scope", "tickets:read"], "subject: is not the id of an account"),
        (["issue", "--account", GRID], "scopes: name at least one of reports:write"),
        (["issue", "--network", "010", "--duty", "noc"], "duties are not for keys of role network."),
        (["issue", "--operator", "x", "--duty", "noc", "--from", "10.0.0.1/8"], "10.0.0.1/8 has host bits set"),
        (["issue", "--operator", "x", "--duty", "noc", "--expires", "soon"], "must be an instant with a zone"),
        (["issue", "--operator", "x", "--duty", "noc", "--expires", "2020-01-01T00:00:00Z"], "lies in the past"),
        (["rotate", "0" * 12], "There is nothing here"), (["revoke", "0" * 12], "There is nothing here"),
    ],
)  # fmt: skip
def test_what_can_not_be_done_is_said_in_words(on: list[str], arguments: list[str], said: str) -> None:
    answer = run("keys", *arguments, *on)
    assert (answer.exit_code in (1, 2), answer.stdout) == (True, "")
    assert said in answer.stderr


async def test_running_embedded_center_keeps_its_database_to_itself(embedded: House) -> None:
    on = ["--data-dir", str(embedded.center.settings.data_dir)]
    answer = await asyncio.to_thread(run, "keys", "list", *on)
    assert "stop it first, or use POST and GET /v1/keys" in answer.stderr


def test_new_database_can_have_keys_before_the_center_ever_ran(tmp_path: Path) -> None:
    on = ["--data-dir", str(tmp_path / "new")]
    assert run("keys", "issue", "--operator", "first", "--duty", "administrator", *on).exit_code == 0
    assert (tmp_path / "new" / "master.key").stat().st_mode & 0o777 == 0o600


def test_secret_makes_a_master_key_once(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    made, again = run("secret", str(file)), run("secret", str(file))
    assert (made.exit_code, made.stdout, len(file.read_bytes())) == (0, "", 45)
    assert "exists and is left alone" in again.stderr


async def test_center_on_postgres_does_not_start_without_a_master_key(tmp_path: Path) -> None:
    settings = {"database": "postgresql://nowhere/x", "kafka": "127.0.0.1:9"}
    with pytest.raises(BadSettings, match=r"master_key: name the file .* make it once with: vrc secret FILE"):
        async with center(Settings.model_validate(settings)):
            pass
    with pytest.raises(BadSettings, match=r"master_key: there is no file .*none; make one with: vrc secret"):
        async with center(Settings.model_validate({**settings, "master_key": tmp_path / "none"})):
            pass


async def test_center_does_not_start_with_a_master_key_that_others_may_read(tmp_path: Path) -> None:
    write_master_key(tmp_path).chmod(0o644)
    with pytest.raises(BadSettings, match="open to others than its owner; run: chmod 600"):
        async with center(Settings(data_dir=tmp_path)):
            pass


def test_keys_work_on_postgres_too(production_way: Production) -> None:
    s = production_way.settings
    on = ["--database", str(s.database), "--kafka", str(s.kafka), "--master-key", str(s.master_key)]
    id = MINT.id_of(issued(on, "--network", "010").strip())
    shown = run("keys", "list", "--subject", "010", *on).stdout
    assert {line.split()[0] for line in shown.splitlines()} == {KEYS["network", "010"].id, id}
    run("keys", "revoke", id, *on)


@pytest.mark.parametrize(
    "command",
    [
        ["keys", "list"], ["keys", "rotate", "3f09c2a1b7d4"], ["keys", "revoke", "3f09c2a1b7d4"], ["adopt-secret"],
        ["break-glass", "remove"],
    ],
)  # fmt: skip
def test_folder_that_is_misspelled_becomes_no_center(tmp_path: Path, command: list[str]) -> None:
    answer = run(*command, "--data-dir", str(tmp_path / "vra"))
    assert (answer.exit_code, "does not exist: name the data with --data-dir" in answer.output) == (1, True)
    assert list(tmp_path.iterdir()) == []
