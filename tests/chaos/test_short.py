"""The chaos run in short, for every change; `make chaos` runs it in full."""

import ast
from pathlib import Path

import pytest

from shared.testing.servers import Kafka, Postgres
from tests.chaos.scenes import Run, embedded, production

SEED = 47
VICTIMS = ("notifier", "intake", "notifier", "broker", "dispatcher", "notifier")
HERE = Path(__file__).parent
OUTSIDE = [HERE / "check.py", *sorted((HERE / "outside").glob("*.py"))]


@pytest.fixture
def run() -> Run:
    return Run.seeded(SEED, rate=20, say=print)


async def test_embedded_center_killed_five_times_keeps_its_promises(run: Run) -> None:
    verdict = await embedded(5, run)
    assert verdict.kept, verdict.table("embedded")


async def test_killed_services_and_a_killed_broker_keep_their_promises(run: Run, postgres: Postgres) -> None:
    """The notifier is killed in mid-delivery: all arrives nevertheless, in order, under one name."""
    with Kafka(quick_start=True) as kafka:
        verdict = await production(VICTIMS, run, postgres=postgres, kafka=kafka, aimed=True)
    assert verdict.kept, verdict.table("services and broker")
    assert verdict.counts["cut off by a kill"] > 0


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: path.name)
def test_check_imports_no_product_code(path: Path) -> None:
    imports = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [node.module or "" for node in imports if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names]
    assert not [name for name in names if name.split(".")[0] in ("services", "shared")]
    assert not [name for name in names if name.startswith("tests.") and not name.startswith("tests.chaos.outside")]
