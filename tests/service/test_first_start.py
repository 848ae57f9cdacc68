"""What somebody sees who starts the center for the first time: `make up`, and the command that it prints."""

import json
import shlex
import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from services.commands import serve
from services.run import ALL
from tests.centers import House, key_of
from tests.registry import GRID

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("given", "simulates"), [("", False), ("0", False), ("1", True)])
def test_make_up_simulates_when_it_is_told_to(given: str, simulates: bool) -> None:
    told = subprocess.run(
        ["make", "--dry-run", "up", f"DEMO={given}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ("--demo-rate" in told.stdout) is simulates


async def test_printed_command_reports_anew_each_time_it_is_printed(
    embedded: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "credentials.json").write_text(json.dumps({"accounts": {GRID: key_of("account", GRID)}}))
    answers = []
    for _ in range(2):
        await serve._say_where(embedded.center, 8080, 9464, ALL, tmp_path / "credentials.json")
        printed = capsys.readouterr().out.partition("Report a fault:")[2]
        _, _, url, *given = shlex.split(printed.replace("\\\n", ""))
        headers = [value.split(": ") for flag, value in pairwise(given) if flag == "-H"]
        assert url == "http://127.0.0.1:8080/v1/faults"
        answers.append(await embedded.http.post("/v1/faults", content=given[-1], headers=dict(headers)))
    assert [answer.status_code for answer in answers] == [201, 200]
