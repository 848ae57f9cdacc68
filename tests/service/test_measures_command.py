"""`vrc measures recount`: what an operator types to know whether the figures are those of the log."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import main
from services.commands.prepare import prepare
from services.run import open_database
from shared.settings import Settings
from shared.testing.clock import ManualClock
from tests.histories import History


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A center's data that no center is running on, with ten tickets nobody has measured."""
    settings = Settings(data_dir=tmp_path)
    prepare(settings)

    async def live() -> None:
        database = open_database(settings)
        await History(database, ManualClock(), seed=3).live(tickets=10, steps=60)
        await database.close()

    asyncio.run(live())
    return tmp_path


def recount(folder: Path) -> Result:
    return CliRunner().invoke(main, ["measures", "recount", "--data-dir", str(folder)])


def test_recount_measures_what_was_not_and_then_finds_nothing(folder: Path) -> None:
    first, second = recount(folder), recount(folder)
    assert first.output == "10 tickets measured: 10 rows and 0 totals differed and were mended.\n"
    assert second.output == "10 tickets measured: 0 rows and 0 totals differed.\n"
    assert (first.exit_code, second.exit_code) == (1, 0)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE measures SET chases = chases + 1",
        "DELETE FROM measures",
        "DELETE FROM measured_counts",
        "UPDATE measure_totals SET n = n + 1 WHERE name = 'open'",
        "DELETE FROM measure_totals",
    ],
)
def test_recount_finds_and_mends_what_somebody_changed(folder: Path, damage: str) -> None:
    recount(folder)
    with sqlite3.connect(folder / "vrc.sqlite3") as connection:
        connection.execute(damage)
    found = recount(folder)
    assert (found.exit_code, ": 0 rows and 0 totals" in found.output) == (1, False)
    assert recount(folder).exit_code == 0


def test_recount_names_data_that_are_not_there(tmp_path: Path) -> None:
    found = recount(tmp_path / "nowhere")
    assert (found.exit_code, "name the data with --data-dir" in found.output) == (1, True)
