"""Commands on existing tickets, many in one transaction: load and lock, decide (pure), save state and log.

Each command is decided on the ticket as the one before it left it. A refusal is that command's outcome and disturbs
no other. A request that was done before is answered from the log as it stood then.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.clock import Clock, to_ms
from shared.contracts.facts import Fact
from shared.db.port import Tx
from shared.errors import CenterError, KeyReused, NotFound
from shared.ids import TicketId
from shared.tickets import store
from shared.tickets.log import Entry, append, fold
from shared.tickets.model import Ticket
from shared.tickets.request import Request

Decide = Callable[[Ticket, datetime], Sequence[Fact]]
Projection = Callable[[Tx, Sequence[tuple[Entry, Fact]]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Change:
    """`decide` is pure and may raise Refused; `sees`: the actor may know of this ticket; `origin` is salted."""

    ticket: TicketId
    actor: str
    decide: Decide
    sees: Callable[[Ticket], bool] = lambda ticket: True
    request: Request | None = None
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """`replayed`: the same request was done before; `ticket` is as it was right after that."""

    ticket: Ticket
    entries: Sequence[Entry] = ()
    replayed: bool = False


async def no_projection(tx: Tx, recorded: Sequence[tuple[Entry, Fact]]) -> None:
    return None


class Changes:
    """Runs batches of changes; `project` keeps the calling service's own tables in step, in the same transaction."""

    def __init__(self, clock: Clock, project: Projection = no_projection) -> None:
        self._clock = clock
        self._project = project

    async def run(self, tx: Tx, changes: Sequence[Change]) -> Sequence[Changed | CenterError]:
        held = await store.lock(tx, (c.ticket for c in changes))
        work = _Work(self._clock.now(), held)
        outcomes: list[Changed | CenterError] = []
        for change in changes:
            try:
                outcomes.append(await work.run(tx, change))
            except CenterError as refusal:
                outcomes.append(refusal)
        if work.recorded:
            touched = {entry.ticket for entry, _ in work.recorded}
            entries = [entry for entry, _ in work.recorded]
            await store.append(tx, [work.held[id].ticket for id in touched], entries, work.done)
            await self._project(tx, work.recorded)
        return outcomes


class _Work:
    """One batch under way: the tickets as they are by now, and what is to be saved."""

    def __init__(self, now: datetime, held: dict[TicketId, store.Stored]) -> None:
        self.now = now
        self.held = held
        self.recorded: list[tuple[Entry, Fact]] = []
        self.done: list[store.Done] = []
        self._seen: dict[tuple[str, str], tuple[bytes, Ticket]] = {}

    async def run(self, tx: Tx, change: Change) -> Changed:
        stored = self.held.get(change.ticket)
        if stored is None or not change.sees(stored.ticket):
            raise NotFound()
        if change.request and (before := await self._before(tx, change.request)):
            return Changed(before, replayed=True)
        facts = change.decide(stored.ticket, self.now)
        ticket, entries = append(
            stored.ticket, stored.head, facts, at=self.now, actor=change.actor, origin=change.origin
        )
        if entries:
            self.held[ticket.id] = store.Stored(ticket, entries[-1].hash)
            self.recorded += zip(entries, facts, strict=True)
            if change.request:
                self._remember(change.request, ticket)
        return Changed(ticket, entries)

    def _remember(self, request: Request, ticket: Ticket) -> None:
        self._seen[request.scope, request.key] = request.digest, ticket
        at = to_ms(self.now)
        self.done.append(store.Done(request.scope, request.key, request.digest, ticket.id, ticket.seq, at))

    async def _before(self, tx: Tx, request: Request) -> Ticket | None:
        """The ticket as this same request left it, when it was done before. Raises KeyReused."""
        if seen := self._seen.get((request.scope, request.key)):
            digest, ticket = seen
            _require_same(digest, request)
            return ticket
        return await replay(tx, request)


async def replay(tx: Tx, request: Request) -> Ticket | None:
    """The ticket as it stood when this request was first done; None when it was not. Raises KeyReused."""
    found = await store.find_done(tx, request.scope, request.key)
    if found is None:
        return None
    _require_same(bytes(found["digest"]), request)
    return fold(await store.entries(tx, found["ticket"], most=found["seq"]))


def _require_same(digest: bytes, request: Request) -> None:
    if digest != request.digest:
        raise KeyReused(f"Idempotency-Key {request.key!r} was used before with another request; choose a new one.")
