"""The stages before the record: none of them writes anything, and none but the first reads the database."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime

from services.notifier.channels.port import Channel, Notice
from services.notifier.model import lane
from services.notifier.model.holding import MOST_MERGED, Wait, parcel
from services.notifier.model.lane import Claim
from services.notifier.model.outcome import Attempt, Delivered, GaveUp, Made, Refused, Retry
from services.notifier.pipeline.job import Job, Settled
from services.notifier.store import logs
from shared.clock import Clock
from shared.db.port import Database
from shared.ids import AccountId

LOG_PAGE = 100
Readers = Callable[[AccountId], frozenset[AccountId]]


class Due:
    """What the lane owes next, from memory or from the log; where news may have to wait, all that might go along."""

    def __init__(self, database: Database, claimed_until: Callable[[datetime], datetime], clock: Clock) -> None:
        self._database = database
        self._claimed_until = claimed_until
        self._clock = clock

    async def take(self, job: Job) -> Job | Settled:
        claim, known = job.claim, job.known
        enough = MOST_MERGED if claim.subscription.preferences.holds else 1
        while len(known) < enough and (after := known[-1].seq if known else claim.acked_seq) < claim.last_seq:
            most = min(LOG_PAGE, claim.last_seq - after)
            page = await logs.entries(self._database, claim.ticket, after=after, most=most)
            known.extend(page)
            if not page:
                break
        if known:
            return job
        return Settled(lane.passed(claim, claim.last_seq, self._claimed_until(self._clock.now())))


class Wanted:
    """Leaves what the subscription wants; whether a parent still may read the account is asked anew each time."""

    def __init__(self, readers: Readers, claimed_until: Callable[[datetime], datetime], clock: Clock) -> None:
        self._readers = readers
        self._claimed_until = claimed_until
        self._clock = clock

    async def take(self, job: Job) -> Job | Settled:
        subscription, place, known = job.claim.subscription, job.claim.place, job.known
        last = known[-1].seq
        wanted = [
            event
            for event in known
            if subscription.wants(event, place)
            and (event.account == subscription.account or subscription.account in self._readers(event.account))
        ]
        if not wanted:
            known.clear()
            return Settled(lane.passed(job.claim, last, self._claimed_until(self._clock.now())))
        if len(wanted) < len(known):
            known.clear()
            known.extend(wanted)
        return job


class Duplicate:
    """Drops what the lane's cursor has passed already."""

    def __init__(self, claimed_until: Callable[[datetime], datetime], clock: Clock) -> None:
        self._claimed_until = claimed_until
        self._clock = clock

    async def take(self, job: Job) -> Job | Settled:
        known, acked = job.known, job.claim.acked_seq
        while known and known[0].seq <= acked:
            known.popleft()
        if known:
            return job
        return Settled(lane.passed(job.claim, acked, self._claimed_until(self._clock.now())))


class Hold:
    """Takes what goes out now off `known`: the next one, or several that waited together, or nothing yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def take(self, job: Job) -> Job | Settled:
        preferences, known = job.claim.subscription.preferences, job.known
        if not preferences.holds or job.claim.run:  # a replay was asked for: now
            job.events = (known.popleft(),)
            return job
        met = parcel(preferences, tuple(known), self._clock.now())
        if isinstance(met, Wait):
            known.clear()
            return Settled(lane.waiting(job.claim, met.until))
        job.events = tuple(known.popleft() for _ in range(met.count))
        return job


class Render:
    """The channel's words for it; the same ones at every try."""

    def __init__(self, channels: Mapping[str, Channel], database: Database) -> None:
        self._channels = channels
        self._database = database

    async def take(self, job: Job) -> Job:
        subscription, events = job.claim.subscription, job.events
        channel = self._channels.get(subscription.channel)
        if channel is not None:
            upto = events[-1].seq
            reads = channel.reads_history
            history = await logs.entries(self._database, job.claim.ticket, after=0, most=upto) if reads else ()
            job.message = channel.render(Notice(subscription, events, history))
        return job


class Deliver:
    """One attempt, judged. Nothing is open while it is made: no transaction, no lock."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        clock: Clock,
        *,
        claimed_until: Callable[[datetime], datetime],
        jitter: Callable[[], float],
    ) -> None:
        self._channels = channels
        self._clock = clock
        self._claimed_until = claimed_until
        self._jitter = jitter

    async def take(self, job: Job) -> Settled:
        channel = self._channels.get(job.claim.subscription.channel)
        loop = asyncio.get_running_loop()
        started = loop.time()
        if channel is None:
            attempt = Attempt(Retry("not_configured", ours=True))
        else:
            attempt = await channel.deliver(job.claim.subscription, job.message)
        made = Made(job.events, attempt, loop.time() - started)
        return self._judged(job.claim, made)

    def _judged(self, claim: Claim, made: Made) -> Settled:
        now, events = self._clock.now(), made.events
        until = self._claimed_until(now)
        match made.attempt.outcome:
            case Delivered():
                return Settled(lane.passed(claim, events[-1].seq, until), made)
            case Retry() | Refused() | GaveUp() as outcome:
                return Settled(lane.failed(claim, events, outcome, now=now, until=until, jitter=self._jitter()), made)
