"""Measuring: told by events, and walking slowly through all tickets, because an event can be lost and a log cannot.

A ticket is measured from its whole log and only when its row is of another: however often, and in whatever order, it
is told, the same rows stand in the end. Read and computed outside of the transaction that writes.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

import orjson

from services.dispatcher.measures import store
from services.dispatcher.measures.measure import Measure, Place, measure
from shared.clock import Clock
from shared.contracts.event import Event
from shared.db.port import Database
from shared.ids import CircuitId, NetworkCode, TicketId
from shared.registry.store import Registry
from shared.tickets.log import Entry

log = logging.getLogger(__name__)
TOGETHER = 20
STRETCH = 1000
WALK_EVERY = timedelta(seconds=10)
MEASURED_WITHIN = timedelta(minutes=2)
TOLD_WITHIN = timedelta(seconds=30)


class Measuring:
    """`rests`: after each ticket the event loop is left to others so many times as long as it worked.

    Nobody waits for figures; in a burst, customers wait for what the same loop and the same database do for them.
    """

    def __init__(self, database: Database, registry: Registry, clock: Clock, *, rests: float = 0.0) -> None:
        self._rests = rests
        self._database = database
        self._registry = registry
        self._clock = clock

    async def on_events(self, events: Sequence[Event]) -> int:
        """Answers how many rows changed. Raises Unavailable: then these events are to come again."""
        return await self.refresh({event.ticket for event in events})

    async def refresh(self, tickets: Iterable[TicketId]) -> int:
        """Measures those of these whose row is not of their whole log."""
        changed = 0
        for some in _parts(tickets, STRETCH):
            changed += await self.recount(await store.stale(self._database, some))
        return changed

    async def recount(self, tickets: Iterable[TicketId]) -> int:
        """Measures all of these anew; answers how many rows were not as they should be."""
        changed = 0
        for some in _parts(tickets, TOGETHER):
            found = await self._measured(await store.logs(self._database, some))
            changed += await self._database.transact(lambda tx, found=found: store.put(tx, found))  # type: ignore[misc]
        return changed

    async def recount_all(self, seen: Callable[[int], None]) -> int:
        """Every ticket anew, whatever its row says; `seen` is told how many more were looked at. Answers the same."""
        after, changed = "", 0
        while (stretch := await self._stretch(after)).tickets:
            changed += await self.recount(stretch.tickets)
            seen(len(stretch.tickets))
            after = stretch.tickets[-1]
        return changed

    async def recount_totals(self) -> int:
        """Adds all rows up anew; answers how many totals were not their sum."""
        return await self._database.transact(store.recount_totals)

    async def begin(self) -> None:
        """Adds up what was added up by other rules, before anybody looks at it."""
        await self._database.transact(store.take_turn)

    async def walk_on(self) -> bool:
        """The next stretch of the walk, if it is due; True when it found something and is to go on at once."""
        now = self._clock.now()
        after = await store.walk_from(self._database, now, within=MEASURED_WITHIN)
        if after is None:
            return False
        stretch = await self._stretch(after)
        repaired = await self.recount(stretch.stale)
        if repaired:
            log.info("measured %s tickets that no event had told of", repaired)
        to = stretch.tickets[-1] if len(stretch.tickets) == STRETCH else ""
        next_at = self._clock.now() + (timedelta(0) if repaired else WALK_EVERY)
        await store.walked(self._database, to=to, next_at=next_at)
        return repaired > 0

    async def _stretch(self, after: str) -> store.Stretch:
        now = self._clock.now()
        return await store.next_tickets(self._database, now, after=after, told_within=TOLD_WITHIN, most=STRETCH)

    async def _measured(self, logs: Sequence[Sequence[Entry]]) -> list[Measure]:
        circuits = await self._registry.circuits_as_of({id for entries in logs if (id := _circuit(entries))})
        provinces = {network.code: network.province_en for network in self._registry.networks}
        found = []
        for entries in logs:
            began = time.perf_counter()
            circuit = circuits.get(CircuitId(_circuit(entries) or ""))
            if one := _measure(entries, Place.of(circuit[0]) if circuit else None, provinces):
                found.append(one)
            await asyncio.sleep((time.perf_counter() - began) * self._rests)
        return found


def _circuit(entries: Sequence[Entry]) -> str | None:
    """As the report names it; None when the log begins with something else."""
    return str(orjson.loads(entries[0].data).get("circuit", "")) or None


def _measure(entries: Sequence[Entry], place: Place | None, provinces: Mapping[NetworkCode, str]) -> Measure | None:
    try:
        return measure(entries, place, provinces)
    except (ValueError, KeyError):
        log.exception("ticket %s can't be measured", entries[0].ticket)
        return None


def _parts(tickets: Iterable[TicketId], most: int) -> Iterator[Sequence[TicketId]]:
    ids = sorted(tickets)
    return (ids[begin : begin + most] for begin in range(0, len(ids), most))
