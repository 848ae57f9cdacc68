"""Events in: each goes into the feed once, in order, and in the same transaction every lane that wants it owes it.

What the bus brings twice is recognised by the marks, what it leaves out is read from the log. Lanes that are free and
for which there is room are claimed right there, so that the delivery starts from memory, without another look.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.notifier.handlers.delivery import Deliveries
from services.notifier.handlers.room import Room
from services.notifier.metrics import NotifierMetrics
from services.notifier.model.lane import Bump, Missing, bumps, sift
from services.notifier.model.subscription import Place, Subscription
from services.notifier.pipeline.stages import Readers
from services.notifier.store import feeding, places, subscriptions
from shared.clock import Clock
from shared.contracts.event import Event
from shared.db.port import Database, Tx
from shared.ids import TicketId
from shared.tickets import store as tickets


@dataclass(frozen=True, slots=True)
class Batch:
    """What is new of some events by the marks that were `known`, holes filled, and who is owed it."""

    fresh: Sequence[Event]
    known: Mapping[TicketId, int]
    owed: Sequence[Bump]


@dataclass(frozen=True, slots=True)
class Fed:
    """`claimed` are the lanes this transaction took; `left` are due and for whoever has room first.

    `again`: what was new by marks that were others by then.
    """

    events: int = 0
    claimed: Sequence[Bump] = ()
    left: int = 0
    again: Sequence[Event] = ()


class Feeder:
    """`readers` answers who may read an account's tickets: itself, and a parent that its contract lets."""

    def __init__(
        self, database: Database, deliveries: Deliveries, clock: Clock, metrics: NotifierMetrics, *, readers: Readers
    ) -> None:
        self._database = database
        self._deliveries = deliveries
        self._clock = clock
        self._metrics = metrics
        self._readers = readers
        self._under_way: set[asyncio.Task[int]] = set()

    async def on_events(self, events: Sequence[Event]) -> int:
        """Answers how many went into the feed. Repeatable; cancelling it cancels no transaction: see `finish`."""
        task = asyncio.create_task(self._feed(events))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return await asyncio.shield(task)

    async def finish(self) -> None:
        await asyncio.gather(*self._under_way, return_exceptions=True)

    async def _feed(self, events: Sequence[Event]) -> int:
        """On PostgreSQL first as if these were each ticket's next, which one statement finds out and feeds.

        They nearly always are: the bus brings a ticket's events in order, and to one process.
        """
        count, as_next = 0, self._database.dialect == "postgresql"
        while events:
            fed = await self._feed_new(events, as_next=as_next)
            count, events, as_next = count + fed.events, fed.again, False
        return count

    async def _feed_new(self, events: Sequence[Event], *, as_next: bool) -> Fed:
        token, room = self._deliveries.new_token(), self._deliveries.room()

        async def write(tx: Tx) -> Fed:
            known = _before(events) if as_next else await feeding.marks(tx, (e.ticket for e in events))
            return await self._put(tx, await self._batch(tx, events, known), token, room)

        fed = await (self._database.single if as_next else self._database.transact)(write)
        self._deliveries.start(fed.claimed, token)
        if fed.left:
            self._deliveries.look()
        self._metrics.fed(fed.events)
        return fed

    async def _batch(self, tx: Tx, events: Sequence[Event], known: Mapping[TicketId, int]) -> Batch:
        fresh: list[Event] = []
        for item in sift(events, known):
            if isinstance(item, Missing):
                fresh += await tickets.entries(tx, item.ticket, after=item.after, most=item.before - item.after - 1)
            else:
                fresh.append(item)
        if not fresh:
            return Batch(fresh, known, ())
        readers = {e.account: self._readers(e.account) for e in fresh}
        wanted_by = await subscriptions.of_accounts(tx, {account for of in readers.values() for account in of})
        where = await _places(tx, fresh, wanted_by)
        return Batch(fresh, known, bumps(fresh, wanted_by, readers=readers, places=where))

    async def _put(self, tx: Tx, batch: Batch, token: str, room: Room) -> Fed:
        if not batch.fresh:
            return Fed()
        fresh, known, owed, now = batch.fresh, batch.known, batch.owed, self._clock.now()
        at_once = (b for b in owed if not b.subscription.preferences.holds)
        claimable = {b.key for b in at_once if room.enter(b.subscription.id)}
        until = self._deliveries.claimed_until(now)
        put = await feeding.put(tx, fresh, known, owed, claimable, token=token, now=now, until=until)
        again = [e for e in fresh if e.ticket not in put.tickets]
        claimed = [b for b in owed if b.key in put.claimed]
        return Fed(len(fresh) - len(again), claimed, len(owed) - len(claimable), again)


def _before(events: Sequence[Event]) -> Mapping[TicketId, int]:
    """The marks of tickets whose next event is the first of these."""
    known: dict[TicketId, int] = {}
    for event in events:
        known.setdefault(event.ticket, event.seq - 1)
    return known


async def _places(tx: Tx, events: Sequence[Event], asking: Sequence[Subscription]) -> Mapping[TicketId, Place]:
    """Nothing, as long as nobody asks for circuits or sites."""
    if not any(s.by_place for s in asking):
        return {}
    return await places.places(tx, (e.ticket for e in events))
