"""Commands on existing tickets, many in one transaction: load, decide (pure), save state and log.

Each command is decided on the ticket as the one before it left it. A refusal is that command's outcome and disturbs
no other. A request that was done before is answered from the log as it stood then.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.clock import Clock, to_ms
from shared.contracts.facts import Fact
from shared.db.commit import AGAIN, Again, GroupCommit
from shared.db.port import Database, Tx
from shared.errors import CenterError, KeyReused, NotFound
from shared.ids import TicketId
from shared.tickets import store
from shared.tickets.log import Entry, append, fold
from shared.tickets.model import Ticket
from shared.tickets.request import Request
from shared.tickets.saving import Kept, Saving
from shared.tickets.store import Stored

Decide = Callable[[Ticket, datetime], Sequence[Fact]]
Before = Mapping[tuple[str, str], tuple[bytes, Ticket]]
"""By scope and key of a request: its digest, and the ticket as it left it."""


@dataclass(frozen=True, slots=True)
class Change:
    """`decide` is pure and may raise Refused; `sees`: the actor may know of this ticket; `origin` is salted; `known` is
    the ticket as an event told it, which then need not be read."""

    ticket: TicketId
    actor: str
    decide: Decide
    sees: Callable[[Ticket], bool] = lambda ticket: True
    request: Request | None = None
    origin: str = ""
    known: Stored | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """`replayed`: the same request was done before; `ticket` is as it was right after that."""

    ticket: Ticket
    entries: Sequence[Entry] = ()
    replayed: bool = False


class Changes:
    """Runs batches of changes; `kept` keeps the calling service's own tables in step, in the same transaction."""

    def __init__(self, clock: Clock, kept: Kept | None = None) -> None:
        self._clock = clock
        self._saving = Saving(kept)

    def grouped(self, database: Database, **options: Any) -> GroupCommit[Change, Changed]:
        """For changes that share nothing but their commits."""
        return GroupCommit(database, self.run_alone, carefully=self.run, single=True, **options)

    async def run(self, tx: Tx, changes: Sequence[Change]) -> Sequence[Changed | CenterError]:
        """As part of a transaction, the tickets locked."""
        work = await self._work(tx, changes, await store.lock(tx, (c.ticket for c in changes)))
        if work.recorded:
            await self._saving.save(tx, work.touched, work.recorded, work.done)
        return work.outcomes

    async def run_alone(self, tx: Tx, changes: Sequence[Change]) -> Sequence[Changed | CenterError | Again]:
        """By one statement that saves what is still as it was read: no locks, two round trips instead of five.

        What concerns a ticket that somebody else changed meanwhile is to be run again.
        """
        read = await store.read(tx, {c.ticket: c.known for c in changes})
        work = await self._work(tx, changes, dict(read))
        if not work.recorded:
            return work.outcomes
        saved = await self._saving.save(tx, work.touched, work.recorded, work.done, read=read)
        moved = {entry.ticket for entry, _ in work.recorded}.difference(saved)
        return [AGAIN if c.ticket in moved else outcome for c, outcome in zip(changes, work.outcomes, strict=True)]

    async def _work(self, tx: Tx, changes: Sequence[Change], held: dict[TicketId, Stored]) -> "_Work":
        requests = [c.request for c in changes if c.request]
        work = _Work(self._clock.now(), held, await _done_before(tx, requests))
        for change in changes:
            try:
                work.outcomes.append(work.run(change))
            except CenterError as refusal:
                work.outcomes.append(refusal)
        return work


class _Work:
    """One batch under way: the tickets as they are by now, and what is to be saved."""

    def __init__(self, now: datetime, held: dict[TicketId, Stored], before: Before) -> None:
        self.now = now
        self.held = held
        self.outcomes: list[Changed | CenterError] = []
        self.recorded: list[tuple[Entry, Fact]] = []
        self.done: list[store.Done] = []
        self._before = dict(before)

    @property
    def touched(self) -> Sequence[Stored]:
        return [self.held[id] for id in {entry.ticket for entry, _ in self.recorded}]

    def run(self, change: Change) -> Changed:
        stored = self.held.get(change.ticket)
        if stored is None or not change.sees(stored.ticket):
            raise NotFound()
        if change.request and (before := _same(self._before, change.request)):
            return Changed(before, replayed=True)
        facts = change.decide(stored.ticket, self.now)
        ticket, entries = append(
            stored.ticket, stored.head, facts, at=self.now, actor=change.actor, origin=change.origin
        )
        if entries:
            self.held[ticket.id] = Stored(ticket, entries[-1].hash)
            self.recorded += zip(entries, facts, strict=True)
            if change.request:
                self._remember(change.request, ticket)
        return Changed(ticket, entries)

    def _remember(self, request: Request, ticket: Ticket) -> None:
        self._before[request.scope, request.key] = request.digest, ticket
        at = to_ms(self.now)
        self.done.append(store.Done(request.scope, request.key, request.digest, ticket.id, ticket.seq, at))


async def replay(tx: Tx, request: Request) -> Ticket | None:
    """The ticket as it stood when this request was first done; None when it was not. Raises KeyReused."""
    return _same(await _done_before(tx, [request]), request)


async def _done_before(tx: Tx, requests: Collection[Request]) -> Before:
    found: dict[tuple[str, str], tuple[bytes, Ticket]] = {}
    for scope in {request.scope for request in requests}:
        keys = {request.key for request in requests if request.scope == scope}
        for key, row in (await store.find_done(tx, scope, keys)).items():
            log = await store.entries(tx, row["ticket"], most=row["seq"])
            found[scope, key] = bytes(row["digest"]), fold(log)
    return found


def _same(before: Before, request: Request) -> Ticket | None:
    """The ticket as this same request left it, when it was done before. Raises KeyReused."""
    found = before.get((request.scope, request.key))
    if found is None:
        return None
    digest, ticket = found
    if digest != request.digest:
        raise KeyReused(f"Idempotency-Key {request.key!r} was used before with another request; choose a new one.")
    return ticket
