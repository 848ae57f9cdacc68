"""The registry in CSV files, read line by line; every fault with its file, line and column."""

import csv
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path as File
from typing import Any

from shared.registry.files.layout import LAYOUTS, Layout, Part, Sheet, column_of, nested
from shared.registry.files.spool import Row, Spool
from shared.registry.importing import MOST_FAULTS, Fault, Item, read
from shared.registry.rules import Path
from shared.registry.shelves import Kind


def no_progress(lines: int) -> None:
    return None


class CsvFiles:
    """Those of the six files that `folder` has. `elsewhere` says where a file is that stands in another folder."""

    def __init__(
        self,
        folder: File,
        *,
        elsewhere: Mapping[str, File] | None = None,
        progress: Callable[[int], None] = no_progress,
    ) -> None:
        self._folder = folder
        self._elsewhere = elsewhere or {}
        self._progress = progress
        self.spool = Spool()
        self.layouts = [layout for layout in LAYOUTS if self._path(layout.sheet).exists()]

    @property
    def kinds(self) -> list[Kind]:
        return [layout.kind for layout in self.layouts]

    @property
    def files(self) -> list[File]:
        paths = [self._path(s) for layout in self.layouts for s in (layout.sheet, layout.part.sheet)]
        return [path for path in paths if path.exists()]

    def items(self) -> Iterator[Item | Fault]:
        for layout in self.layouts:
            faults: list[Fault] = []
            self.spool.keep_parts(self._part_rows(layout, faults))
            yield from faults
            yield from self._entries(layout)
            key = next(iter(layout.part.sheet.columns))
            for line, id in self.spool.orphans(layout.kind, MOST_FAULTS):
                yield Fault(f"{layout.part.sheet.name}, line {line}", key, f"{id} is not in {layout.sheet.name}")

    def _path(self, sheet: Sheet) -> File:
        return self._elsewhere.get(sheet.name, self._folder / sheet.name)

    def _part_rows(self, layout: Layout, faults: list[Fault]) -> Iterator[tuple[Kind, str, int, Row]]:
        sheet = layout.part.sheet
        key = next(iter(sheet.columns))
        if not self._path(sheet).exists():
            return
        for found in self._rows(sheet):
            if isinstance(found, Fault):
                if len(faults) < MOST_FAULTS:
                    faults.append(found)
            else:
                line, row = found
                yield layout.kind, row[key], line, row

    def _entries(self, layout: Layout) -> Iterator[Item | Fault]:
        sheet, kind = layout.sheet, layout.kind
        key = next(iter(sheet.columns))
        for found in self._rows(sheet):
            if isinstance(found, Fault):
                yield found
                continue
            line, row = found
            if (before := self.spool.name(kind, row[key], line)) is not None:
                yield Fault(f"{sheet.name}, line {line}", key, f"{row[key]} is given twice, first in line {before}")
                continue
            parts = _sorted(self.spool.parts(kind, row[key]), layout.part)
            given = nested(row, sheet.columns) | _lists(parts, layout.part)
            found_item = read(kind, given, partial(_place, layout, line, parts))
            if isinstance(found_item, Item):
                yield found_item
            else:
                yield from found_item

    def _rows(self, sheet: Sheet) -> Iterator[tuple[int, Row] | Fault]:
        """Line and values by column; the line is the first of the row's."""
        path = self._path(sheet)
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                reader = csv.reader(file, strict=True)
                header = next(reader, [])
                wrong = list(_wrong_header(sheet, header))
                yield from wrong
                line = reader.line_num + 1
                for values in () if wrong else reader:
                    if len(values) != len(header):
                        message = f"has {len(values)} values, the header {len(header)}"
                        yield Fault(f"{sheet.name}, line {line}", "", message)
                    else:
                        yield line, dict(zip(header, values, strict=True))
                    self._progress(reader.line_num + 1 - line)
                    line = reader.line_num + 1
        except (csv.Error, UnicodeDecodeError) as error:
            yield Fault(sheet.name, "", f"is not CSV in UTF-8: {error}")


def _wrong_header(sheet: Sheet, header: list[str]) -> Iterator[Fault]:
    for column in sorted(sheet.required - set(header)):
        yield Fault(f"{sheet.name}, line 1", column, "this column is missing")
    for column in header:
        if column not in sheet.columns:
            yield Fault(f"{sheet.name}, line 1", column, f"is not a column here; there are {', '.join(sheet.columns)}")
    if len(set(header)) != len(header):
        yield Fault(f"{sheet.name}, line 1", "", "a column is named twice")


def _sorted(parts: list[tuple[int, Row]], part: Part) -> list[tuple[int, Row]]:
    by = part.sorted_by
    if by is None or not all(row.get(by, "").isdecimal() for _, row in parts):
        return parts
    return sorted(parts, key=lambda found: int(found[1][by][:20]))


def _lists(parts: list[tuple[int, Row]], part: Part) -> dict[str, Any]:
    """The rows as the lists that the entry has of them; by name, where a column says which."""
    columns = list(part.sheet.columns.items())[1:]  # the first names the entry
    inside = {column: path for column, path in columns if column not in (part.place, part.sorted_by)}
    found: dict[str, Any] = {}
    for _, row in parts:
        found.setdefault(row.get(part.place, part.place), []).append(nested(row, inside))
    return found


def _place(layout: Layout, line: int, parts: list[tuple[int, Row]], path: Path) -> tuple[str, str]:
    """File with line, and column, of a path into an entry."""
    part = layout.part
    if len(path) > 1 and isinstance(path[1], int):
        of_list = [found for found in parts if found[1].get(part.place, part.place) == path[0]]
        return f"{part.sheet.name}, line {of_list[path[1]][0]}", column_of(path[2:], part.sheet.columns)
    if len(path) == 1 and (odd := [n for n, row in parts if row.get(part.place) == path[0]]):
        return f"{part.sheet.name}, line {odd[0]}", part.place
    return f"{layout.sheet.name}, line {line}", column_of(path, layout.sheet.columns)
