"""A command that is told as the next step is told as this process was called."""

import sys
from pathlib import Path

import pytest

from services.commands.itself import itself


@pytest.mark.parametrize(
    ("called", "told"),
    [
        (".venv/bin/vrc", ".venv/bin/vrc watch 'a b'"),
        ("/opt/services/cli.py", f"{sys.executable} -m services.cli watch 'a b'"),
        ("/usr/bin/pytest", "vrc watch 'a b'"),
    ],
)
def test_next_command_is_called_as_this_one_was(called: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [called, "fault"])
    assert itself("watch", "a b") == told


def test_command_on_the_path_is_told_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vrc = tmp_path / "vrc"
    vrc.touch(0o700)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", [str(vrc), "fault"])
    assert itself("up", "--demo") == "vrc up --demo"
