"""Changed terms: what the registry knows is asked first; then load, decide, save state and log in one transaction."""

from functools import partial

from shared.auth.principal import Principal
from shared.clock import Clock
from shared.db.port import Database
from shared.errors import NotFound
from shared.ids import TicketId
from shared.registry.store import Registry
from shared.registry.subject import subject_of
from shared.tickets import store as tickets
from shared.tickets.changes import Change, Changed, Changes
from shared.tickets.request import Request
from shared.tickets.retargeting import Asked, by_hand
from shared.tickets.targets import Policies


class TermsDesk:
    def __init__(self, database: Database, registry: Registry, clock: Clock, policies: Policies) -> None:
        self._database = database
        self._registry = registry
        self._policies = policies
        self._commands = Changes(clock).grouped(database)

    async def close(self) -> None:
        await self._commands.close()

    async def change(self, id: TicketId, asked: Asked, *, by: Principal, request: Request | None) -> Changed:
        """Raises NotFound, IllegalMove, InvalidInput, KeyReused, Unavailable."""
        ticket = await tickets.get(self._database, id)
        if ticket is None:
            raise NotFound()
        subject = await subject_of(self._registry, ticket.account, ticket.circuit, policies=self._policies)
        decide = partial(by_hand, asked=asked, policies=self._policies, subject=subject)
        return await self._commands.submit(Change(id, by.actor, decide, request=request, origin=by.origin.salted()))
