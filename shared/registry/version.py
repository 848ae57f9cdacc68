"""The numbers that say that something changed: `registry` counts changes of the registry, `keys` those of API keys.

Two, so that a key can be revoked while a long import is under way.
"""

from sqlalchemy import select

from shared.db.port import Tx
from shared.db.statement import BulkInsert, Query
from shared.registry.tables import registry_version as t

BUMP = BulkInsert(t, ("name", "version"), conflict="(name) DO UPDATE SET version = registry_version.version + 1")
VERSION = Query(select(t.c.version).where(t.c.name == "registry"))


async def bump(tx: Tx) -> None:
    """Tell every process that keys have changed; changes of the registry count for themselves (`writing`)."""
    await tx.insert(BUMP, [("keys", 1)])
