"""The shape of the house, checked by machine: who may import whom, who reads the clock, what is made at import."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp
import pytest

from tests.architecture.reach import PATHS, Unit, behind, doors, module_of
from tests.architecture.sources import NAMES, ROOT, at_import, dotted, functions, lines, tree

CLOCK_READS = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.ctime",
    "time.gmtime", "time.localtime",
}  # fmt: skip
MADE_AT_IMPORT = re.compile(
    r"(^|\.)(create_engine|create_async_engine|connect|create_pool|open|read_text|read_bytes|getenv|socket|urlopen"
    r"|create_task|get_event_loop|run|Thread|ThreadPoolExecutor|Popen|AIOKafka\w+|ClientSession|AsyncClient|Client)$"
)
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}
LONGEST_FUNCTION, LONGEST_FILE, BEHIND_ONE_POST = 60, 500, 3000


def calls(nodes: object) -> list[ast.Call]:
    return [node for node in nodes if isinstance(node, ast.Call)]  # type: ignore[attr-defined]


def says_why(name: str, line: int) -> bool:
    """A comment on the line, or one that fills the line above it."""
    text, above = lines(name)[line - 1], lines(name)[line - 2].strip()
    return "  # " in text or above.startswith("# ")


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("services", "shared", cache_dir=None)


def test_every_import_respects_the_walls() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_module_stands_within_the_walls() -> None:
    missing = {name for name in NAMES if "/migrations/" not in name and module_of(name) not in graph().modules}
    assert missing == set(), "a package without __init__.py is not looked at"


def test_clock_is_read_in_one_place() -> None:
    reads = [
        (name, call.lineno)
        for name in set(NAMES) - {"shared/clock.py"}
        for call in calls(ast.walk(tree(name)))
        if ".".join(dotted(call.func).split(".")[-2:]) in CLOCK_READS
    ]
    assert [read for read in reads if not says_why(*read)] == []


def test_nothing_is_made_at_import() -> None:
    made = [
        (name, dotted(call.func))
        for name in NAMES
        for call in calls(at_import(name))
        if MADE_AT_IMPORT.search(dotted(call.func))
    ]
    assert made == []


def test_environment_is_not_read_at_import() -> None:
    reads = [(name, dotted(node)) for name in NAMES for node in at_import(name) if dotted(node).endswith("os.environ")]
    assert reads == []


def test_file_says_at_the_top_what_it_is_for() -> None:
    assert [name for name in NAMES if not ast.get_docstring(tree(name))] == []


def test_no_file_is_longer_than_it_must() -> None:
    assert {name: len(lines(name)) for name in NAMES if len(lines(name)) > LONGEST_FILE} == {}


def test_function_fits_on_a_screen() -> None:
    sizes = {(name, f.name): (f.end_lineno or f.lineno) - f.lineno + 1 for name in NAMES for f in functions(name)}
    assert {where: size for where, size in sizes.items() if size > LONGEST_FUNCTION} == {}


def test_name_of_a_module_says_something() -> None:
    assert [name for name in NAMES if EMPTY_NAMES & set(re.split(r"[/_.]", name))] == []


def test_no_two_advisory_locks_have_the_same_number() -> None:
    """The registry's was the relay's once: whoever wrote it would have waited for as long as a relay led."""
    source = ["\n".join(lines(name)) for name in NAMES]
    taken = [number for text in source for number in re.findall(r"^LOCK_\w+ = (0x\w+)", text, re.MULTILINE)]
    assert len(set(taken)) == len(taken) > 3


@pytest.mark.parametrize("door", doors(), ids=lambda door: f"{door.module}.{door.name}")
def test_few_lines_stand_behind_one_post(door: Unit) -> None:
    """Found are those that the eye finds too: the log, its tables, the errors."""
    imported = [name for name in (door.module, *graph().find_upstream_modules(door.module)) if name in PATHS]
    found = behind(door, imported)
    assert {"shared.errors", "shared.db.statement"} <= {unit.module for unit in found}
    assert sum(unit.size for unit in found) <= BEHIND_ONE_POST
