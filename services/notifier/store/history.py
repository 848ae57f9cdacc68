"""What became of deliveries, for their account to read: attempts and dead letters, the newest first; and their end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, Text, bindparam, delete, select, tuple_

from services.notifier.tables import attempts, dead_letters
from shared.clock import to_ms
from shared.db.port import Database, Reader
from shared.db.statement import Query, Row
from shared.ids import SubscriptionId

AT_ONCE = 1000
a, d = attempts.c, dead_letters.c
_OF = (a.subscription == bindparam("subscription"), a.number < bindparam("before"))
ATTEMPTS = Query(select(attempts).where(*_OF).order_by(a.number.desc()).limit(bindparam("most")))
ATTEMPTS_OF_TICKET = Query(
    select(attempts).where(*_OF, a.ticket == bindparam("ticket")).order_by(a.number.desc()).limit(bindparam("most"))
)
DEAD = Query(
    select(dead_letters)
    .where(
        d.subscription == bindparam("subscription"),
        tuple_(d.at, d.ticket, d.seq)
        < tuple_(
            bindparam("at", type_=BigInteger()), bindparam("ticket", type_=Text()), bindparam("seq", type_=Integer())
        ),
    )
    .order_by(d.at.desc(), d.ticket.desc(), d.seq.desc())
    .limit(bindparam("most"))
)
OLDEST = Query(select(a.number, a.at).order_by(a.number).limit(AT_ONCE))
PRUNE = Query(delete(attempts).where(a.number <= bindparam("upto")))
PRUNE_DEAD = Query(delete(dead_letters).where(d.at < bindparam("before")))


async def tried(
    reader: Reader, id: SubscriptionId, *, ticket: str | None, before: int | None, most: int
) -> Sequence[Row]:
    given: dict[str, Any] = {"subscription": id, "before": 2**62 if before is None else before, "most": most}
    if ticket is None:
        return await reader.fetch(ATTEMPTS, **given)
    return await reader.fetch(ATTEMPTS_OF_TICKET, ticket=ticket, **given)


async def dead(reader: Reader, id: SubscriptionId, *, before: tuple[int, str, int] | None, most: int) -> Sequence[Row]:
    at, ticket, seq = before or (2**62, "", 0)
    return await reader.fetch(DEAD, subscription=id, at=at, ticket=ticket, seq=seq, most=most)


async def prune_attempts(database: Database, before: datetime) -> int:
    """Drop the oldest attempts made before then; answers how many."""
    limit = to_ms(before)
    old = [row["number"] for row in await database.fetch(OLDEST) if row["at"] < limit]
    if old:
        await database.transact(lambda tx: tx.fetch(PRUNE, upto=old[-1]))
    return len(old)


async def prune_dead(database: Database, before: datetime) -> None:
    await database.transact(lambda tx: tx.fetch(PRUNE_DEAD, before=to_ms(before)))
