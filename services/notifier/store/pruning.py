"""The feed's end: rows from before any stream may be resumed from are dropped, some at a time, by no request."""

from datetime import datetime

from sqlalchemy import bindparam, delete, select

from services.notifier.store.feed import bounds
from services.notifier.tables import feed
from shared.clock import to_ms
from shared.db.port import Database, Tx
from shared.db.statement import Query

AT_ONCE = 1000

OLDEST = Query(select(feed.c.position, feed.c.at).order_by(feed.c.position).limit(AT_ONCE))
PRUNE = Query(delete(feed).where(feed.c.position <= bindparam("upto")))


async def prune(database: Database, before: datetime) -> int:
    """Drop the oldest rows fed before then; answers how many. The newest stays: positions must never start anew."""
    rows = await database.fetch(OLDEST)
    _, newest = await bounds(database)
    limit = to_ms(before)
    upto = 0
    for row in rows:
        if row["at"] >= limit or row["position"] == newest:
            break
        upto = row["position"]
    if upto:

        async def drop(tx: Tx) -> None:
            await tx.fetch(PRUNE, upto=upto)

        await database.transact(drop)
    return sum(row["position"] <= upto for row in rows)
