"""What the registry holds, one by one and in pages, as it is now and as it was at any version."""

from collections.abc import Sequence

from sqlalchemy import bindparam, select

from shared.db.port import Database
from shared.db.statement import Query, Row
from shared.registry.rules import ADAPTERS
from shared.registry.shelves import SHELVES, Entry, Kind
from shared.registry.tables import registry_changes
from shared.registry.version import VERSION

c = registry_changes.c
_of_one = (c.kind == bindparam("kind"), c.id == bindparam("id"))
_change = select(c.version, c.previous, c.actor, c.at, c.before, c.after)
LAST = Query(_change.where(*_of_one, c.version <= bindparam("version")).order_by(c.version.desc()).limit(1))
NEXT = Query(_change.where(*_of_one, c.version > bindparam("version")).order_by(c.version).limit(1))


async def current(database: Database) -> int:
    """The registry's version."""
    rows = await database.fetch(VERSION)
    return int(rows[0]["version"]) if rows else 0


async def entry(database: Database, kind: Kind, id: str) -> Entry | None:
    shelf = SHELVES[kind]
    rows = await database.fetch(shelf.read, ids=[id])
    return shelf.of(rows[0]) if rows else None


async def entries(database: Database, kind: Kind, *, after: str, most: int) -> Sequence[Entry]:
    """In order of their keys."""
    shelf = SHELVES[kind]
    return [shelf.of(row) for row in await database.fetch(shelf.page, after=after, most=most)]


async def entry_at(database: Database, kind: Kind, id: str, version: int) -> Entry | None:
    """As it was when the registry had this version; None where there was none.

    What was there before versions were kept is taken to have been always so.
    """
    if rows := await database.fetch(LAST, kind=kind, id=id, version=version):
        return _read(kind, rows[0]["after"])
    if rows := await database.fetch(NEXT, kind=kind, id=id, version=version):
        return _read(kind, rows[0]["before"])
    return await entry(database, kind, id)


async def last_change(database: Database, kind: Kind, id: str, version: int) -> Row | None:
    """The change by which it became what it was at this version: `version`, `previous`, `actor`, `at`."""
    rows = await database.fetch(LAST, kind=kind, id=id, version=version)
    return rows[0] if rows else None


def _read(kind: Kind, stored: str | None) -> Entry | None:
    return None if stored is None else ADAPTERS[kind].validate_json(stored, extra="ignore")
