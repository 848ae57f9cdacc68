"""Events and commands of the dispatcher: load, decide, save state, log and orders in one transaction.

Both doors of a local network, Kafka and HTTP, end in `OrderDesk.progress`. Nothing that came over the bus is lost:
while the database is away the same batch is tried again, and what can't be taken is recorded as refused.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from services.dispatcher import model
from services.dispatcher.model import Ground
from services.dispatcher.prediction.foretelling import with_what_follows
from services.dispatcher.prediction.history import History
from services.dispatcher.projection import KeptOrders
from shared.auth.principal import Principal
from shared.clock import Clock
from shared.contracts import progress as p
from shared.contracts.event import Event
from shared.contracts.facts import Fact, FaultReported, ReportJoined
from shared.db.port import Database
from shared.errors import NotFound, Unavailable
from shared.ids import NetworkCode, TicketId
from shared.registry.model.circuit import Circuit
from shared.registry.store import Registry
from shared.tickets import store as tickets
from shared.tickets.changes import Change, Changed, Changes, Decide
from shared.tickets.model import Ticket, opened
from shared.tickets.request import Request
from shared.tickets.store import Stored

log = logging.getLogger(__name__)
ACTOR = "system:dispatcher"
CALLS_FOR_DISPATCH = frozenset({"ticket.reported", "ticket.reopened", "ticket.cancelled", "ticket.rejected"})
JOINED = "ticket.report_joined"  # calls for it where it names the faulty segment


@dataclass(frozen=True, slots=True)
class Dispatched:
    """How many tickets something was done about, how many orders went out for them, how many tickets failed."""

    tickets: int
    issued: int
    failed: int


class OrderDesk:
    """Orders out and their progress in. `in_order`: one lane, so that what one sender says stays in order."""

    def __init__(self, database: Database, registry: Registry, clock: Clock, *, history: Callable[[], History]) -> None:
        self._history = history
        self._database = database
        self._registry = registry
        changes = Changes(clock, KeptOrders())
        self._commands = changes.grouped(database)
        self._in_order = changes.grouped(database, lanes=1, max_batch=500)

    async def close(self) -> None:
        await self._commands.close()
        await self._in_order.close()

    async def on_events(self, events: Sequence[Event]) -> Dispatched:
        """Dispatch what these events call for.

        Raises Unavailable: then the whole batch is to come again, which is harmless.
        """
        named = {event.ticket for event in events if event.type == JOINED and _names_segment(event)}
        due = {
            event.ticket: event
            for event in events
            if event.type in CALLS_FOR_DISPATCH or (event.type == JOINED and event.ticket in named)
        }
        reports = {id: fact for id, event in due.items() if (fact := _report(event))}
        circuits = await self._registry.circuits_as_of({fact.circuit for fact in reports.values()})
        grounds = {
            id: self._ground(*circuits.get(fact.circuit, (None, self._registry.version)))
            for id, fact in reports.items()
        }
        again = {id for id, event in due.items() if event.type == "ticket.reopened"} | named
        grounds |= {id: await self._ground_again(id) for id in again}
        changes = [
            self._dispatch(
                id, grounds.get(id) or self._ground(None), known=_known(event, reports.get(id)), named=id in named
            )
            for id, event in due.items()
            if id in reports or event.type != "ticket.reported"
        ]
        dispatched = await self._dispatched(changes)
        return replace(dispatched, failed=dispatched.failed + len(due) - len(changes))

    async def dispatch(self, ids: Sequence[TicketId]) -> Dispatched:
        """Whatever is due for these tickets now, without an event that calls for it. Raises Unavailable."""
        return await self._dispatched([self._dispatch(id, await self._ground_again(id), known=None) for id in ids])

    async def _dispatched(self, changes: Sequence[Change]) -> Dispatched:
        outcomes = await asyncio.gather(*map(self._commands.submit, changes), return_exceptions=True)
        tickets, issued, failed = 0, 0, 0
        for change, outcome in zip(changes, outcomes, strict=True):
            match outcome:
                case Changed(entries=entries):
                    tickets += bool(entries)
                    issued += sum(entry.type == "order.issued" for entry in entries)
                case Unavailable():
                    raise outcome
                case _:
                    failed += 1
                    log.error("ticket %s was not dispatched", change.ticket, exc_info=outcome)
        return Dispatched(tickets, issued, failed)

    def _dispatch(self, ticket: TicketId, ground: Ground, *, known: Stored | None, named: bool = False) -> Change:
        decide = self._foretelling(partial(model.dispatch, ground=ground, named=named), ground)
        return Change(ticket, ACTOR, decide, known=known)

    def _foretelling(self, decide: Decide, ground: Ground) -> Decide:
        """What is decided, and what follows from it for when the service will be back: one transaction."""

        def decided(ticket: Ticket, now: datetime) -> Sequence[Fact]:
            facts = decide(ticket, now)
            return with_what_follows(ticket, facts, now, circuit=ground.circuit, history=self._history())

        return decided

    async def _ground_again(self, ticket: TicketId) -> Ground:
        """A ticket that was reopened before it was routed at all needs its circuit as a report does."""
        try:
            return await self._ground_of(ticket)
        except NotFound:
            return self._ground(None)

    async def in_order(self, changes: Sequence[Change]) -> Sequence[Changed | BaseException]:
        """Decides them one after the other, as given; answers what became of each."""
        return await asyncio.gather(*map(self._in_order.submit, changes), return_exceptions=True)

    async def progress(
        self, ticket: TicketId, network: NetworkCode, said: p.Progress, *, by: Principal, request: Request | None
    ) -> Changed:
        """Raises NotFound, IllegalMove, InvalidInput, KeyReused, Unavailable."""
        change = await self.change(ticket, network, said, by=by, request=request)
        return await self._commands.submit(change)

    async def change(
        self, ticket: TicketId, network: NetworkCode, said: p.Progress, *, by: Principal, request: Request | None
    ) -> Change:
        """What the network said, ready to be decided. Raises NotFound, Unavailable."""
        ground = await self._ground_of(ticket) if _needs_circuit(said) else self._ground(None)
        decide = partial(model.progress, network=network, said=said, ground=ground)
        sees = partial(_ordered, network=network)
        return Change(ticket, by.actor, self._foretelling(decide, ground), sees, request, by.origin.salted())

    async def by_hand(
        self, ticket: TicketId, networks: Sequence[NetworkCode], reason: str, *, by: Principal, request: Request | None
    ) -> Changed:
        ground = await self._ground_of(ticket)
        decide = partial(model.route_by_hand, networks=networks, reason=reason, ground=ground)
        return await self.command(ticket, self._foretelling(decide, ground), by=by, request=request)

    async def command(self, ticket: TicketId, decide: Decide, *, by: Principal, request: Request | None) -> Changed:
        origin = by.origin.salted()
        return await self._commands.submit(Change(ticket, by.actor, decide, request=request, origin=origin))

    def _ground(self, circuit: Circuit | None, version: int | None = None) -> Ground:
        return Ground(lambda code: self._registry.network(code) is not None, circuit, version)

    async def _ground_of(self, id: TicketId) -> Ground:
        ticket: Ticket | None = await tickets.get(self._database, id)
        if ticket is None:
            raise NotFound()
        return self._ground(*await self._registry.circuit_as_of(ticket.circuit))


def _report(event: Event) -> FaultReported | None:
    """None when the event is another, or not what its type says."""
    fact = _said(event) if event.type == "ticket.reported" else None
    return fact if isinstance(fact, FaultReported) else None


def _names_segment(joined: Event) -> bool:
    fact = _said(joined)
    return isinstance(fact, ReportJoined) and fact.segment is not None


def _said(event: Event) -> Fact | None:
    try:
        return event.fact()
    except ValueError:
        log.error("event %s is no report: its ticket was not dispatched", event.id)
        return None


def _known(event: Event, reported: FaultReported | None) -> Stored | None:
    """A report makes its ticket: most tickets are still as it left them when they are dispatched."""
    return Stored(opened(event.ticket, reported, event.at), event.hash) if reported and event.hash else None


def _ordered(ticket: Ticket, *, network: NetworkCode) -> bool:
    return ticket.order_to(network) is not None


def _needs_circuit(said: p.Progress) -> bool:
    match said:
        case p.Declined() | p.HandedOver() | p.AssistanceAsked() | p.Suspended() | p.Resumed():
            return True
        case p.Progressed(segment=segment):
            return segment is not None
        case _:
            return False
