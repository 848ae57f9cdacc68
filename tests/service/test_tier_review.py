"""`vrc tier review` on the terminal: shown, confirmed, recorded; or refused with file and line, and nothing changed."""

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from services.cli import main
from services.run import open_database
from shared.registry.writing import put
from shared.settings import Settings
from tests.cases import SEED
from tests.registry import ACCOUNTS, BANK, GRID

SCHEME = Path(__file__).parents[2] / "deploy/config/tiers/monthly.toml"


class Desk:
    """The command over a database of its own: a diamond power company, a jade bank."""

    def __init__(self, folder: Path, where: list[str]) -> None:
        self.spend = folder / "spend.csv"
        self._where = where

    async def review(self, spend: str, *more: str, answer: str | None = None) -> Result:
        self.spend.write_text(f"account,spend\n{spend}", encoding="utf-8")
        arguments = ["tier", "review", "--scheme", str(SCHEME), "--spend", str(self.spend), *more, *self._where]
        return await asyncio.to_thread(CliRunner().invoke, main, arguments, input=answer)


@pytest.fixture(params=["sqlite", "postgresql"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    if request.param == "sqlite":
        settings = Settings(data_dir=request.getfixturevalue("sqlite_path").parent)
        where = ["--data-dir", str(settings.data_dir)]
    else:
        settings = Settings(database=request.getfixturevalue("postgres_dsn"))
        where = ["--database", str(settings.database)]
    database = open_database(settings)
    await database.transact(lambda tx: put(tx, ACCOUNTS, (), (), by=SEED))
    await database.close()
    return Desk(tmp_path, where)


async def test_review_shows_the_difference_and_asks(desk: Desk) -> None:
    answer = await desk.review(f"{BANK},12000\n", answer="n\n")
    assert answer.exit_code == 0, answer.output
    assert "jade → gold" in answer.output
    assert "12,000 CNY a month is gold" in answer.output
    assert f"Not in the file: {GRID}" in answer.output
    assert "Nothing was changed." in answer.output


async def test_confirmed_review_is_applied_once(desk: Desk) -> None:
    changed = await desk.review(f"{BANK},600000\n", answer="y\n")
    assert "1 tiers changed, 1 reviews recorded by shell:" in changed.output
    again = await desk.review(f"{BANK},600000\n", "--yes")
    assert "0 tiers changed, 1 reviews recorded by shell:" in again.output
    lower = await desk.review(f"{BANK},1\n", "--as-of", "2099-01-01", "--yes")
    assert "1 tiers changed" in lower.output


@pytest.mark.parametrize(
    ("spend", "said"),
    [
        (f"{BANK},12000\n{GRID},much\n", "line 3: spend: 'much' is not a number"),
        (f"{BANK},12000\nsomebody,1\n", "line 3: account: somebody is unknown"),
    ],
)
async def test_mistake_is_named_by_line_and_nothing_is_changed(desk: Desk, spend: str, said: str) -> None:
    answer = await desk.review(spend, "--yes")
    assert answer.exit_code == 1
    assert said in answer.output
    assert "1 tiers changed" not in (await desk.review(f"{BANK},250000\n", "--yes")).output


async def test_no_database_is_said_so(tmp_path: Path) -> None:
    answer = await Desk(tmp_path, ["--data-dir", str(tmp_path / "nothing")]).review("", "--yes")
    assert (answer.exit_code, "does not exist: name the data with --data-dir" in answer.output) == (1, True)
