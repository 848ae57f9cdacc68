"""The registry written to files, the same bytes for the same registry: in the order of ids, whatever the database's."""

import csv
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shared.db.port import Database, Tx
from shared.registry.files.layout import LAYOUTS, Layout, flat
from shared.registry.importing import KINDS, existing
from shared.registry.shelves import SHELVES, Entry, Kind
from shared.registry.writing import in_parts

Write = Callable[[Kind, Entry], None]


async def export(database: Database, write: Write, kinds: Sequence[Kind] = KINDS) -> int:
    """Everything as it is at one moment, to `write`; answers how many entries."""

    async def body(tx: Tx) -> int:
        if tx.dialect == "postgresql":
            await tx.raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        count = 0
        for kind in kinds:
            async for entry in _entries(tx, kind):
                write(kind, entry)
                count += 1
        return count

    return await database.transact(body)


async def _entries(tx: Tx, kind: Kind) -> AsyncIterator[Entry]:
    shelf = SHELVES[kind]
    ids = sorted(
        [id async for some in existing(tx, kind) for id in some]
    )  # PostgreSQL sorts by the words of a language
    for part in in_parts(ids):
        rows = {row[shelf.key]: row for row in await tx.fetch(shelf.read, ids=list(part))}
        for id in part:
            yield shelf.of(rows[id])


@contextmanager
def csv_folder(folder: Path) -> Iterator[Write]:
    """Six files, which appear together when all are written."""
    folder.mkdir(parents=True, exist_ok=True)
    with _none_left(*(folder / sheet.name for sheet in _sheets())), ExitStack() as files:
        writers = {s.name: _writer(files, folder / s.name, s.columns) for s in _sheets()}

        def write(kind: Kind, entry: Entry) -> None:
            layout = next(each for each in LAYOUTS if each.kind == kind)
            values = asdict(entry)
            writers[layout.sheet.name].writerow(flat(values, layout.sheet.columns))
            for row in _part_rows(layout, values, SHELVES[kind].id_of(entry)):
                writers[layout.part.sheet.name].writerow(flat(row, layout.part.sheet.columns))

        yield write
    for sheet in _sheets():
        _fresh(folder / sheet.name).replace(folder / sheet.name)


@contextmanager
def yaml_file(path: Path) -> Iterator[Write]:
    """A document an entry; what says nothing is left out."""
    import yaml  # here, because only an export needs it

    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    with _none_left(path), _open(_fresh(path)) as file:

        def write(kind: Kind, entry: Entry) -> None:
            document = {kind: _without_nothing(asdict(entry))}
            yaml.dump(
                document, file, dumper, explicit_start=True, allow_unicode=True, sort_keys=False, width=2**30,
                default_flow_style=False,
            )  # fmt: skip

        yield write
    _fresh(path).replace(path)


def _sheets() -> Iterator[Any]:
    for layout in LAYOUTS:
        yield from (layout.sheet, layout.part.sheet)


def _part_rows(layout: Layout, values: Mapping[str, Any], id: str) -> Iterator[dict[str, Any]]:
    owner, *columns = layout.part.sheet.columns
    lists = ("contacts", "duty") if layout.part.place == "list" else (layout.part.place,)
    for name in lists:
        for position, row in enumerate(values[name], 1):
            yield {owner: id, **({"list": name} if "list" in columns else {}), "position": position, **row}


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: _without_nothing(inner) for name, inner in value.items()}
        return {name: inner for name, inner in kept.items() if inner is not None and inner not in ([], {})}
    return [_without_nothing(inner) for inner in value] if isinstance(value, list | tuple) else value


def _fresh(path: Path) -> Path:
    return path.with_name(path.name + ".new")


@contextmanager
def _none_left(*paths: Path) -> Iterator[None]:
    """What is half written goes when it can't be written whole: nobody would look for telephone numbers there."""
    try:
        yield
    except BaseException:
        for path in paths:
            _fresh(path).unlink(missing_ok=True)
        raise


def _open(path: Path) -> Any:
    """For its owner only: it holds telephone numbers."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return os.fdopen(descriptor, "w", encoding="utf-8", newline="")


def _writer(files: ExitStack, path: Path, columns: Mapping[str, Any]) -> Any:
    writer = csv.writer(files.enter_context(_open(_fresh(path))), lineterminator="\n")
    writer.writerow(columns)
    return writer
