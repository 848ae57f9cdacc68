"""Changes of the registry. Each is one appended row, and those of one transaction make one new version.

Whoever writes waits for his turn before he reads what he is about to change, so versions commit in their order: a
follower that has seen one has seen all before it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from hashlib import sha256
from itertools import islice
from typing import Literal, TypeVar

import orjson

from shared.audit.trail import Act, record
from shared.clock import to_ms
from shared.db.port import Tx
from shared.db.statement import BulkInsert, Row
from shared.origin import Origin
from shared.registry import tables as t
from shared.registry.model import Account, Circuit, Network
from shared.registry.shelves import SHELVES, Entry, Kind, Shelf
from shared.registry.version import BUMP, VERSION

LOCK_KEY = 0x5652_4308  # "VRC", registry: no other lock's number; on SQLite there is one writer anyway
TOGETHER = 500
T = TypeVar("T")
RECORD = BulkInsert(t.registry_changes, t.CHANGE_COLUMNS)


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes the registry, as the log names actors, and when."""

    actor: str
    at: datetime
    origin: Origin = field(default_factory=Origin)


@dataclass(frozen=True, slots=True)
class Change:
    """What became of one thing; `before` None: it was added, `after` None: it was removed."""

    kind: Kind
    id: str
    before: Entry | None
    after: Entry | None

    @property
    def what(self) -> Literal["added", "changed", "removed"]:
        if self.before is None:
            return "added"
        return "removed" if self.after is None else "changed"

    @property
    def fields(self) -> Sequence[str]:
        """The names of the fields that differ, where it was changed."""
        before, after = self.before, self.after
        if before is None or after is None:
            return ()
        return [f.name for f in fields(after) if getattr(before, f.name) != getattr(after, f.name)]


class Writing:
    """The changes of one open transaction; each thing may be named once. `end` makes them a version."""

    def __init__(self, tx: Tx, by: Author, version: int) -> None:
        self._tx = tx
        self._by = by
        self._counts: Counter[str] = Counter()
        self._digest = sha256()
        self.version = version

    @classmethod
    async def begin(cls, tx: Tx, by: Author) -> "Writing":
        if tx.dialect == "postgresql":
            await tx.raw.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
        rows = await tx.fetch(VERSION)
        return cls(tx, by, (rows[0]["version"] if rows else 0) + 1)

    async def put(self, kind: Kind, entries: Iterable[Entry]) -> Sequence[Change]:
        """Add or replace; answers what is another than before."""
        shelf = SHELVES[kind]
        found: list[Change] = []
        for some in in_parts(entries):
            given = {shelf.id_of(entry): entry for entry in some}
            rows = await self._rows(shelf, list(given))
            pairs = [(id, rows.get(id), entry) for id, entry in given.items()]
            new = [
                (Change(kind, id, shelf.of(row) if row else None, entry), row["version"] if row else 0)
                for id, row, entry in pairs
            ]
            changed = [(change, version) for change, version in new if change.before != change.after]
            await self._tx.insert(shelf.put, [shelf.row(change.after, self.version) for change, _ in changed])
            await self._record(changed)
            found += [change for change, _ in changed]
        return found

    async def remove(self, kind: Kind, ids: Sequence[str]) -> Sequence[Change]:
        """What is not there is passed over."""
        shelf = SHELVES[kind]
        rows = await self._rows(shelf, ids)
        removed = [(Change(kind, id, shelf.of(row), None), row["version"]) for id, row in rows.items()]
        await self._tx.fetch(shelf.remove, ids=list(rows))
        await self._record(removed)
        return [change for change, _ in removed]

    async def end(self) -> int:
        """The registry's version now: a new one if anything has changed.

        The audit trail gets the digest of the changes' rows, so that these can't be rewritten either.
        """
        if not self._counts:
            return self.version - 1
        await self._tx.insert(BUMP, [("registry", 1)])
        details = {**self._counts, "digest": self._digest.hexdigest()}
        by, what = self._by, f"registry:{self.version}"
        await record(self._tx, Act(by.at, by.actor, "registry.changed", what, details, by.origin))
        return self.version

    async def _rows(self, shelf: Shelf, ids: Sequence[str]) -> dict[str, Row]:
        return {row[shelf.key]: row for row in await self._tx.fetch(shelf.read, ids=list(ids))}

    async def _record(self, changed: Sequence[tuple[Change, int]]) -> None:
        at = to_ms(self._by.at)
        rows = [
            (c.kind, c.id, self.version, previous, self._by.actor, at, _json(c.before), _json(c.after))
            for c, previous in changed
        ]
        await self._tx.insert(RECORD, rows)
        self._counts.update(f"{c.kind}.{c.what}" for c, _ in changed)
        for row in rows:
            self._digest.update(orjson.dumps(row))


def in_parts(things: Iterable[T]) -> Iterator[Sequence[T]]:
    """As many at a time as go into one statement."""
    left = iter(things)
    while part := list(islice(left, TOGETHER)):
        yield part


def _json(entry: Entry | None) -> str | None:
    return None if entry is None else orjson.dumps(entry).decode()


async def put(
    tx: Tx, accounts: Iterable[Account], networks: Iterable[Network], circuits: Iterable[Circuit], *, by: Author
) -> int:
    """Add or replace all of these; answers the registry's version."""
    writing = await Writing.begin(tx, by)
    await writing.put("network", networks)
    await writing.put("account", accounts)
    await writing.put("circuit", circuits)
    return await writing.end()
