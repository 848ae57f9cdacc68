"""A record to be verified: acts and tickets, sealed and anchored; and one who can rewrite every row of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Table, select

from shared.audit import store as audit
from shared.audit.anchors import Anchor
from shared.audit.keeper import Keeper
from shared.audit.signing import Signer
from shared.audit.tables import anchored_heads, audit_anchors, audit_head, audit_log
from shared.audit.trail import Act, record
from shared.audit.verify import Keys, Report, verify
from shared.clock import Clock
from shared.db.port import Database, Reader, Tx
from shared.db.statement import BulkInsert, Query
from shared.metrics import Metrics
from shared.origin import Origin
from shared.testing.clock import START, ManualClock
from shared.tickets import store as tickets
from shared.tickets.log import append
from shared.tickets.tables import ticket_log
from shared.tickets.tables import tickets as states
from tests.cases import ACTOR, new_ticket, notes, save

Rows = list[dict[str, Any]]
SIGNER = Signer(b"a secret that is not in the database")
KEYS = Keys(signer=SIGNER)
DAY = timedelta(days=1)
TABLES: dict[str, Table] = {
    table.name: table for table in (audit_log, audit_head, audit_anchors, anchored_heads, ticket_log, states)
}
_READ = {name: Query(select(*table.c)) for name, table in TABLES.items()}
_WRITE = {name: BulkInsert(table, table.c.keys()) for name, table in TABLES.items()}


def act(number: int = 1, **changes: Any) -> Act:
    given: dict[str, Any] = {
        "at": START + timedelta(seconds=number), "actor": f"operator:{number % 3}", "action": "key.issued",
        "object": f"key:{number:012x}", "details": {"role": "account", "subject": "hw-power"},
        "origin": Origin("session:4f1c", f"10.0.0.{number % 200}"),
    }  # fmt: skip
    return Act(**given | changes)


async def recorded(database: Database, *numbers: int) -> None:
    """One transaction each."""
    for number in numbers:
        await database.transact(lambda tx, number=number: record(tx, act(number)))  # type: ignore[misc]


async def reported(database: Database, count: int, *, entries: int, first: int = 0) -> None:
    """So many tickets with so many entries each."""
    for number in range(first, first + count):
        new = new_ticket(circuit=f"circuit-{number}")
        await database.transact(lambda tx, new=new: tickets.open_new(tx, [new]))  # type: ignore[misc]
        await noted(database, new.ticket.id, entries - 1)


async def noted(database: Database, ticket: Any, count: int) -> None:
    async def body(tx: Tx) -> None:
        held = (await tickets.lock(tx, [ticket]))[ticket]
        origin = Origin("key:0b9f3a6c1d2e", "10.1.2.3").salted()
        after, more = append(held.ticket, held.head, notes(count), at=START, actor=ACTOR, origin=origin)
        await save(tx, [after], more)

    await database.transact(body)


def keeper(database: Database, clock: Clock | None = None, signer: Signer = SIGNER) -> Keeper:
    return Keeper(database, clock or ManualClock(), signer, Metrics())


async def kept_lines(database: Reader) -> list[str]:
    """What an operator has on another machine."""
    return [anchor.line for anchor in await anchors_of(database)]


async def anchors_of(database: Reader) -> list[Anchor]:
    return [anchor for anchor in await audit.anchors(database) if isinstance(anchor, Anchor)]


async def found(database: Reader, kept: Sequence[str] | None = None, keys: Keys = KEYS) -> Report:
    return await verify(database, keys, kept=kept)


async def broken(database: Reader) -> list[tuple[str, int, str]]:
    """Chain, place and kind of all that is found."""
    return [(f.chain, f.place, f.kind) for f in (await found(database)).findings]


class Tables:
    """All rows of the record, as somebody with a database client sees and writes them."""

    def __init__(self, rows: dict[str, Rows]) -> None:
        self.rows = rows

    @classmethod
    async def read(cls, tx: Tx) -> "Tables":
        columns = {name: tuple(table.c.keys()) for name, table in TABLES.items()}
        return cls({n: [{c: row[c] for c in columns[n]} for row in await tx.fetch(q)] for n, q in _READ.items()})

    def __getitem__(self, table: str) -> Rows:
        return self.rows[table]

    def copy(self) -> "Tables":
        return Tables({name: [dict(row) for row in rows] for name, rows in self.rows.items()})

    async def write(self, tx: Tx, before: "Tables") -> None:
        """The tables that differ from `before`, whole."""
        for name, rows in self.rows.items():
            if rows == before[name]:
                continue
            deleting = f"DELETE FROM {name}"
            _ = tx.raw.execute(deleting) if tx.dialect == "sqlite" else await tx.raw.execute(deleting)
            await tx.insert(_WRITE[name], [tuple(row.values()) for row in rows])
