"""How subscriptions stand, in and out: read under a lock, written by who decided by what was read."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import and_, bindparam, func, select, update

from services.notifier.model.preferences import encode
from services.notifier.model.standing import Standing
from services.notifier.model.subscription import Subscription
from services.notifier.store.dropping import LOCK_OF, drop_lanes
from services.notifier.tables import lanes, subscriptions
from shared.clock import from_ms, to_ms
from shared.db.port import Database, Tx
from shared.db.statement import Query
from shared.ids import SubscriptionId
from shared.tickets.tables import ticket_log

s = subscriptions.c
_LIVE = s.deleted_at.is_(None)
LOCK = Query(select(s.id).where(s.id == bindparam("id"), _LIVE).with_for_update())
STAND = Query(
    update(subscriptions)
    .where(s.id == bindparam("which"))
    .values(
        failing_since=bindparam("since"), warned=bindparam("told"), disabled_at=bindparam("ended"),
        disabled_for=bindparam("because"),
    )
)  # fmt: skip
CHANGE = Query(
    update(subscriptions)
    .where(s.id == bindparam("which"))
    .values(
        target=bindparam("to"), preferences=bindparam("wanted"), secret=bindparam("newest"),
        generation=bindparam("number"), former_secret=bindparam("before"), former_until=bindparam("until"),
    )
)  # fmt: skip
_WAITS = and_(lanes.c.subscription == bindparam("of"), lanes.c.due_at > bindparam("now"), lanes.c.claim.is_(None))
WAKE = Query(update(lanes).where(_WAITS, lanes.c.attempts == 0).values(due_at=bindparam("now")))
BEGIN_ANEW = Query(update(lanes).where(_WAITS).values(due_at=bindparam("now"), attempts=0))
_PUT_OFF = and_(_WAITS, lanes.c.attempts > 0, lanes.c.attempts <= bindparam("most"))
LOCK_PUT_OFF = Query(select(lanes.c.ticket).where(_PUT_OFF).order_by(lanes.c.ticket, lanes.c.run).with_for_update())
HASTEN = Query(update(lanes).where(_PUT_OFF).values(due_at=bindparam("now")))
OLDEST_OWED = Query(
    select(func.min(ticket_log.c.at).label("at"))
    .select_from(
        lanes.join(ticket_log, and_(ticket_log.c.ticket == lanes.c.ticket, ticket_log.c.seq == lanes.c.acked_seq + 1))
    )
    .where(lanes.c.subscription == bindparam("of"), lanes.c.due_at.is_not(None), lanes.c.run == "")
)
_TROUBLE = s.failing_since.is_not(None)
IN_TROUBLE = Query(
    select(s.channel, s.disabled_at.is_not(None).label("disabled"), func.count().label("n"))
    .where(_TROUBLE, _LIVE)
    .group_by(s.channel, s.disabled_at.is_not(None))
)


async def lock(tx: Tx, id: SubscriptionId) -> bool:
    """Until the commit, nobody else changes it. False when it has ended."""
    return bool(await tx.fetch(LOCK, id=id))


async def stand(tx: Tx, id: SubscriptionId, standing: Standing) -> None:
    """One that is disabled owes nothing any more."""
    await tx.fetch(
        STAND, which=id, since=_ms(standing.failing_since), told=standing.warned, ended=_ms(standing.disabled_at),
        because=standing.disabled_for,
    )  # fmt: skip
    if standing.disabled_at is not None:
        await drop_lanes(tx, id)


async def owed_since(tx: Tx, id: SubscriptionId) -> datetime | None:
    """When the first happened of what it is owed, without what is being replayed."""
    (row,) = await tx.fetch(OLDEST_OWED, of=id)
    return None if row["at"] is None else from_ms(row["at"])


async def change(tx: Tx, changed: Subscription) -> None:
    """Its target, preferences and keys."""
    keys = changed.keys
    await tx.fetch(
        CHANGE, which=changed.id, to=changed.target, wanted=encode(changed.preferences), newest=keys.secret,
        number=keys.generation, before=keys.former, until=_ms(keys.former_until),
    )  # fmt: skip


async def wake(tx: Tx, id: SubscriptionId, now: datetime, *, elsewhere: bool) -> None:
    """What waits for quiet hours or a digest is looked at anew; what failed too, if it goes `elsewhere` from now on."""
    await tx.fetch(LOCK_OF, subscription=id)
    await tx.fetch(BEGIN_ANEW if elsewhere else WAKE, of=id, now=to_ms(now))


async def hasten(tx: Tx, id: SubscriptionId, now: datetime, *, most: int) -> bool:
    """What failed at most so often is due now. Whether there was any."""
    put_off = {"of": id, "now": to_ms(now), "most": most}
    if not await tx.fetch(LOCK_PUT_OFF, **put_off):
        return False
    await tx.fetch(HASTEN, **put_off)
    return True


async def in_trouble(database: Database) -> Mapping[tuple[str, str], int]:
    """How many are failing or disabled, by channel and state."""
    rows = await database.fetch(IN_TROUBLE)
    return {(row["channel"], "disabled" if row["disabled"] else "failing"): row["n"] for row in rows}


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)
