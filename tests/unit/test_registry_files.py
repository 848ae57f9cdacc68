"""The registry is read from CSV files whole; a line that is wrong is named."""

import shutil
from pathlib import Path

import pytest

from shared.registry.files import read_registry
from shared.registry.model import End, Segment

DATA = Path(__file__).parents[2] / "deploy" / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the demonstration's files, to be spoilt."""
    return shutil.copytree(DATA / "demo", tmp_path / "demo")


def spoil(path: Path, line: int, old: str, new: str) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    assert old in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old, new)
    path.write_text("".join(lines), encoding="utf-8")


def test_demonstration_is_read_whole(folder: Path) -> None:
    files = read_registry(DATA / "networks.csv", folder)
    assert (len(files.accounts), len(files.circuits)) == (12, 1200)
    assert len(files.networks) > 310


def test_circuit_has_its_ends_and_its_segments_in_order(folder: Path) -> None:
    circuit = next(c for c in read_registry(DATA / "networks.csv", folder).circuits if c.id == "0954-0351-WDM-0001")
    assert isinstance(circuit.a_end, End)
    assert circuit.a_end.network == "0954"
    assert [s.id for s in circuit.segments][:2] == ["a-access", "a-metro"]
    assert circuit.segment("a-access") == Segment("a-access", "access", "a", circuit.a_end.network)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [("segments.csv", "access", "acess"), ("circuits.csv", "true", "yes!"), ("circuits.csv", "true", "")],
)
def test_wrong_line_is_named_with_its_file(folder: Path, name: str, old: str, new: str) -> None:
    lines = (folder / name).read_text(encoding="utf-8").splitlines()
    line = next(number for number, text in enumerate(lines, 1) if f",{old}," in text)
    spoil(folder / name, line, f",{old},", f",{new},")
    with pytest.raises(ValueError, match=f"{name}, line {line}:"):
        read_registry(DATA / "networks.csv", folder)


def test_column_that_is_missing_is_named(folder: Path) -> None:
    spoil(folder / "accounts.csv", 1, "tier", "grade")
    with pytest.raises(ValueError, match=r"(?s)accounts.csv, line 2:.*tier"):
        read_registry(DATA / "networks.csv", folder)
