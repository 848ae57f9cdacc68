"""Lanes that are no more: those of a subscription that ended. Whoever ends one need know no more of lanes."""

from sqlalchemy import bindparam, delete, select

from services.notifier.tables import lanes
from shared.db.port import Tx
from shared.db.statement import Query

LOCK_OF = Query(
    select(lanes.c.ticket)
    .where(lanes.c.subscription == bindparam("subscription"))
    .order_by(lanes.c.ticket, lanes.c.run)
    .with_for_update()
)
DROP = Query(delete(lanes).where(lanes.c.subscription == bindparam("subscription")))


async def drop_lanes(tx: Tx, subscription: str) -> None:
    """All of them; workers that hold one find their claim gone."""
    await tx.fetch(LOCK_OF, subscription=subscription)
    await tx.fetch(DROP, subscription=subscription)
