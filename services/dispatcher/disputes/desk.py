"""Disputes and decisions: load, decide, save state, log and the list in one transaction.

A suspension without evidence is put on the list by its event: from the ticket as it is by then, so that an event that
comes twice or late changes nothing.
"""

from collections.abc import Sequence
from functools import partial

from services.dispatcher.disputes import store
from shared.clock import Clock
from shared.contracts.event import Event
from shared.db.commit import GroupCommit
from shared.db.port import Database, Tx
from shared.errors import CenterError
from shared.ids import TicketId
from shared.tickets import store as tickets
from shared.tickets.changes import Change, Changed, Changes

CONCERN = frozenset({"ticket.suspended", "ticket.cancelled", "ticket.rejected"})


class Disputes:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._changes = Changes(clock)
        self._commands: GroupCommit[Change, Changed] = GroupCommit(database, self._body)

    async def close(self) -> None:
        await self._commands.close()

    async def command(self, change: Change) -> Changed:
        """Raises NotFound, Forbidden, IllegalMove, KeyReused, Unavailable."""
        return await self._commands.submit(change)

    async def on_events(self, events: Sequence[Event]) -> None:
        """Raises Unavailable: then all are to come again."""
        if ids := sorted({event.ticket for event in events if event.type in CONCERN}):
            await self._database.transact(partial(self._list, ids=ids))

    async def _list(self, tx: Tx, ids: Sequence[TicketId]) -> None:
        held = await tickets.lock(tx, ids)
        await store.put(tx, [stored.ticket for stored in held.values()])

    async def _body(self, tx: Tx, changes: Sequence[Change]) -> Sequence[Changed | CenterError]:
        outcomes = await self._changes.run(tx, changes)
        touched = {o.ticket.id: o.ticket for o in outcomes if isinstance(o, Changed) and not o.replayed}
        await store.put(tx, list(touched.values()))
        return outcomes
