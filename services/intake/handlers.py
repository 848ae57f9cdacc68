"""Commands of customers: load, decide, save state and log in one transaction, then answer.

A report takes one statement when it opens a ticket. Everything else about it (repeated, reused key, joins an open
ticket, lost a race) is found out on the second way, in a transaction of its own.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime

from services.intake import model
from services.intake.model import Reported, ReportFault
from shared.clock import Clock, to_ms
from shared.db.commit import GroupCommit
from shared.db.port import Database, Tx
from shared.errors import CenterError, IllegalMove, Unavailable
from shared.ids import CircuitId, new_ticket_id
from shared.tickets import log, store
from shared.tickets.changes import Change, Changed, Changes, replay
from shared.tickets.model import Ticket
from shared.tickets.retargeting import on_report
from shared.tickets.saving import Saving
from shared.tickets.targets import Policies

RACES = 3
FORMER = "A ticket of whoever had this circuit before is still open on it. Call the desk, which can close it."
Admit = Callable[[Tx, Ticket, datetime], Awaitable[None]]


class Desk:
    """Takes reports and customers' commands; `close` finishes what was taken.

    `admit` raises TooManyRequests when one more report is not to join this ticket now.
    """

    def __init__(self, database: Database, clock: Clock, admit: Admit, policies: Policies) -> None:
        self._admit = admit
        self._policies = policies
        self._clock = clock
        self._reports: GroupCommit[ReportFault, Reported | None] = GroupCommit(
            database, self._open_tickets, carefully=self._resolve, single=True
        )
        self._others: GroupCommit[ReportFault, Reported | None] = GroupCommit(database, self._resolve)
        self._changes = Changes(clock).grouped(database)
        self._saving = Saving()

    async def report(self, report: ReportFault) -> Reported:
        """Durable when it answers. Raises KeyReused, TooManyRequests, Unavailable."""
        reported = await self._reports.submit(report) or await self._others.submit(report)
        assert reported is not None
        return reported

    async def change(self, change: Change) -> Changed:
        """Raises NotFound, IllegalMove, KeyReused, Unavailable."""
        return await self._changes.submit(change)

    async def close(self) -> None:
        for commits in (self._reports, self._others, self._changes):
            await commits.close()

    async def _open_tickets(self, tx: Tx, reports: Sequence[ReportFault]) -> Sequence[Reported | None]:
        """One statement for all; None for those that did not get in."""
        new = [self._new(report) for report in reports]
        inside = await store.open_new(tx, new)
        return [Reported(n.ticket, True, False) if n.ticket.id in inside else None for n in new]

    async def _resolve(self, tx: Tx, reports: Sequence[ReportFault]) -> Sequence[Reported | CenterError | None]:
        """What is open is locked first and at once, the rest done in the order of circuits, as every batch does.

        Else two batches that hold what the other wants wait until PostgreSQL breaks the deadlock, after a second: in a
        storm of further reports 60 % were answered 503.
        """
        held = await self._lock_open(tx, {report.fact.circuit for report in reports})
        outcomes: dict[int, Reported | CenterError] = {}
        for i, report in sorted(enumerate(reports), key=lambda numbered: numbered[1].fact.circuit):
            try:
                outcomes[i] = await self._one(tx, report, held)
            except CenterError as refusal:
                outcomes[i] = refusal
        return [outcomes[i] for i in range(len(reports))]

    async def _lock_open(self, tx: Tx, circuits: Iterable[CircuitId]) -> dict[CircuitId, store.Stored]:
        ids = [id for circuit in circuits if (id := await store.open_on(tx, circuit))]
        return {stored.ticket.circuit: stored for stored in (await store.lock(tx, ids)).values()}

    async def _one(self, tx: Tx, report: ReportFault, held: dict[CircuitId, store.Stored]) -> Reported:
        if report.request and (before := await replay(tx, report.request)):
            return Reported(before, created=before.seq == 1, replayed=True)
        for _ in range(RACES):
            if ticket := await self._join(tx, report, held):
                return Reported(ticket, created=False, replayed=False)
            (opened,) = await self._open_tickets(tx, [report])
            if opened:
                return opened
            held |= await self._lock_open(tx, [report.fact.circuit])
        raise Unavailable("This circuit's ticket is changing hands right now; send the report again.")

    async def _join(self, tx: Tx, report: ReportFault, held: dict[CircuitId, store.Stored]) -> Ticket | None:
        stored = held.get(report.fact.circuit)
        if stored is None or stored.ticket.is_over:
            return None
        if stored.ticket.account != report.fact.account:
            raise IllegalMove(FORMER, legal=())
        now = self._clock.now()
        await self._admit(tx, stored.ticket, now)
        impact = report.fact.impact
        changed = on_report(stored.ticket, impact, now, policies=self._policies, subject=report.subject)
        facts = model.join(stored.ticket, report.fact, changed)
        ticket, entries = log.append(
            stored.ticket, stored.head, facts, at=now, actor=report.actor, origin=report.origin
        )
        held[ticket.circuit] = after = store.Stored(ticket, entries[-1].hash)
        recorded = list(zip(entries, facts, strict=True))
        await self._saving.save(tx, [after], recorded, _done(report, ticket, to_ms(now)))
        return ticket

    def _new(self, report: ReportFault) -> store.NewTicket:
        now = self._clock.now()
        ticket, entry = log.open_ticket(
            new_ticket_id(now), report.fact, at=now, actor=report.actor, origin=report.origin
        )
        done = _done(report, ticket, to_ms(now))
        return store.NewTicket(ticket, entry, done[0] if done else None)


def _done(report: ReportFault, ticket: Ticket, at_ms: int) -> Sequence[store.Done]:
    if report.request is None:
        return ()
    r = report.request
    return (store.Done(r.scope, r.key, r.digest, ticket.id, ticket.seq, at_ms),)
