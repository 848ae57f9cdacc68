"""Every attempt that was made, as evidence: appended with its record, read by its account, pruned by age."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from services.notifier.model.lane import Claim
from services.notifier.model.outcome import Made, named
from services.notifier.tables import ATTEMPT_COLUMNS, attempts
from shared.clock import to_ms
from shared.db.port import Tx
from shared.db.statement import BulkInsert, Query

PUT = BulkInsert(attempts, ATTEMPT_COLUMNS)
a = attempts.c
TAKEN = Query(
    select(a.number)
    .where(a.subscription == bindparam("subscription"), a.outcome == "delivered", a.at > bindparam("since"))
    .limit(1)
)


def row(claim: Claim, made: Made, now: datetime) -> tuple[Any, ...]:
    attempt = made.attempt
    outcome, reason = named(attempt.outcome)
    events = made.events
    return (
        claim.subscription.id, claim.ticket, events[0].seq, events[-1].seq, claim.attempts + 1, claim.run, to_ms(now),
        round(made.seconds * 1000), outcome, reason, attempt.status, attempt.shown, attempt.reference,
    )  # fmt: skip


async def add(tx: Tx, rows: Sequence[tuple[Any, ...]]) -> None:
    await tx.insert(PUT, rows)


async def taken_since(tx: Tx, subscription: str, since: datetime) -> bool:
    """Whether anything at all was delivered since then, by whatever process."""
    return bool(await tx.fetch(TAKEN, subscription=subscription, since=to_ms(since)))
