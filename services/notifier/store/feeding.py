"""What a batch of events leaves: the feed grows, the marks rise, and every lane that wants something of it owes it.

On PostgreSQL that is one statement, and a transaction by itself. It takes a lock first and holds it past its commit, so
that a position of the feed is drawn only when all lower ones are visible; and it feeds only tickets whose mark is
where the caller thought it was. SQLite has one writer anyway.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from services.notifier.model.lane import Bump
from services.notifier.store import lanes
from services.notifier.store.feed import FED
from services.notifier.store.lanes import LaneKey
from services.notifier.tables import feed, feed_marks
from shared.clock import to_ms
from shared.contracts.event import Event
from shared.db.port import Tx
from shared.db.statement import BulkInsert, Query, any_of, arrays
from shared.ids import TicketId

LOCK_KEY = 0x5652_4302  # "VRC", feed
MARKS = Query(select(feed_marks.c.ticket, feed_marks.c.seq).where(any_of(feed_marks.c.ticket, "tickets")))
PUT_MARKS = BulkInsert(feed_marks, ("ticket", "seq"), conflict="(ticket) DO UPDATE SET seq = excluded.seq")
PUT = BulkInsert(feed, ("ticket", "seq", "account", "at"))

# A mark that moved while this statement waited for its turn is looked at as it is then, and left alone.
PUT_POSTGRESQL = f"""
WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock({LOCK_KEY})),
given AS MATERIALIZED (SELECT * FROM unnest($1::text[], $2::int[], $3::int[]) AS g(ticket, known, last)),
raised AS (
  UPDATE feed_marks m SET seq = g.last FROM given g CROSS JOIN turn
  WHERE m.ticket = g.ticket AND m.ticket = ANY($1) AND m.seq = g.known RETURNING m.ticket),
added AS (
  INSERT INTO feed_marks (ticket, seq) SELECT g.ticket, g.last FROM given g CROSS JOIN turn WHERE g.known = 0
  ON CONFLICT DO NOTHING RETURNING ticket),
fed AS (SELECT ticket FROM raised UNION ALL SELECT ticket FROM added),
put AS (
  INSERT INTO feed (ticket, seq, account, at) SELECT e.ticket, e.seq, e.account, $4
  FROM unnest($5::text[], $6::int[], $7::text[]) WITH ORDINALITY AS e(ticket, seq, account, number)
  WHERE e.ticket IN (SELECT ticket FROM fed) ORDER BY e.number),
bumped AS ({lanes.bump_postgresql(8, where="v.t IN (SELECT ticket FROM fed)")})
SELECT ticket, NULL AS subscription, NULL AS claim FROM fed
UNION ALL SELECT ticket, subscription, claim FROM bumped"""


@dataclass(frozen=True, slots=True)
class Put:
    """`tickets` whose events are in the feed now; `claimed` are the lanes that are the caller's."""

    tickets: Collection[TicketId]
    claimed: Collection[LaneKey]


async def marks(tx: Tx, tickets: Iterable[TicketId]) -> Mapping[TicketId, int]:
    return {row["ticket"]: row["seq"] for row in await tx.fetch(MARKS, tickets=sorted(set(tickets)))}


async def put(
    tx: Tx,
    fresh: Sequence[Event],
    known: Mapping[TicketId, int],
    owed: Sequence[Bump],
    claimable: Collection[LaneKey],
    *,
    token: str,
    now: datetime,
    until: datetime,
) -> Put:
    """At the end of the feed, in this order. `known` are the marks by which these events are fresh; none is 0.

    On PostgreSQL the only statement of its transaction, or its last. Lanes are bumped as by `lanes.bump`.
    """
    last = {e.ticket: e.seq for e in fresh}
    tx.announce(FED)
    if tx.dialect == "postgresql":
        marked = sorted((ticket, known.get(ticket, 0), seq) for ticket, seq in last.items())
        bumped = lanes.bumped_rows(owed, claimable, token=token, now=now, until=until)
        found = await tx.raw.fetch(
            PUT_POSTGRESQL, *map(list, zip(*marked, strict=True)), to_ms(now),
            [e.ticket for e in fresh], [e.seq for e in fresh], [e.account for e in fresh],
            *arrays(bumped, 6),
        )  # fmt: skip
        claimed = {(row["subscription"], row["ticket"], "") for row in found if row["claim"] == token}
        return Put({row["ticket"] for row in found if row["subscription"] is None}, claimed)
    await tx.insert(PUT, [(e.ticket, e.seq, e.account, to_ms(now)) for e in fresh])
    await tx.insert(PUT_MARKS, sorted(last.items()))
    return Put(last.keys(), await lanes.bump(tx, owed, claimable, token=token, now=now, until=until))
