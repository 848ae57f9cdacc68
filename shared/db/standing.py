"""Whether the second wall stands before the login that the services use, asked at their start."""

from typing import Literal

from sqlalchemy import text

from shared.db.port import Database
from shared.db.statement import Query

Standing = Literal["stands", "owner", "bypassed", "none"]
LOGIN = Query(
    text(
        "SELECT r.rolsuper OR r.rolbypassrls AS bypasses, EXISTS ("
        "  SELECT FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
        "  AND pg_has_role(c.relowner, 'USAGE')) AS owns"
        " FROM pg_roles r WHERE r.rolname = current_user"
    )
)
MEANING: dict[Standing, str] = {
    "stands": "The services own nothing and row-level security binds them.",
    "owner": "The services' login owns the tables: row-level security binds it, but it could take the wall down."
    " Make a login that owns nothing (docs/operations/running.md), set `database` to it and `database_owner` to this.",
    "bypassed": "The services' login is a superuser or has BYPASSRLS: no wall of PostgreSQL's binds it, and a mistake"
    " in one query could show a tenant's faults to another. Make a login that owns nothing"
    " (docs/operations/running.md), set `database` to it and `database_owner` to the present one.",
    "none": "SQLite has no second wall: the queries' own conditions keep tenants apart.",
}


async def standing(database: Database) -> Standing:
    """Raises Unavailable."""
    if database.dialect == "sqlite":
        return "none"
    (row,) = await database.fetch(LOGIN)
    if row["bypasses"]:
        return "bypassed"
    return "owner" if row["owns"] else "stands"
