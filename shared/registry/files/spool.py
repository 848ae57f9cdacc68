"""What an import has to remember of its files, on disk: memory stays the same however long they are."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence

import orjson

from shared.registry.shelves import Kind

Row = dict[str, str]


class Spool:
    """Which ids were named, in which line; and the rows that belong to an entry of another file, by that entry."""

    def __init__(self) -> None:
        # "" is SQLite's name for a database of nobody else's, on disk, gone when it is closed.
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=OFF")
        self._db.execute("BEGIN")
        self._db.execute("CREATE TABLE named (kind, id, line, PRIMARY KEY (kind, id)) WITHOUT ROWID")
        self._db.execute("CREATE TABLE parts (kind, id, line, row)")

    def close(self) -> None:
        self._db.close()

    def name(self, kind: Kind, id: str, line: int) -> int | None:
        """The line in which it was named before; None: it was not."""
        if self._db.execute("INSERT OR IGNORE INTO named VALUES (?, ?, ?)", (kind, id, line)).rowcount:
            return None
        (before,) = self._db.execute("SELECT line FROM named WHERE kind = ? AND id = ?", (kind, id)).fetchone()
        return int(before)

    def not_named(self, kind: Kind, ids: Sequence[str]) -> list[str]:
        marks = ",".join("?" * len(ids))
        found = self._db.execute(f"SELECT id FROM named WHERE kind = ? AND id IN ({marks})", (kind, *ids))
        named = {id for (id,) in found}
        return [id for id in ids if id not in named]

    def keep_parts(self, rows: Iterable[tuple[Kind, str, int, Row]]) -> None:
        self._db.execute("DROP INDEX IF EXISTS by_id")  # made at the end it costs less
        self._db.executemany(
            "INSERT INTO parts VALUES (?, ?, ?, ?)",
            ((kind, id, line, orjson.dumps(row)) for kind, id, line, row in rows),
        )
        self._db.execute("CREATE INDEX by_id ON parts (kind, id, line)")

    def parts(self, kind: Kind, id: str) -> list[tuple[int, Row]]:
        """Line and row, in the order of the file."""
        found = self._db.execute("SELECT line, row FROM parts WHERE kind = ? AND id = ? ORDER BY line", (kind, id))
        return [(line, orjson.loads(row)) for line, row in found]

    def orphans(self, kind: Kind, most: int) -> Iterator[tuple[int, str]]:
        """Line of and id in rows that belong to nothing that was named."""
        return iter(
            self._db.execute(
                "SELECT line, id FROM parts p WHERE kind = ? AND NOT EXISTS"
                " (SELECT 1 FROM named n WHERE n.kind = p.kind AND n.id = p.id) ORDER BY line LIMIT ?",
                (kind, most),
            )
        )
