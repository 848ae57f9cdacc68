"""Lanes in and out: who owes whom what, and whose hands it is in.

A claim is a token in the row. Whatever a worker writes is fenced by it: once the row carries another token, or none,
the write changes nothing and says so. Statements lock rows in one order (subscription, ticket, run), or skip those that
are locked.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Text, and_, bindparam, func, not_, select, update

from services.notifier.model.holding import due_at
from services.notifier.model.lane import Bump, Claim, Record
from services.notifier.store.attempts import PUT as PUT_ATTEMPTS
from services.notifier.store.logs import entries
from services.notifier.store.notices import is_notices
from services.notifier.tables import ATTEMPT_COLUMNS, attempts, dead_letters, lanes
from shared.clock import to_ms
from shared.contracts.event import Event
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, JsonRows, Query, Row, any_of, array_type, arrays, gathered
from shared.ids import SubscriptionId
from shared.tickets.store import entry_of
from shared.tickets.tables import LOG_COLUMNS

LaneKey = tuple[str, str, str]

# A lane that owes nothing (due_at NULL) starts afresh at the new events; one that is owed or claimed just owes more.
# What only waits (nobody's, nothing failed) is due as soon as any of it is: news that are urgent wake it.
_BUMP = """
ON CONFLICT (subscription, ticket, run) DO UPDATE SET
  acked_seq = CASE WHEN l.due_at IS NULL THEN excluded.acked_seq ELSE l.acked_seq END,
  last_seq = excluded.last_seq,
  due_at = CASE WHEN l.due_at IS NULL OR (l.claim IS NULL AND l.attempts = 0 AND excluded.due_at < l.due_at)
    THEN excluded.due_at ELSE l.due_at END,
  claim = CASE WHEN l.due_at IS NULL THEN excluded.claim ELSE l.claim END"""
_INTO = "INSERT INTO lanes AS l (subscription, ticket, acked_seq, last_seq, attempts, due_at, claim)"


def bump_postgresql(first: int, where: str = "true") -> str:
    """Its arrays are the parameters from number `first` on; `where` may look at `v.t`, the ticket."""
    types = ("text[]", "text[]", "int[]", "int[]", "bigint[]", "text[]")
    arrays = ", ".join(f"${number}::{type}" for number, type in enumerate(types, first))
    return f"""
{_INTO} SELECT v.s, v.t, v.acked, v.last, 0, v.due, v.claim
FROM unnest({arrays}) AS v(s, t, acked, last, due, claim) WHERE {where} ORDER BY v.s, v.t{_BUMP}
RETURNING subscription, ticket, claim"""


BUMP_POSTGRESQL = bump_postgresql(1)
BUMPED = JsonRows(("subscription", "ticket", "acked_seq", "last_seq", "due_at", "claim"))
BUMP_SQLITE = (
    f"{_INTO} SELECT v.subscription, v.ticket, v.acked_seq, v.last_seq, 0, v.due_at, v.claim"
    f" FROM ({BUMPED.select}) v WHERE true{_BUMP}"
)
BUMPED_SQLITE = f"""
SELECT json_group_array(json_object('subscription', l.subscription, 'ticket', l.ticket))
FROM ({BUMPED.select}) v CROSS JOIN lanes l
WHERE l.subscription = v.subscription AND l.ticket = v.ticket AND l.run = '' AND l.claim = v.claim"""

# A cursor never goes back: a worker that was stopped may not know that its last record was written after all. The
# attempt is written in the same statement, whoever has the lane by now: it was made.
_RECORDED_IN = 9
_TRIED = ", ".join(f"${i}::{array_type(attempts.c[c])}" for i, c in enumerate(ATTEMPT_COLUMNS, 1 + _RECORDED_IN))
RECORD_POSTGRESQL = f"""
WITH tried AS (INSERT INTO attempts ({", ".join(f'"{c}"' for c in ATTEMPT_COLUMNS)}) SELECT * FROM unnest({_TRIED})),
v AS (
  SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::int[], $6::int[], $7::bigint[], $8::boolean[], $9::int[])
  AS v(subscription, ticket, run, claim, acked_seq, attempts, due_at, keep, seen)),
held AS (
  SELECT l.subscription, l.ticket, l.run FROM lanes l JOIN v USING (subscription, ticket, run)
  WHERE l.claim = v.claim ORDER BY l.subscription, l.ticket, l.run FOR UPDATE OF l)
UPDATE lanes l SET
  acked_seq = CASE WHEN v.acked_seq > l.acked_seq THEN v.acked_seq ELSE l.acked_seq END,
  attempts = CASE WHEN v.acked_seq >= l.acked_seq THEN v.attempts ELSE l.attempts END,
  due_at = CASE WHEN l.last_seq > v.seen THEN 0 WHEN l.last_seq > v.acked_seq THEN v.due_at END,
  claim = CASE WHEN l.last_seq > v.acked_seq AND v.keep THEN l.claim END
FROM held JOIN v USING (subscription, ticket, run)
WHERE l.subscription = held.subscription AND l.ticket = held.ticket AND l.run = held.run AND l.claim = v.claim
RETURNING l.subscription, l.ticket, l.run, l.last_seq, l.claim"""
RECORDED = JsonRows(("subscription", "ticket", "run", "claim", "acked_seq", "attempts", "due_at", "keep", "seen"))
_OF_RECORDED = f"FROM ({RECORDED.select}) v"
_SAME = "l.subscription = v.subscription AND l.ticket = v.ticket AND l.run = v.run"
# What the update is going to leave: in a transaction of SQLite nobody comes in between.
RECORDING_SQLITE = f"""
SELECT json_group_array(json_object('subscription', l.subscription, 'ticket', l.ticket, 'run', l.run,
  'last_seq', l.last_seq, 'claim', CASE WHEN l.last_seq > v.acked_seq AND v.keep THEN l.claim END))
{_OF_RECORDED} CROSS JOIN lanes l WHERE {_SAME} AND l.claim = v.claim"""
RECORD_SQLITE = f"""
UPDATE lanes AS l SET
  acked_seq = max(v.acked_seq, l.acked_seq),
  attempts = CASE WHEN v.acked_seq >= l.acked_seq THEN v.attempts ELSE l.attempts END,
  due_at = CASE WHEN l.last_seq > v.seen THEN 0 WHEN l.last_seq > v.acked_seq THEN v.due_at END,
  claim = CASE WHEN l.last_seq > v.acked_seq AND v.keep THEN l.claim END
{_OF_RECORDED} WHERE {_SAME} AND l.claim = v.claim"""

# OFFSET 0 has each lane looked for by its key: planned in a young database, the join once read all that was due.
CLAIM_POSTGRESQL = """
WITH held AS (
  SELECT h.subscription, h.ticket, h.run
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS v(subscription, ticket, run, due_at)
  CROSS JOIN LATERAL (
    SELECT * FROM lanes WHERE subscription = v.subscription AND ticket = v.ticket AND run = v.run
    OFFSET 0 FOR UPDATE SKIP LOCKED) h
  WHERE h.due_at = v.due_at)
UPDATE lanes l SET due_at = $5, claim = $6 FROM held
WHERE l.subscription = held.subscription AND l.ticket = held.ticket AND l.run = held.run
RETURNING l.subscription, l.ticket, l.run, l.acked_seq, l.last_seq, l.attempts"""
CLAIMED = JsonRows(("subscription", "ticket", "run", "due_at"))
CLAIM_SQLITE = f"""
UPDATE lanes AS l SET due_at = ?3, claim = ?2 FROM ({CLAIMED.select}) v WHERE {_SAME} AND l.due_at = v.due_at"""
CLAIMED_SQLITE = f"""
SELECT json_group_array(json_object('subscription', l.subscription, 'ticket', l.ticket, 'run', l.run,
  'acked_seq', l.acked_seq, 'last_seq', l.last_seq, 'attempts', l.attempts))
FROM ({CLAIMED.select}) v CROSS JOIN lanes l WHERE {_SAME} AND l.claim = ?2"""

OWED_AT_ONCE = 20
_OWED = f"""
JOIN ticket_log l ON l.ticket = v.ticket AND l.seq > v.acked AND l.seq <= v.acked + {OWED_AT_ONCE} AND l.seq <= v.last
ORDER BY v.lane, l.seq"""
_ENTRY = ", ".join("l." + name for name in LOG_COLUMNS)
OWED_POSTGRESQL = f"""
SELECT {_ENTRY}, v.lane
FROM unnest($1::text[], $2::int[], $3::int[]) WITH ORDINALITY AS v(ticket, acked, last, lane) {_OWED}"""
OWING = JsonRows(("ticket", "acked", "last", "lane"))
OWED_SQLITE = f"SELECT {_ENTRY}, v.lane FROM ({OWING.select}) v CROSS {_OWED}"

_is_due = lanes.c.due_at <= bindparam("now")
DUE = Query(
    select(lanes.c.subscription, lanes.c.ticket, lanes.c.run, lanes.c.due_at)
    .where(_is_due, not_(any_of(lanes.c.subscription, "excluded")))
    .order_by(lanes.c.due_at)
    .limit(bindparam("most"))
)
COUNT_DUE = Query(select(func.count().label("n")).where(_is_due))
FREE_ALL = Query(update(lanes).where(lanes.c.claim.is_not(None)).values(due_at=bindparam("now"), claim=None))
_head = func.substr(lanes.c.claim, 1, bindparam("length", type_=Integer()))
_claimed_so = and_(lanes.c.due_at.is_not(None), _head == bindparam("beginning", type_=Text()))
LOCK_CLAIMED = Query(
    select(lanes.c.ticket)
    .where(_claimed_so)
    .order_by(lanes.c.subscription, lanes.c.ticket, lanes.c.run)
    .with_for_update()
)
FREE_CLAIMED = Query(update(lanes).where(_claimed_so).values(due_at=bindparam("now"), claim=None))
PUT_DEAD = BulkInsert(
    dead_letters,
    ("subscription", "ticket", "seq", "reason", "attempts", "at"),
    conflict="(subscription, ticket, seq) DO UPDATE SET reason = excluded.reason, attempts = excluded.attempts,"
    " at = excluded.at, replayed_at = NULL",
)


@dataclass(frozen=True, slots=True)
class Due:
    """A lane to look at, as it was read; claiming it succeeds only while `due_at` is still the same."""

    subscription: SubscriptionId
    ticket: str
    run: str
    due_at: int

    @property
    def key(self) -> LaneKey:
        return self.subscription, self.ticket, self.run


@dataclass(frozen=True, slots=True)
class Kept:
    """The record was written. `claimed`: more is owed, up to `last_seq`, and the worker still has the lane."""

    last_seq: int
    claimed: bool


@dataclass(frozen=True, slots=True)
class Stale:
    """The record changed nothing: the claim had run out and the lane is (or was) somebody else's, or is gone."""


async def bump(
    tx: Tx, bumps: Sequence[Bump], claimable: Collection[LaneKey], *, token: str, now: datetime, until: datetime
) -> set[LaneKey]:
    """These events are owed from now on. The `claimable` lanes that were free are claimed by `token`: answers which."""
    rows = bumped_rows(bumps, claimable, token=token, now=now, until=until)
    if not rows:
        return set()
    if tx.dialect == "postgresql":
        found = await tx.raw.fetch(BUMP_POSTGRESQL, *map(list, zip(*rows, strict=True)))
        return {(row["subscription"], row["ticket"], "") for row in found if row["claim"] == token}
    parameters = BUMPED.parameters(rows)
    tx.raw.execute(BUMP_SQLITE, parameters)
    return {(row["subscription"], row["ticket"], "") for row in gathered(tx.raw, BUMPED_SQLITE, parameters)}


def bumped_rows(
    bumps: Sequence[Bump], claimable: Collection[LaneKey], *, token: str, now: datetime, until: datetime
) -> Sequence[tuple[Any, ...]]:
    rows = []
    for b in bumps:
        due, claim = (until, token) if b.key in claimable else (due_at(b.subscription.preferences, b.events, now), None)
        rows.append((b.subscription.id, b.ticket, b.acked_seq, b.last_seq, to_ms(due), claim))
    return rows


async def due(database: Database, now: datetime, *, full: Collection[str], most: int) -> Sequence[Due]:
    """Those that were due first, but none of the `full` subscriptions."""
    rows = await database.fetch(DUE, now=to_ms(now), excluded=sorted(full), most=most)
    return [Due(row["subscription"], row["ticket"], row["run"], row["due_at"]) for row in rows]


async def claim(tx: Tx, wanted: Sequence[Due], *, token: str, until: datetime) -> Sequence[Row]:
    """Those that nobody else was quicker at: subscription, ticket, run, acked_seq, last_seq, attempts."""
    rows = [(*d.key, d.due_at) for d in wanted]
    if tx.dialect == "postgresql":
        found: Sequence[Row] = await tx.raw.fetch(
            CLAIM_POSTGRESQL, *map(list, zip(*rows, strict=True)), to_ms(until), token
        )
        return found
    (packed,) = CLAIMED.parameters(rows)
    tx.raw.execute(CLAIM_SQLITE, (packed, token, to_ms(until)))
    found = gathered(tx.raw, CLAIMED_SQLITE, (packed, token))
    return found


async def owed(tx: Tx, claims: Sequence[Claim]) -> Sequence[Sequence[Event]]:
    """The first entries that each lane owes, wanted or not; those of long lanes not all."""
    found: list[Sequence[Event]] = list(await _owed_of_tickets(tx, claims))
    for number, c in enumerate(claims):
        if is_notices(c.ticket):
            most = min(c.last_seq - c.acked_seq, OWED_AT_ONCE)
            found[number] = await entries(tx, c.ticket, after=c.acked_seq, most=most)
    return found


async def _owed_of_tickets(tx: Tx, claims: Sequence[Claim]) -> Sequence[Sequence[Event]]:
    found: list[list[Event]] = [[] for _ in claims]
    if not claims:
        return found
    rows = [(c.ticket, c.acked_seq, c.last_seq, number) for number, c in enumerate(claims, 1)]
    if tx.dialect == "postgresql":
        owed = await tx.raw.fetch(OWED_POSTGRESQL, *map(list, zip(*(row[:3] for row in rows), strict=True)))
    else:
        owed = tx.raw.execute(OWED_SQLITE, OWING.parameters(rows)).fetchall()
    for row in owed:
        found[row["lane"] - 1].append(entry_of(row))
    return found


async def record(
    tx: Tx, records: Sequence[Record], now: datetime, *, tried: Sequence[tuple[Any, ...]] = ()
) -> Sequence[Kept | Stale]:
    """Fenced: a record whose claim is no longer in the row changes nothing, dead letter included.

    `tried` are attempts' rows, written in any case. One statement on PostgreSQL where there are no dead letters.
    """
    rows = await _write(tx, records, tried)
    kept = {
        (row["subscription"], row["ticket"], row["run"]): Kept(row["last_seq"], row["claim"] is not None)
        for row in rows
    }
    dead = [
        (*r.claim.key[:2], dead.seq, dead.reason, dead.attempts, to_ms(now))
        for r in records
        if r.claim.key in kept
        for dead in r.dead
    ]
    await tx.insert(PUT_DEAD, dead)
    return [kept.get(r.claim.key, Stale()) for r in records]


async def _write(tx: Tx, records: Sequence[Record], tried: Sequence[tuple[Any, ...]]) -> Sequence[Row]:
    rows = [
        (*r.claim.key, r.claim.token, r.acked_seq, r.attempts, to_ms(r.due_at), r.keep, r.seen) for r in records
    ]  # fmt: skip
    if tx.dialect == "postgresql":
        made = arrays(tried, len(ATTEMPT_COLUMNS))
        found: Sequence[Row] = await tx.raw.fetch(RECORD_POSTGRESQL, *map(list, zip(*rows, strict=True)), *made)
        return found
    await tx.insert(PUT_ATTEMPTS, tried)
    parameters = RECORDED.parameters(rows)
    found = gathered(tx.raw, RECORDING_SQLITE, parameters)
    tx.raw.execute(RECORD_SQLITE, parameters)
    return found


async def free_all(tx: Tx, now: datetime) -> None:
    """Every claim is void. Only where no other process can hold one: the embedded center at its start."""
    await tx.fetch(FREE_ALL, now=to_ms(now))


async def free_claimed(tx: Tx, beginning: str, now: datetime) -> None:
    """Claims whose token begins like this are void: those of a process that is no more."""
    await tx.fetch(LOCK_CLAIMED, beginning=beginning, length=len(beginning))
    await tx.fetch(FREE_CLAIMED, beginning=beginning, length=len(beginning), now=to_ms(now))


async def count_due(database: Database, now: datetime) -> int:
    (row,) = await database.fetch(COUNT_DUE, now=to_ms(now))
    return int(row["n"])
