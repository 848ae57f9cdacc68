"""The registry in one YAML file, a document an entry (`circuit: {…}`), read document by document.

Every scalar is taken as it is written, so that `010` is an area code and `no` a word; fields that hold numbers or
true and false make them so. PyYAML's C parser is used, imported only here.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path as File
from typing import Any

from shared.registry.files.csv_files import no_progress
from shared.registry.files.layout import valued
from shared.registry.files.spool import Spool
from shared.registry.importing import KINDS, Fault, Item, read
from shared.registry.rules import Path
from shared.registry.shelves import SHELVES, Kind

DEEPEST = 10
QUOTED = ("'", '"', "|", ">")
Lines = dict[Path, int]


class _Wrong(Exception):
    def __init__(self, line: int, field: str, message: str) -> None:
        super().__init__()
        self.line, self.field, self.message = line, field, message


class YamlFile:
    def __init__(self, path: File, *, progress: Callable[[int], None] = no_progress) -> None:
        self._path = path
        self._progress = progress
        self.spool = Spool()
        self.kinds = list(KINDS)
        self.files = [path]

    def items(self) -> Iterator[Item | Fault]:
        import yaml  # here, because only an import needs it

        loader, at = getattr(yaml, "CSafeLoader", yaml.SafeLoader), 0
        try:
            with self._path.open("rb") as file:
                for node in yaml.compose_all(file, Loader=loader):
                    yield from self._entry(node)
                    self._progress(node.end_mark.line - at)
                    at = node.end_mark.line
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else at + 1
            yield Fault(self._where(line), "", f"is not YAML: {error.problem}")
        except yaml.YAMLError as error:
            yield Fault(self._where(at + 1), "", f"is not YAML: {error}")

    def _where(self, line: int) -> str:
        return f"{self._path.name}, line {line}"

    def _entry(self, node: Any) -> Iterator[Item | Fault]:
        lines: Lines = {}
        try:
            document = _plain(node, (), lines, set())
            kind, given = _kind_and_entry(document, lines[()])
        except _Wrong as wrong:
            yield Fault(self._where(wrong.line), wrong.field, wrong.message)
            return
        key = SHELVES[kind].key
        if isinstance(id := given.get(key), str) and (before := self.spool.name(kind, id, lines[(kind, key)])):
            where = self._where(lines[(kind, key)])
            yield Fault(where, key, f"{id} is given twice, first in line {before}")
            return
        found = read(kind, given, partial(self._place, kind, lines))
        if isinstance(found, Item):
            yield found
        else:
            yield from found

    def _place(self, kind: Kind, lines: Lines, path: Path) -> tuple[str, str]:
        full: Path = (kind, *path)
        while full not in lines:
            full = full[:-1]
        return self._where(lines[full]), ".".join(map(str, path))


def _kind_and_entry(document: Any, line: int) -> tuple[Kind, dict[str, Any]]:
    if isinstance(document, dict) and len(document) == 1:
        for kind in KINDS:
            if isinstance(given := document.get(kind), dict):
                return kind, given
    raise _Wrong(line, "", f"a document holds one of {', '.join(KINDS)} and under it the entry's fields")


def _plain(node: Any, path: Path, lines: Lines, seen: set[int]) -> Any:
    """A node as mapping, list or scalar; `lines` gets the line of each path."""
    line = lines[path] = node.start_mark.line + 1
    name = str(path[-1]) if path else ""
    if id(node) in seen or len(path) > DEEPEST:
        raise _Wrong(line, name, "anchors and deep nesting are not read; write it out")
    seen.add(id(node))
    if node.id == "sequence":
        return [_plain(inner, (*path, number), lines, seen) for number, inner in enumerate(node.value)]
    if node.id == "scalar":
        absent = node.tag == "tag:yaml.org,2002:null"
        return None if absent else node.value if node.style in QUOTED else valued(name, node.value)
    found: dict[str, Any] = {}
    for key, value in node.value:
        if key.id != "scalar" or key.value in found:
            raise _Wrong(key.start_mark.line + 1, str(key.value), "is given twice, or is no name")
        found[key.value] = _plain(value, (*path, key.value), lines, seen)
    return found
