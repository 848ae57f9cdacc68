"""Tickets as they are after their new entries: state, log, outbox, inbox, and what a service keeps of them besides.

On PostgreSQL that is one statement, and may be a transaction by itself: it saves only tickets that are still as the
caller read them, and answers which. SQLite has one writer anyway.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from shared.contracts.facts import Fact
from shared.db.port import Tx
from shared.db.schema import inbox
from shared.db.statement import JsonRows, RowType
from shared.ids import TicketId
from shared.tickets import store
from shared.tickets.deadlines import look_at
from shared.tickets.log import Entry
from shared.tickets.ranks import standing_of
from shared.tickets.store import Done, Stored
from shared.tickets.tables import LOG_COLUMNS, ticket_log, tickets

Recorded = Sequence[tuple[Entry, Fact]]
"""Facts, each with the entry that it became, in order."""
Read = Mapping[TicketId, Stored]

_CHANGED = (
    "id", "status", "impact", "updated_at", "over_at", "unroutable", "head", "state", "tier", "breach_at", "rank_at",
    "look_at", "escalated",
)  # fmt: skip
_SET = """
  status = v.status, impact = v.impact, updated_at = v.updated_at, over_at = v.over_at, unroutable = v.unroutable,
  head = v.head, state = v.state, tier = coalesce(v.tier, t.tier), breach_at = coalesce(v.breach_at, t.breach_at),
  rank_at = coalesce(v.rank_at, t.rank_at), look_at = v.look_at, escalated = v.escalated"""
_CHANGES = JsonRows.of(tickets, _CHANGED)
CHANGED = RowType("change_1", {**{name: tickets.c[name] for name in _CHANGED}, "read": tickets.c.head})
LOGGED = RowType("log_entry_1", {name: ticket_log.c[name] for name in LOG_COLUMNS})
ANSWERED = RowType("answer_1", {name: inbox.c[name] for name in store.INBOX_COLUMNS})
# Several tickets that nobody has locked yet are locked in one order, as by `store.lock`: else two batches wait for each
# other until PostgreSQL ends one, after a second. The update by itself takes them as they lie in the table.
IN_ORDER = "ARRAY(SELECT id FROM tickets WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE)"
CHANGE_SQLITE = f"UPDATE tickets AS t SET {_SET} FROM ({_CHANGES.select}) v WHERE t.id = v.id"


class Kept(Protocol):
    """What a service keeps of the facts in tables of its own, saved with them and only with them."""

    def postgresql(self, first: int) -> str:
        """Further parts of the WITH, with parameters from `first` on. `saved` has each saved ticket's `id`, `tier`,
        `breach_at` and `rank_at`; of other tickets nothing is to be kept."""

    def arguments(self, recorded: Recorded) -> Sequence[Any]: ...

    async def sqlite(self, tx: Tx, recorded: Recorded) -> None: ...


class Saving:
    def __init__(self, kept: Kept | None = None) -> None:
        self._kept = kept
        self.one, self.several = _statement(kept), _statement(kept, IN_ORDER)

    async def save(
        self, tx: Tx, after: Sequence[Stored], recorded: Recorded, done: Sequence[Done], *, read: Read | None = None
    ) -> Collection[TicketId]:
        """Which of these tickets were saved, each with its entries (in order) and what was thereby done for whom.

        Without `read` the tickets are locked in this transaction, and all are. With it those are that are still as
        they were read: then this is the only statement of its transaction that writes.
        """
        rows = [_row(stored, read) for stored in after]
        log_rows, done_rows = [store.log_row(entry) for entry, _ in recorded], [d.row() for d in done]
        tx.announce(store.APPENDED)
        if tx.dialect == "postgresql":
            sql, ids = self.several if read and len(rows) > 1 else self.one, [row[0] for row in rows]
            kept = self._kept.arguments(recorded) if self._kept else ()
            return {row[0] for row in await tx.raw.fetch(sql, ids, rows, log_rows, done_rows, *kept)}
        tx.raw.execute(CHANGE_SQLITE, _CHANGES.parameters([row[:-1] for row in rows]))
        await tx.insert(store.PUT_LOG, log_rows)
        await tx.insert(store.PUT_DONE, done_rows)
        if self._kept:
            await self._kept.sqlite(tx, recorded)
        return {stored.ticket.id for stored in after}


def _statement(kept: Kept | None, ids: str = "$1::text[]") -> str:
    """The ids are said twice: planned in a young database, the join alone once read all tickets. A ticket that changed
    while this waited for its lock is looked at as it is then, and left alone."""
    return f"""
WITH saved AS (
  UPDATE tickets t SET {_SET}
  FROM {CHANGED.unnest(2)} v
  WHERE t.id = v.id AND t.id = ANY({ids}) AND (v.read IS NULL OR t.head = v.read)
  RETURNING t.id, t.tier, t.breach_at, t.rank_at),
logged AS (
  INSERT INTO ticket_log ({LOGGED.columns})
  SELECT * FROM {LOGGED.unnest(3)} l WHERE l.ticket IN (SELECT id FROM saved)),
queued AS (
  INSERT INTO outbox (ticket, seq) SELECT o.ticket, o.seq
  FROM {LOGGED.unnest(3)} WITH ORDINALITY AS o({LOGGED.columns}, number)
  WHERE o.ticket IN (SELECT id FROM saved) ORDER BY o.number),
answered AS (
  INSERT INTO inbox ({ANSWERED.columns})
  SELECT * FROM {ANSWERED.unnest(4)} i WHERE i.ticket IN (SELECT id FROM saved))
{kept.postgresql(5) if kept else ""} SELECT id FROM saved"""


def _row(after: Stored, read: Read | None) -> tuple[Any, ...]:
    """In the order of _CHANGED, and how it was read. What was opened without terms keeps its place."""
    ticket = after.ticket
    id, _, _, status, impact, _, *changed = store.ticket_row(ticket, after.head)
    standing, waits = standing_of(ticket), ticket.open_escalation
    place = store.standing_row(standing) if standing else (None, None, None)
    head = read[ticket.id].head if read is not None else None
    return id, status, impact, *changed, *place, look_at(ticket), waits.level if waits else None, head
