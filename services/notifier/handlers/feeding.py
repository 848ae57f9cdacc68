"""Events in: each goes into the feed once, in order, and in the same transaction every lane that wants it owes it.

What the bus brings twice is recognised by the marks, what it leaves out is read from the log. Lanes that are free and
for which there is room are claimed right there, so that the delivery starts from memory, without another look.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.notifier.handlers.delivery import Deliveries
from services.notifier.metrics import NotifierMetrics
from services.notifier.model.lane import Bump, Missing, bumps, sift
from services.notifier.model.subscription import Place, Subscription
from services.notifier.pipeline.stages import Readers
from services.notifier.store import feed, lanes, places, subscriptions
from shared.clock import Clock
from shared.contracts.event import Event
from shared.db.port import Database, Tx
from shared.ids import TicketId
from shared.tickets import store as tickets


@dataclass(frozen=True, slots=True)
class Fed:
    """`claimed` are the lanes this transaction took; `left` are due and for whoever has room first."""

    events: int
    claimed: Sequence[Bump] = ()
    left: int = 0


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
        self._under_way: asyncio.Task[None] | None = None

    async def on_events(self, events: Sequence[Event]) -> None:
        """Repeatable. Cancelling the caller does not cancel a transaction: see `finish`."""
        self._under_way = asyncio.create_task(self._feed(events))
        await asyncio.shield(self._under_way)

    async def finish(self) -> None:
        if self._under_way is not None:
            await asyncio.gather(self._under_way, return_exceptions=True)

    async def _feed(self, events: Sequence[Event]) -> None:
        token, room = self._deliveries.new_token(), self._deliveries.room()
        readers = {e.account: self._readers(e.account) for e in events}

        async def write(tx: Tx) -> Fed:
            wanted_by = await subscriptions.of_accounts(tx, {reader for of in readers.values() for reader in of})
            await feed.lock(tx)
            fresh = await self._fresh(tx, events)
            if not fresh:
                return Fed(0)
            now = self._clock.now()
            await feed.append(tx, fresh, now)
            where = await _places(tx, fresh, wanted_by)
            owed = bumps(fresh, wanted_by, readers=readers, places=where)
            at_once = (b for b in owed if not b.subscription.preferences.holds)
            claimable = {b.key for b in at_once if room.enter(b.subscription.id)}
            until = self._deliveries.claimed_until(now)
            taken = await lanes.bump(tx, owed, claimable, token=token, now=now, until=until)
            return Fed(len(fresh), [b for b in owed if b.key in taken], len(owed) - len(claimable))

        fed = await self._database.transact(write)
        self._deliveries.start(fed.claimed, token)
        if fed.left:
            self._deliveries.look()
        self._metrics.fed(fed.events)

    async def _fresh(self, tx: Tx, events: Sequence[Event]) -> Sequence[Event]:
        """What was not fed before, in order, holes filled from the log."""
        found = sift(events, await feed.marks(tx, (e.ticket for e in events)))
        fresh: list[Event] = []
        for item in found:
            if isinstance(item, Missing):
                fresh += await tickets.entries(tx, item.ticket, after=item.after, most=item.before - item.after - 1)
            else:
                fresh.append(item)
        return fresh


async def _places(tx: Tx, events: Sequence[Event], asking: Sequence[Subscription]) -> Mapping[TicketId, Place]:
    """Nothing, as long as nobody asks for circuits or sites."""
    if not any(s.by_place for s in asking):
        return {}
    return await places.places(tx, (e.ticket for e in events))
