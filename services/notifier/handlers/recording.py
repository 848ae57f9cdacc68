"""What became of attempts, written for many lanes in one commit, each under its own claim.

Where a lane owes more, the next events are read right after, so that its worker can go on.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from services.notifier.metrics import NotifierMetrics
from services.notifier.model.lane import Claim, Record
from services.notifier.pipeline.job import Settled
from services.notifier.store import attempts, lanes
from services.notifier.store.lanes import Kept, Stale
from shared.clock import Clock
from shared.contracts.event import Event
from shared.db.commit import GroupCommit
from shared.db.port import Database, Tx
from shared.errors import CenterError, Unavailable

log = logging.getLogger(__name__)
PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class Writing:
    """`reads_on`: the worker knows no further event of its lane."""

    settled: Settled
    reads_on: bool

    @property
    def record(self) -> Record:
        return self.settled.record


@dataclass(frozen=True, slots=True)
class GoesOn:
    """More is owed and the claim still holds; `events` are what was read of it, wanted or not."""

    claim: Claim
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Over:
    """Nothing more to do for this worker; the record was written."""


Written = GoesOn | Over | Stale


class Recorder:
    """`claim_for` is how long a claim is good: a record that can't be written in half that time is given up."""

    def __init__(self, database: Database, clock: Clock, metrics: NotifierMetrics, *, claim_for: timedelta) -> None:
        self._database = database
        self._clock = clock
        self._metrics = metrics
        self._patience_s = claim_for.total_seconds() / 2
        self._commits: GroupCommit[Writing, Written] = GroupCommit(database, self._commit, patience_s=5)
        # Where nothing is given up, one statement writes it all: on PostgreSQL three round trips less.
        self._plain: GroupCommit[Writing, Written] = GroupCommit(database, self._commit, single=True, patience_s=5)

    async def write(self, writing: Writing) -> Written:
        """What is left to do in the lane. What can't be recorded is as good as stale: it will be made again."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience_s
        while loop.time() < deadline:
            try:
                written = await (self._commits if writing.record.dead else self._plain).submit(writing)
            except Unavailable:
                await asyncio.sleep(PAUSE_S)
                continue
            if isinstance(written, Stale):
                self._metrics.stale()
            return written
        log.warning("an attempt for %s could not be recorded: it will be made again", writing.record.claim.ticket)
        return Stale()

    async def release(self, left: Sequence[Record]) -> None:
        """Finish what is being written, then let go of these, if that is possible."""
        await asyncio.gather(self._plain.close(), self._commits.close())
        try:
            if left:
                await self._database.transact(lambda tx: lanes.record(tx, left, self._clock.now()))
        except CenterError as error:
            log.warning("%d lanes stay claimed until their claims run out: %s", len(left), error)

    async def _commit(self, tx: Tx, writings: Sequence[Writing]) -> Sequence[Written]:
        now = self._clock.now()
        made = [attempts.row(w.record.claim, w.settled.made, now) for w in writings if w.settled.made]
        kept = await lanes.record(tx, [w.record for w in writings], now, tried=made)
        written = [_written(w.record, k) for w, k in zip(writings, kept, strict=True)]
        reading = [i for i, w in enumerate(written) if isinstance(w, GoesOn) and writings[i].reads_on]
        claims = [w.claim for i in reading if isinstance(w := written[i], GoesOn)]
        for i, claim, events in zip(reading, claims, await lanes.owed(tx, claims), strict=True):
            written[i] = GoesOn(claim, events)
        return written


def _written(record: Record, kept: Kept | Stale) -> Written:
    if isinstance(kept, Stale):
        return kept
    if not kept.claimed:
        return Over()
    return GoesOn(replace(record.claim, acked_seq=record.acked_seq, last_seq=kept.last_seq, attempts=record.attempts))
