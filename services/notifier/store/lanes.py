"""Lanes in and out: who owes whom what, and whose hands it is in.

A claim is a token in the row. Whatever a worker writes is fenced by it: once the row carries another token, or none,
the write changes nothing and says so. Statements lock rows in one order (subscription, ticket, run), or skip those that
are locked.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Text, and_, bindparam, func, not_, select, update

from services.notifier.model.holding import due_at
from services.notifier.model.lane import Bump, Claim, Record
from services.notifier.store.logs import entries
from services.notifier.store.notices import is_notices
from services.notifier.tables import dead_letters, lanes
from shared.clock import to_ms
from shared.contracts.event import Event
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of
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
  attempts = CASE WHEN l.due_at IS NULL THEN 0 ELSE l.attempts END,
  due_at = CASE WHEN l.due_at IS NULL OR (l.claim IS NULL AND l.attempts = 0 AND excluded.due_at < l.due_at)
    THEN excluded.due_at ELSE l.due_at END,
  claim = CASE WHEN l.due_at IS NULL THEN excluded.claim ELSE l.claim END
RETURNING subscription, ticket, claim"""
_INTO = "INSERT INTO lanes AS l (subscription, ticket, acked_seq, last_seq, attempts, due_at, claim) "
BUMP_POSTGRESQL = (
    _INTO + "SELECT v.s, v.t, v.acked, v.last, 0, v.due, v.claim FROM unnest("
    "$1::text[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::text[]) AS v(s, t, acked, last, due, claim)"
    " ORDER BY v.s, v.t" + _BUMP
)
BUMP_SQLITE = _INTO + "VALUES (?, ?, ?, ?, 0, ?, ?)" + _BUMP

# A cursor never goes back: a worker that was stopped may not know that its last record was written after all.
RECORD_POSTGRESQL = """
WITH v AS (
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
RECORD_SQLITE = """
UPDATE lanes SET
  acked_seq = CASE WHEN :acked > acked_seq THEN :acked ELSE acked_seq END,
  attempts = CASE WHEN :acked >= acked_seq THEN :attempts ELSE attempts END,
  due_at = CASE WHEN last_seq > :seen THEN 0 WHEN last_seq > :acked THEN :due END,
  claim = CASE WHEN last_seq > :acked AND :keep THEN claim END
WHERE subscription = :subscription AND ticket = :ticket AND run = :run AND claim = :claim
RETURNING subscription, ticket, run, last_seq, claim"""

CLAIM_POSTGRESQL = """
WITH held AS (
  SELECT l.subscription, l.ticket, l.run
  FROM lanes l JOIN unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) AS v(subscription, ticket, run, due_at)
  USING (subscription, ticket, run) WHERE l.due_at = v.due_at FOR UPDATE OF l SKIP LOCKED)
UPDATE lanes l SET due_at = $5, claim = $6 FROM held
WHERE l.subscription = held.subscription AND l.ticket = held.ticket AND l.run = held.run
RETURNING l.subscription, l.ticket, l.run, l.acked_seq, l.last_seq, l.attempts"""
CLAIM_SQLITE = """
UPDATE lanes SET due_at = ?, claim = ? WHERE subscription = ? AND ticket = ? AND run = ? AND due_at = ?
RETURNING subscription, ticket, run, acked_seq, last_seq, attempts"""

OWED_AT_ONCE = 20
OWED_POSTGRESQL = f"""
SELECT {", ".join("l." + name for name in LOG_COLUMNS)}, v.lane
FROM unnest($1::text[], $2::int[], $3::int[]) WITH ORDINALITY AS v(ticket, acked, last, lane)
JOIN ticket_log l ON l.ticket = v.ticket AND l.seq > v.acked AND l.seq <= LEAST(v.last, v.acked + {OWED_AT_ONCE})
ORDER BY v.lane, l.seq"""

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
    rows = []
    for b in bumps:
        due, claim = (until, token) if b.key in claimable else (due_at(b.subscription.preferences, b.events, now), None)
        rows.append((b.subscription.id, b.ticket, b.acked_seq, b.last_seq, to_ms(due), claim))
    if not rows:
        return set()
    found: list[Row] = []
    if tx.dialect == "postgresql":
        found = await tx.raw.fetch(BUMP_POSTGRESQL, *map(list, zip(*rows, strict=True)))
    else:
        for row in rows:
            found += tx.raw.execute(BUMP_SQLITE, row).fetchall()
    return {(row["subscription"], row["ticket"], "") for row in found if row["claim"] == token}


async def due(database: Database, now: datetime, *, full: Collection[str], most: int) -> Sequence[Due]:
    """Those that were due first, but none of the `full` subscriptions."""
    rows = await database.fetch(DUE, now=to_ms(now), excluded=sorted(full), most=most)
    return [Due(row["subscription"], row["ticket"], row["run"], row["due_at"]) for row in rows]


async def claim(tx: Tx, wanted: Sequence[Due], *, token: str, until: datetime) -> Sequence[Row]:
    """Those that nobody else was quicker at: subscription, ticket, run, acked_seq, last_seq, attempts."""
    if tx.dialect == "postgresql":
        columns = map(list, zip(*((*d.key, d.due_at) for d in wanted), strict=True))
        rows: Sequence[Row] = await tx.raw.fetch(CLAIM_POSTGRESQL, *columns, to_ms(until), token)
        return rows
    found: list[Row] = []
    for d in wanted:
        found += tx.raw.execute(CLAIM_SQLITE, (to_ms(until), token, *d.key, d.due_at)).fetchall()
    return found


async def owed(tx: Tx, claims: Sequence[Claim]) -> Sequence[Sequence[Event]]:
    """The first entries that each lane owes, wanted or not; those of long lanes not all."""
    if tx.dialect == "postgresql":
        found: list[Sequence[Event]] = list(await _owed_postgresql(tx, claims))
        for number, c in enumerate(claims):
            if is_notices(c.ticket):
                found[number] = await entries(tx, c.ticket, after=c.acked_seq, most=_most(c))
        return found
    return [await entries(tx, c.ticket, after=c.acked_seq, most=_most(c)) for c in claims]


def _most(claim: Claim) -> int:
    return min(claim.last_seq - claim.acked_seq, OWED_AT_ONCE)


async def _owed_postgresql(tx: Tx, claims: Sequence[Claim]) -> Sequence[Sequence[Event]]:
    found: list[list[Event]] = [[] for _ in claims]
    columns = map(list, zip(*((c.ticket, c.acked_seq, c.last_seq) for c in claims), strict=True))
    for row in await tx.raw.fetch(OWED_POSTGRESQL, *columns) if claims else ():
        found[row["lane"] - 1].append(entry_of(row))
    return found


async def record(tx: Tx, records: Sequence[Record], now: datetime) -> Sequence[Kept | Stale]:
    """Fenced: a record whose claim is no longer in the row changes nothing, dead letter included."""
    rows = await _write(tx, records)
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


async def _write(tx: Tx, records: Sequence[Record]) -> Sequence[Row]:
    values: list[Mapping[str, Any]] = [
        {
            "subscription": r.claim.subscription.id, "ticket": r.claim.ticket, "run": r.claim.run,
            "claim": r.claim.token,
            "acked": r.acked_seq, "attempts": r.attempts, "due": to_ms(r.due_at), "keep": r.keep,
            "seen": r.seen,
        }
        for r in records
    ]  # fmt: skip
    if tx.dialect == "postgresql":
        rows: Sequence[Row] = await tx.raw.fetch(RECORD_POSTGRESQL, *([v[name] for v in values] for name in values[0]))
        return rows
    return [row for v in values for row in tx.raw.execute(RECORD_SQLITE, v).fetchall()]


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
