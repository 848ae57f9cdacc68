"""The tick: finds the tickets about which something is due, decides it on each, saves state and log together.

Whatever was said is in the state that the same transaction saved, so a kill, a repeat, a second dispatcher or a clock
that steps can neither double nor lose it. What can't be decided is put off, and holds up nobody else.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from services.dispatcher.deadlines import steps, store
from services.dispatcher.escalation.rules import EscalationRules
from shared.bus.wake import Wake
from shared.clock import Clock, to_ms
from shared.db.port import Database, Tx
from shared.errors import Unavailable
from shared.ids import TicketId
from shared.tickets.changes import Change, Changed, Changes
from shared.tickets.deadlines import look_at
from shared.tickets.model import CLOCK

log = logging.getLogger(__name__)
BATCH = 200
PUT_OFF = timedelta(minutes=1)
WAKES_WITHIN_S, SOONEST_S = 1.0, 0.02


class Tick:
    """`wake` is set when there is more to do, and at the instant at which the next thing is due if that is soon."""

    def __init__(self, database: Database, clock: Clock, rules: EscalationRules, *, wake: Wake) -> None:
        self._database = database
        self._clock = clock
        self._wake = wake
        self._changes = Changes(clock)
        self._what_is_due = partial(steps.what_is_due, rules=rules)

    async def look(self) -> int:
        """One batch of what is due; how many tickets that were. Raises Unavailable."""
        first = await store.next_look(self._database)
        if first is None:
            return 0
        wait_s = (first - self._clock.now()).total_seconds()
        if wait_s > 0:
            if wait_s < WAKES_WITHIN_S:
                asyncio.get_running_loop().call_later(max(wait_s, SOONEST_S), self._wake.set)
            return 0
        done = await self._some()
        if done:  # else they are all being changed by somebody right now
            self._wake.set()
        return done

    async def _some(self) -> int:
        try:
            return await self._database.transact(self._batch)
        except Unavailable:
            raise
        except Exception as error:  # an edge: with which ticket it is shows one by one
            log.error("a batch of deadlines failed and is tried ticket by ticket", exc_info=error)
        ids = await self._database.transact(self._take)
        for id in ids:
            await self._alone(id)
        return len(ids)

    async def _take(self, tx: Tx) -> Sequence[TicketId]:
        return await store.take_due(tx, self._clock.now(), most=BATCH)

    async def _batch(self, tx: Tx) -> int:
        ids = await self._take(tx)
        await self._decide(tx, ids)
        return len(ids)

    async def _decide(self, tx: Tx, ids: Sequence[TicketId]) -> None:
        outcomes = await self._changes.run(tx, [Change(id, CLOCK, self._what_is_due) for id in ids])
        for outcome in outcomes:
            if isinstance(outcome, Changed) and not outcome.entries:  # its rules have changed since it was written
                await store.look(tx, outcome.ticket.id, look_at(outcome.ticket))

    async def _alone(self, id: TicketId) -> None:
        try:
            await self._database.transact(lambda tx: self._decide(tx, [id]))
        except Unavailable:
            raise
        except Exception as error:  # an edge: said, and looked at again later
            log.error("what is due about ticket %s can't be decided", id, exc_info=error)
            again = to_ms(self._clock.now() + PUT_OFF)
            await self._database.transact(lambda tx: store.look(tx, id, again))
