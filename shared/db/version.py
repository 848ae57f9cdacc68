"""Whether the database has the schema that this program was written for, asked at each start."""

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import text

from shared.db.port import Database
from shared.db.statement import Query

if TYPE_CHECKING:
    from shared.db.sqlite import SqliteReader

IS_THERE = {
    "postgresql": Query(text("SELECT to_regclass('vrc_schema')::text AS name")),
    "sqlite": Query(text("SELECT max(name) AS name FROM sqlite_master WHERE name = 'vrc_schema'")),
}
VERSION = Query(text("SELECT CAST(version_num AS text) AS version FROM vrc_schema"))


def newest() -> str:
    """The last migration that this program has."""
    return max(path.stem.partition("_")[0] for path in (Path(__file__).parent / "migrations/versions").glob("*.py"))


async def version(database: "Database | SqliteReader") -> str | None:
    """The last migration that the database has seen; None: not one. Raises Unavailable."""
    if (await database.fetch(IS_THERE[database.dialect]))[0]["name"] is None:
        return None
    rows = await database.fetch(VERSION)
    return str(rows[0]["version"]) if rows else None
