"""The follow-ups' commands and ticks: load, decide, save state, log and `follow_ups` in one transaction.

The ticket is locked before its row of `follow_ups` is written, always, so that nobody waits for each other; what is due
is asked of the ticket itself, so that two who look at the same one say it once.
"""

from collections.abc import Sequence
from functools import partial

from services.dispatcher.follow_up import model, store
from services.dispatcher.follow_up.rules import FollowUpRules
from shared.clock import Clock
from shared.contracts.event import Event
from shared.db.commit import GroupCommit
from shared.db.port import Database, Tx
from shared.errors import CenterError
from shared.ids import TicketId
from shared.tickets import store as tickets
from shared.tickets.changes import Change, Changed, Changes

ACTOR = "system:follow-up"
AT_ONCE = 100


class FollowUps:
    def __init__(self, database: Database, clock: Clock, rules: FollowUpRules) -> None:
        self._database = database
        self._clock = clock
        self.rules = rules
        self._changes = Changes(clock)
        self._commands: GroupCommit[Change, Changed] = GroupCommit(database, self._body)

    async def close(self) -> None:
        await self._commands.close()

    async def command(self, change: Change) -> Changed:
        """Raises NotFound, IllegalMove, KeyReused, Unavailable."""
        return await self._commands.submit(change)

    async def on_events(self, events: Sequence[Event]) -> None:
        """A ticket that was closed is to be asked about. Raises Unavailable: then all are to come again."""
        closed = sorted({event.ticket for event in events if event.type == "ticket.closed"})
        if closed:
            await self.plan(closed)

    async def plan(self, closed: Sequence[TicketId]) -> None:
        """Repeatable: what was asked already stays so. Raises Unavailable."""
        await self._database.transact(partial(self._plan, ids=closed))

    async def _plan(self, tx: Tx, ids: Sequence[TicketId]) -> None:
        held = await tickets.lock(tx, ids)
        await store.put(tx, [h.ticket for h in held.values() if model.is_followed_up(h.ticket)], self.rules)

    async def look_due(self) -> None:
        """Asks, reminds, says that somebody is late: whatever is due now. Raises Unavailable."""
        while ids := await store.due(self._database, self._clock.now(), most=AT_ONCE):
            decide = partial(model.due, rules=self.rules)
            changes = [Change(id, ACTOR, decide) for id in sorted(ids)]
            await self._database.transact(partial(self._body, changes=changes))

    async def _body(self, tx: Tx, changes: Sequence[Change]) -> Sequence[Changed | CenterError]:
        outcomes = await self._changes.run(tx, changes)
        touched = {o.ticket.id: o.ticket for o in outcomes if isinstance(o, Changed) and not o.replayed}
        await store.put(tx, [ticket for ticket in touched.values() if model.is_followed_up(ticket)], self.rules)
        return outcomes
