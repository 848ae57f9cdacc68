"""What can't be read or written is said in one line that names it, and before any work is done."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import main

HISTORY = Path(__file__).parents[1] / "data" / "incidents-30.csv"
NOWHERE = ("--url", "http://127.0.0.1:9", "--key", "any")


def run(*arguments: object) -> Result:
    """Of a command that fails; a traceback would be in `exception`."""
    told = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert isinstance(told.exception, SystemExit)
    return told


def test_statement_says_that_its_file_can_not_be_written_before_it_asks(tmp_path: Path) -> None:
    told = run("statement", "VT261121-7K3QM9XA", "-o", tmp_path / "none" / "x", *NOWHERE)
    assert told.exit_code == 2
    assert f"{tmp_path}/none/x can't be written: {tmp_path}/none is no folder; make it or name another." in told.output


def test_replay_says_that_its_file_can_not_be_written_before_it_plays(tmp_path: Path) -> None:
    told = run("replay", HISTORY, "--out", tmp_path / "none" / "x", "--credentials", tmp_path / "none.json")
    assert (told.exit_code, "/none is no folder" in told.output, "none.json" in told.output) == (2, True, False)


@pytest.mark.parametrize(
    "command", [("up",), ("migrate",), ("keys", "list"), ("break-glass", "remove"), ("audit", "anchor")], ids=" ".join
)
def test_data_directory_that_is_none_is_named(
    command: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    told = run(*command, "--data-dir", file)
    said = told.output + capfd.readouterr().err + str(told.exception)  # vrc up prepares in a process of its own
    assert told.exit_code != 0
    assert f"data_dir: {file} is no folder; name a folder that you may write in, with --data-dir" in said


def test_registry_is_not_exported_where_nothing_can_be_written(tmp_path: Path) -> None:
    CliRunner().invoke(main, ["migrate", "--data-dir", str(tmp_path)])
    told = run("registry", "export", tmp_path / "none" / "x.yaml", "--data-dir", tmp_path)
    assert (told.exit_code, told.output.startswith(f"Error: {tmp_path}/none/x.yaml can't be written")) == (1, True)


@pytest.mark.parametrize("content", [b"a = = b", b"\xff"])
def test_settings_file_that_can_not_be_read_is_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "center.toml"
    file.write_bytes(content)
    told = run("keys", "list", "--config", file)
    assert (told.exit_code, told.output.startswith(f"Error: {file} is not ")) == (1, True)


def test_anchors_that_can_not_be_read_are_named(tmp_path: Path) -> None:
    file = tmp_path / "anchors"
    file.write_bytes(b"\xff")
    told = run("audit", "verify", "--anchors", file, "--data-dir", tmp_path)
    assert (told.exit_code, f"{file} can't be read as anchors" in told.output) == (2, True)
