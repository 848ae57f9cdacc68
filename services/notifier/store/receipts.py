"""Receipts beside the attempts they are of."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, or_, select

from services.notifier.model.outcome import Attempt, Delivered
from services.notifier.store.attempts import PUT
from services.notifier.store.lanes import PUT_DEAD
from services.notifier.tables import ATTEMPT_COLUMNS, attempts
from shared.clock import to_ms
from shared.db.port import Tx
from shared.db.statement import Query

RUN = "receipt"
UNDELIVERED = "undelivered"
a = attempts.c
OF_MESSAGE = Query(
    select(attempts)
    .where(
        a.subscription == bindparam("subscription"), a.ticket == bindparam("ticket"), a.upto == bindparam("upto"),
        or_(a.outcome == "delivered", a.outcome == "refused"),
    )
    .order_by(a.number.desc())
)  # fmt: skip


RECEIVED = Query(
    select(a.number)
    .where(
        a.subscription == bindparam("subscription"), a.run == RUN, a.outcome == "delivered", a.at > bindparam("since"),
    )
    .limit(1)
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Receipt:
    """Of the message whose last event is `seq` of `log`."""

    subscription: str
    log: str
    seq: int
    delivered: bool
    said: str
    at: datetime


async def take(tx: Tx, receipt: Receipt) -> bool | None:
    """False: one that says the same was there already, and nothing is changed. None: no such message was ever taken."""
    found = await tx.fetch(OF_MESSAGE, subscription=receipt.subscription, ticket=receipt.log, upto=receipt.seq)
    sent = next((row for row in found if row["run"] != RUN and row["outcome"] == "delivered"), None)
    if sent is None:
        return None
    outcome, reason = ("delivered", "ok") if receipt.delivered else ("refused", UNDELIVERED)
    if any(row["run"] == RUN and row["outcome"] == outcome for row in found):
        return False
    at = to_ms(receipt.at)
    said = {
        "run": RUN, "at": at, "took_ms": at - sent["at"], "outcome": outcome, "reason": reason, "status": None,
        "answer": Attempt(Delivered(), answer=receipt.said.encode()).shown,
    }  # fmt: skip
    await tx.insert(PUT, [tuple(said.get(name, sent[name]) for name in ATTEMPT_COLUMNS)])
    if not receipt.delivered:
        events = range(sent["seq"], sent["upto"] + 1)
        dead = [(receipt.subscription, receipt.log, seq, UNDELIVERED, sent["attempt"], at) for seq in events]
        await tx.insert(PUT_DEAD, dead)
    return True


async def received_since(tx: Tx, subscription: str, since: datetime) -> bool:
    """Whether a receipt said of anything at all that it arrived."""
    return bool(await tx.fetch(RECEIVED, subscription=subscription, since=to_ms(since)))
