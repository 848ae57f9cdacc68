"""Files into the registry: which reader reads them, and what is removed because they do not name it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from shared.db.port import Database, Tx
from shared.registry.files.csv_files import CsvFiles, no_progress
from shared.registry.files.spool import Spool
from shared.registry.files.yaml_files import YamlFile
from shared.registry.importing import Fault, Import, Item, Leaving, Outcome, existing, run
from shared.registry.shelves import Kind
from shared.registry.writing import Author


class Source(Protocol):
    """`kinds` are those that it holds whole; `spool` knows after reading what was named."""

    spool: Spool

    @property
    def kinds(self) -> Sequence[Kind]: ...

    @property
    def files(self) -> Sequence[Path]: ...

    def items(self) -> Iterator[Item | Fault]: ...


def source_of(path: Path, *, progress: Callable[[int], None] = no_progress) -> Source:
    """`progress` is told of lines as they are read."""
    if path.is_dir():
        return CsvFiles(path, progress=progress)
    return YamlFile(path, progress=progress)


def lines_of(source: Source) -> int:
    def count(path: Path) -> int:
        with path.open("rb") as file:
            return sum(part.count(b"\n") for part in iter(lambda: file.read(1 << 20), b""))

    return sum(count(path) for path in source.files if path.is_file())  # a pipe can't be read twice


async def take(
    database: Database, source: Source, *, by: Author, remove: bool = False, leaving: Leaving | None = None,
    dry_run: bool = False,
) -> Outcome:  # fmt: skip
    """All of it or nothing. Raises ImportRefused, Unavailable."""

    async def remove_not_named(tx: Tx, started: Import) -> None:
        for kind in reversed(source.kinds):
            async for ids in existing(tx, kind):
                if gone := source.spool.not_named(kind, ids):
                    await started.remove(kind, gone, "--remove")

    try:
        items: Iterable[Item | Fault] = source.items()
        removal = remove_not_named if remove else None
        return await run(database, items, by=by, remove=removal, leaving=leaving, dry_run=dry_run)
    finally:
        source.spool.close()
