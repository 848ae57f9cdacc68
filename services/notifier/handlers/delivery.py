"""Events out: one worker a claimed lane, sequential inside it, parallel over lanes, within the room there is.

Nothing is sent inside a transaction, and nothing is recorded but under the claim: a worker whose claim ran out while
it was sending changes nothing, and its event is delivered again by whoever has the lane now.
"""

import asyncio
import logging
import random
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count

from services.notifier.channels.port import Channel
from services.notifier.handlers.recording import GoesOn, Recorder, Writing
from services.notifier.handlers.room import Room
from services.notifier.handlers.troubles import Troubles
from services.notifier.metrics import NotifierMetrics
from services.notifier.model import lane
from services.notifier.model.lane import Bump, Claim
from services.notifier.model.outcome import Delivered, Made
from services.notifier.model.subscription import Subscription
from services.notifier.pipeline.job import Job, Settled, Stage
from services.notifier.pipeline.stages import Deliver, Due, Duplicate, Hold, Readers, Render, Wanted
from services.notifier.store import lanes, subscriptions
from services.notifier.store.dropping import drop_lanes
from services.notifier.store.lanes import Due as DueLane
from services.notifier.store.lanes import Stale
from services.notifier.store.places import places
from shared.bus.wake import Wake
from shared.clock import Clock
from shared.contracts.event import Event
from shared.db.port import Database, Tx
from shared.errors import Unavailable

log = logging.getLogger(__name__)
HANGS_AFTER_S = 1.0


class Deliveries:
    """A claim is good for `claim_for`, longer than any attempt; `jitter` answers numbers in [-1, 1].

    `instance` is a name that stays with the process over restarts; no two have it at the same time.
    """

    def __init__(
        self,
        database: Database,
        channels: Mapping[str, Channel],
        clock: Clock,
        metrics: NotifierMetrics,
        *,
        readers: Readers,
        claim_for: timedelta,
        instance: str | None = None,
        room: Room | None = None,
        jitter: Callable[[], float] = lambda: random.uniform(-1, 1),
    ) -> None:
        self._database = database
        self._channels = channels
        self._clock = clock
        self._metrics = metrics
        self._claim_for = claim_for
        self._room = room or Room()
        self._recorder = Recorder(database, clock, metrics, claim_for=claim_for)
        self._troubles = Troubles(database, clock, look=self.look)
        self._instance = instance and f"{instance}:"
        self._process = f"{self._instance or ''}{secrets.token_hex(8)}"
        self._claims = count(1)
        self._held: dict[tuple[str, ...], Claim] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._is_more = False  # there may be, for whatever room comes to be
        self._waiting: set[str] = set()  # subscriptions that had no room of their own for what they may be owed
        until = self.claimed_until
        self._stages: Sequence[Stage] = (
            Due(database, until, clock), Wanted(readers, until, clock), Duplicate(until, clock), Hold(clock),
            Render(channels, database), Deliver(channels, clock, claimed_until=until, jitter=jitter),
        )  # fmt: skip
        self.wake = Wake()

    @property
    def under_way(self) -> int:
        """Lanes that this process is working on."""
        return len(self._workers)

    def new_token(self) -> str:
        """Never the same twice, in whatever process."""
        return f"{self._process}-{next(self._claims)}"

    async def free_former_claims(self) -> None:
        """Those of whoever had this instance's name before: killed, and not to be waited for."""
        if beginning := self._instance:
            await self._database.transact(lambda tx: lanes.free_claimed(tx, beginning, self._clock.now()))

    def claimed_until(self, now: datetime) -> datetime:
        return now + self._claim_for

    def room(self) -> Room:
        """A copy of the room there is, for a transaction to find out what it may claim."""
        return self._room.copy()

    def start(self, claimed: Iterable[Bump], token: str) -> None:
        """Deliver the events of lanes that were just claimed, from memory."""
        for b in claimed:
            self._room.occupy(b.subscription.id)
            self._begin(Claim(b.subscription, b.ticket, token, b.acked_seq, b.last_seq, place=b.place), b.events)

    def look(self) -> None:
        """There are lanes that are due now."""
        self._is_more = True
        self.wake.set()

    async def claim_due_lanes(self) -> int:
        """Takes up what is due, as far as there is room: retries, lanes that found no room, those of dead workers."""
        self._is_more = False
        self._waiting.clear()
        taken = 0
        while (most := self._room.free) and not self._stopping:
            full = self._room.full()
            self._waiting |= full
            found = await lanes.due(self._database, self._clock.now(), full=full, most=most)
            chosen = []
            for d in found:
                if self._room.enter(d.subscription):
                    chosen.append(d)
                else:
                    self._waiting.add(d.subscription)
            taken += await self._claim(chosen) if chosen else 0
            if len(found) < most:
                return taken
            if not self._room.is_ample:
                break
        self._is_more = True
        return taken

    def take_no_more(self) -> None:
        """Each worker stops after the attempt it is making."""
        self._stopping = True

    async def stop(self, patience_s: float) -> None:
        """Attempts under way may end; what is then still claimed is let go, so that nobody has to wait for it.

        Nothing may claim any more: who calls this has stopped feeding and looking before.
        """
        self.take_no_more()
        if self._workers:
            await asyncio.wait(self._workers, timeout=patience_s)
        for task in self._workers:
            task.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        now = self._clock.now()
        await self._recorder.release([lane.released(claim, now) for claim in self._held.values()])
        for channel in self._channels.values():
            await channel.close()

    async def _claim(self, chosen: Sequence[DueLane]) -> int:
        token = self.new_token()
        until = self.claimed_until(self._clock.now())
        ownerless: set[str] = set()

        async def claim(tx: Tx) -> list[tuple[Claim, Sequence[Event]]]:
            rows = await lanes.claim(tx, chosen, token=token, until=until)
            named = await subscriptions.by_ids(tx, (row["subscription"] for row in rows))
            owners = {id: owner for id, owner in named.items() if owner.standing.disabled_at is None}
            ownerless.update(row["subscription"] for row in rows if row["subscription"] not in owners)
            placed = [row["ticket"] for row in rows if _by_place(owners.get(row["subscription"]))]
            where = await places(tx, placed) if placed else {}
            claims = [
                Claim(
                    owner, row["ticket"], token, row["acked_seq"], row["last_seq"], row["attempts"],
                    where.get(row["ticket"]), row["run"],
                )
                for row in rows
                if (owner := owners.get(row["subscription"]))
            ]  # fmt: skip
            return list(zip(claims, await lanes.owed(tx, claims), strict=True))

        taken: list[tuple[Claim, Sequence[Event]]] = []
        try:
            taken = await self._database.transact(claim)
        finally:
            keys = {claim.key for claim, _ in taken}
            for d in chosen:
                if d.key not in keys:
                    self._room.leave(d.subscription)
        for each, events in taken:
            self._begin(each, events)
        for gone in ownerless:  # an event was fed while its subscription was ended or disabled
            await self._database.transact(lambda tx, gone=gone: drop_lanes(tx, gone))  # type: ignore[misc]
        return len(taken)

    def _begin(self, claim: Claim, known: Sequence[Event]) -> None:
        self._held[*claim.key, claim.token] = claim
        task = asyncio.create_task(self._work(Job(claim, deque(known))))
        self._workers.add(task)
        task.add_done_callback(self._workers.discard)

    async def _work(self, job: Job) -> None:
        claim = job.claim
        subscription, handle = claim.subscription.id, (*claim.key, claim.token)
        goes_on = True
        try:
            while goes_on and not self._stopping:
                self._held[handle] = job.claim
                goes_on = await self._step(job)
            if not goes_on:
                del self._held[handle]
        except Exception as error:  # an edge: a defect in one delivery ends no other
            del self._held[handle]
            what = "waits for the database" if isinstance(error, Unavailable) else "failed by a defect"
            log.warning("a delivery of %s %s; its lane rests", claim.ticket, what, exc_info=error)
        finally:
            self._room.leave(subscription)
            self._is_more |= subscription in self._waiting and self._room.is_open_to(subscription)
            if self._is_more and self._room.is_ample:
                self.wake.set()

    async def _step(self, job: Job) -> bool:
        """One message through the stages, and its record; answers whether there is more to do in the lane."""
        met = await self._settled(job)
        if met.made:
            self._attempted(job.claim.subscription, met.made)
        written = await self._recorder.write(Writing(met, reads_on=not job.known))
        if met.made and not isinstance(written, Stale) and not await self._goes_well(job, met, met.made):
            return False
        if not isinstance(written, GoesOn):
            return False
        job.claim = written.claim
        job.known.extend(written.events)
        return True

    async def _settled(self, job: Job) -> Settled:
        hangs = asyncio.get_running_loop().call_later(HANGS_AFTER_S, self._hangs, job.claim.subscription.id)
        try:
            for stage in self._stages:
                met = await stage.take(job)
                if isinstance(met, Settled):
                    return met
        finally:
            hangs.cancel()
        raise AssertionError("the last stage settles everything")

    def _hangs(self, subscription: str) -> None:
        """What it will come to is seen much later: until then others may have its room."""
        self._room.failed(subscription)
        if self._is_more:
            self.wake.set()

    async def _goes_well(self, job: Job, settled: Settled, made: Made) -> bool:
        """False when this was the attempt that disabled the subscription."""
        subscription, failures = job.claim.subscription, job.claim.attempts + 1
        standing = await self._troubles.hear(subscription, made, failures=failures, given_up=bool(settled.record.dead))
        if standing.disabled_at is not None:
            self._room.forget(subscription.id)
        return standing.disabled_at is None

    def _attempted(self, subscription: Subscription, made: Made) -> None:
        self._metrics.attempted(subscription.channel, made.attempt.outcome, made.seconds)
        if isinstance(made.attempt.outcome, Delivered):
            self._room.succeeded(subscription.id)
        else:
            self._room.failed(subscription.id)


def _by_place(owner: Subscription | None) -> bool:
    return owner is not None and owner.by_place
