"""The sweeps of early warning. A due sweep reads first, beside everybody else's writes, and then records and tells in
one short transaction that takes its turn: however many dispatchers look, one of them warns, and a kill in the middle
leaves nothing half said.

What concerns one account alone is told as a fact of the ticket that made it be noticed (a fall of its attainment: of
its newest closed one), and so reaches whoever follows that account. A network's faults are many accounts', and no
account may learn of another's: those are listed only.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from services.dispatcher.noc import finding, warnings
from services.dispatcher.noc.rules import RepeatKind, Rules
from services.dispatcher.noc.warnings import Warned
from services.dispatcher.turns import due, looked_until, take_turn
from shared.clock import Clock, to_ms
from shared.contracts.facts import AttainmentFell, FaultRepeated
from shared.db.port import Database, Tx
from shared.db.statement import Query, Row
from shared.ids import TicketId
from shared.tickets.changes import Change, Changes

ACTOR = "system:early-warning"
EVERY = {"repeats": timedelta(minutes=1), "attainment": timedelta(hours=1)}
# A report is dated before it is committed, a restoration may have happened hours before it is said.
COMMITS_WITHIN, SAID_WITHIN = timedelta(minutes=5), timedelta(days=1)
LOOKS_WITHIN_S = 60.0
Found = tuple[Sequence[Warned], Sequence[Change]]


class EarlyWarning:
    def __init__(self, database: Database, clock: Clock, rules: Rules) -> None:
        self._database = database
        self._clock = clock
        self._rules = rules
        self._tell = Changes(clock).run

    async def sweep_due(self) -> None:
        """Raises Unavailable."""
        due_now = await due(self._database, EVERY, self._clock.now())
        if "repeats" in due_now:
            await self._sweep("repeats", self._repeated)
        if "attainment" in due_now:
            await self._sweep("attainment", self._fallen)

    async def _sweep(self, name: str, look: Callable[[datetime, datetime], Awaitable[Found]]) -> None:
        """What another dispatcher has swept while this one was looking is not recorded a second time."""
        now = self._clock.now()
        until = await looked_until(self._database, name) or now
        found, changes = await look(until, now)

        async def record(tx: Tx) -> None:
            if await take_turn(tx, name, now, since=until, every=EVERY[name]):
                await warnings.put(tx, found)
                await self._tell(tx, changes)

        await self._database.transact(record)

    async def _fetch(self, query: Query, **params: Any) -> Sequence[Row]:
        return await self._database.fetch(query, patience_s=LOOKS_WITHIN_S, **params)

    async def _repeated(self, until: datetime, now: datetime) -> Found:
        found = [warned for kind in LOOK for warned in await self._repeats(kind, until, now)]
        return found, [_told(warned) for warned in found if warned.kind != "network"]

    async def _repeats(self, kind: RepeatKind, until: datetime, now: datetime) -> Sequence[Warned]:
        rule = getattr(self._rules.repeats, kind)
        since, new = now - timedelta(days=rule.days), until - (SAID_WITHIN if kind == "network" else COMMITS_WITHIN)
        rows = await self._fetch(LOOK[kind], since=to_ms(since), new=to_ms(new), least=rule.faults)
        rows_by_subject = {_subject(kind, row): row for row in rows}
        known = await warnings.quiet(self._database, kind, list(rows_by_subject), now)
        return [
            await self._warned(kind, subject, row, since=since, now=now)
            for subject, row in rows_by_subject.items()
            if subject not in known
        ]

    async def _warned(self, kind: RepeatKind, subject: str, row: Row, *, since: datetime, now: datetime) -> Warned:
        days = getattr(self._rules.repeats, kind).days
        where = {name: row[name] for name in ("account", "network", "site")} if kind == "site" else {"subject": subject}
        tickets = [found["id"] for found in await self._fetch(EVIDENCE[kind], since=to_ms(since), **where)]
        data = {"faults": row["n"], "days": days, "tickets": tickets}
        account = None if kind == "network" else row["account"]
        return Warned(kind, subject, tickets[0], account, now, now + timedelta(days=days), data)

    async def _fallen(self, until: datetime, now: datetime) -> Found:
        rule = self._rules.attainment
        period = timedelta(days=rule.days)
        rows = await self._fetch(finding.ATTAINMENT, since=to_ms(now - 2 * period), middle=to_ms(now - period))
        fallen = {row["account"]: row for row in rows if self._has_fallen(row)}
        known = await warnings.quiet(self._database, "attainment", list(fallen), now)
        found = [
            Warned("attainment", account, now.date().isoformat(), account, now, now + period, _shares(row, rule.days))
            for account, row in fallen.items()
            if account not in known
        ]
        tickets = {warned.subject: await self._fetch(finding.NEWEST_CLOSED, account=warned.subject) for warned in found}
        return found, [_fell(warned, row["id"]) for warned in found for row in tickets[warned.subject]]

    def _has_fallen(self, row: Row) -> bool:
        rule = self._rules.attainment
        if min(row["before"], row["after"]) < rule.restorations:
            return False
        lost = (
            row["kept_before"] * row["after"] - row["kept_after"] * row["before"]
        )  # whole numbers: 0.1 is not 1.0 - 0.9
        return bool(100 * lost >= rule.points * row["before"] * row["after"])


LOOK: Mapping[RepeatKind, Query] = {
    "circuit": finding.CIRCUITS, "unprotected": finding.UNPROTECTED, "site": finding.SITES, "network": finding.NETWORKS,
}  # fmt: skip
EVIDENCE: Mapping[RepeatKind, Query] = {
    "circuit": finding.ON_CIRCUIT, "unprotected": finding.ON_CIRCUIT, "site": finding.AT_SITE,
    "network": finding.IN_NETWORK,
}  # fmt: skip


def _subject(kind: RepeatKind, row: Row) -> str:
    """A site is known by its account, network and name: other accounts have sites of the same name."""
    return f"{row['account']}/{row['network']}/{row['site']}" if kind == "site" else str(row["subject"])


def _told(warned: Warned) -> Change:
    assert warned.kind in ("circuit", "unprotected", "site")
    fact = FaultRepeated(warned.kind, warned.subject, warned.data["faults"], warned.data["days"])
    return Change(TicketId(warned.mark), ACTOR, lambda ticket, now: (fact,))


def _fell(warned: Warned, ticket: str) -> Change:
    n = warned.data
    before, after = (100 * n[f"kept_{part}"] // n[part] for part in ("before", "after"))
    fact = AttainmentFell(n["days"], before, after, n["after"])
    return Change(TicketId(ticket), ACTOR, lambda ticket, now: (fact,))


def _shares(row: Row, days: int) -> Mapping[str, Any]:
    """Restorations of the two periods, and how many of them were within the target."""
    names: Sequence[str] = ("before", "kept_before", "after", "kept_after")
    return {"days": days, **{name: int(row[name]) for name in names}}
