"""The break-glass account: one password, for the hour in which the OpenID provider is away. It exists when it is made.

A try is counted before the password is looked at, in the statement that also asks for the lock: processes that try at
once can't try more often together than one alone. Whether the account does not exist, is locked, or the password is
wrong: the same work is done and the same is said.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeVar

from sqlalchemy import bindparam, delete, select, update

from shared.clock import Clock, to_ms
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query
from shared.errors import Unavailable
from shared.operators.sessions import end_break_glass
from shared.operators.tables import BREAK_GLASS_COLUMNS, break_glass

if TYPE_CHECKING:
    from argon2 import PasswordHasher

T = TypeVar("T")
Outcome = Literal["opened", "wrong", "locked", "absent"]
ID = "only"
SHORTEST, LONGEST = 16, 200
FREE_TRIES = 5
FIRST_LOCK, LONGEST_LOCK = timedelta(minutes=1), timedelta(hours=1)
MOST_WAITING = 4
_b = break_glass.c

PUT = BulkInsert(
    break_glass,
    BREAK_GLASS_COLUMNS,
    conflict="(id) DO UPDATE SET hash = excluded.hash, set_at = excluded.set_at, failures = 0, locked_until = 0",
)
REMOVE = Query(delete(break_glass).returning(_b.id))
EXISTS = Query(select(_b.id))
TRY = Query(
    update(break_glass)
    .where(_b.locked_until <= bindparam("now"))
    .values(failures=_b.failures + 1)
    .returning(_b.hash, _b.failures)
)
LOCK = Query(update(break_glass).values(locked_until=bindparam("until")))
FORGIVE = Query(update(break_glass).values(failures=0, locked_until=0))


class BreakGlass:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        # Each hash takes 64 MiB for a tenth of a second: one at a time, and few in the queue.
        self._one = asyncio.Lock()
        self._waiting = 0

    async def opens(self, password: str) -> Outcome:
        """Raises Unavailable when too many try at once, or the database does not answer."""
        if self._waiting >= MOST_WAITING:
            raise Unavailable("Too many try the break-glass password at once.", retry_after_s=2)
        self._waiting += 1
        try:
            async with self._one:
                return await self._try(password)
        finally:
            self._waiting -= 1

    async def _try(self, password: str) -> Outcome:
        hash = await self._database.transact(self._count)
        fits = await asyncio.to_thread(_verify, hash, password)
        if hash is None:
            return "locked" if await self._database.fetch(EXISTS) else "absent"
        if fits:
            await self._database.single(lambda tx: tx.fetch(FORGIVE))
        return "opened" if fits else "wrong"

    async def _count(self, tx: Tx) -> str | None:
        """The hash to try against; None when there is none, or it is locked."""
        now = self._clock.now()
        rows = await tx.fetch(TRY, now=to_ms(now))
        if not rows:
            return None
        if (lock := lock_after(rows[0]["failures"])) is not None:
            await tx.fetch(LOCK, until=to_ms(now + lock))
        return str(rows[0]["hash"])


def lock_after(failures: int) -> timedelta | None:
    """How long nobody gets in after so many failures in a row: twice as long each time, an hour at the most."""
    if failures < FREE_TRIES:
        return None
    doubled: timedelta = FIRST_LOCK * 2 ** min(failures - FREE_TRIES, 10)
    return min(doubled, LONGEST_LOCK)


async def put_password(tx: Tx, hash: str, now: datetime) -> None:
    """Makes the account, or gives it another password: locks and sessions of the old one are over."""
    await tx.insert(PUT, [(ID, hash, to_ms(now), 0, 0)])
    await end_break_glass(tx)


async def remove(tx: Tx) -> bool:
    """False when there was no account."""
    found = await tx.fetch(REMOVE)
    await end_break_glass(tx)
    return bool(found)


def hashed(password: str) -> str:
    return _with_hasher(lambda hasher: hasher.hash(password))


def _verify(hash: str | None, password: str) -> bool:
    """Without a hash as much work as with one: making it and comparing it cost the same."""
    from argon2.exceptions import VerificationError

    if hash is None:
        hashed(password)
        return False
    try:
        return _with_hasher(lambda hasher: hasher.verify(hash, password))
    except VerificationError:
        return False


def _with_hasher(work: "Callable[[PasswordHasher], T]") -> T:
    from argon2 import PasswordHasher, profiles

    # RFC 9106, second recommended option: argon2id, 64 MiB, 3 passes, 4 lanes.
    return work(PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY))
