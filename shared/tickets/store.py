"""Tickets in and out of the database: state and log in one transaction, on PostgreSQL in one statement.

The statements every report and every step pass through are spelled out for both databases; the contract suite holds
them to the same behaviour.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy import bindparam, select

from shared.clock import from_ms, to_ms
from shared.db.port import Reader, Tx
from shared.db.schema import inbox
from shared.db.statement import BulkInsert, JsonRows, Query, Row, RowType, any_of, gathered
from shared.ids import CircuitId, TicketId
from shared.tickets.deadlines import look_at
from shared.tickets.log import Entry, fold
from shared.tickets.model import Ticket
from shared.tickets.ranks import Standing, standing_of
from shared.tickets.tables import LOG_COLUMNS, TICKET_COLUMNS, ticket_log, tickets

APPENDED = "vrc_log"  # the channel announced whenever the log grew
STATE = TypeAdapter(Ticket)
ALL = 2**31 - 1
INBOX_COLUMNS = ("scope", "key", "digest", "ticket", "seq", "at")


@dataclass(frozen=True, slots=True)
class Done:
    """An inbox row: this request or message of this sender left the ticket's log at `seq`."""

    scope: str
    key: str
    digest: bytes
    ticket: TicketId
    seq: int
    at_ms: int

    def row(self) -> tuple[Any, ...]:
        return self.scope, self.key, self.digest, self.ticket, self.seq, self.at_ms


@dataclass(frozen=True, slots=True)
class Stored:
    """A ticket as it was loaded; `head` is the hash its next entry links to."""

    ticket: Ticket
    head: bytes


@dataclass(frozen=True, slots=True)
class NewTicket:
    """Without a `standing` it is placed by its terms; without terms too, by its opening."""

    ticket: Ticket
    entry: Entry
    done: Done | None
    standing: Standing | None = None

    def row(self) -> tuple[Any, ...]:
        opened = to_ms(self.ticket.opened_at)
        standing = self.standing or standing_of(self.ticket) or Standing(self.ticket.tier or "", opened, opened)
        return *ticket_row(self.ticket, self.entry.hash), *standing_row(standing), look_at(self.ticket), None


# A ticket gets in unless its circuit has an open one; log, outbox and inbox rows follow only where it did. What its
# first entry and its answer have in common with the ticket does not travel again.
_OWN = ("type", "actor", "data", "origin")  # of the log
_KEY = ("scope", "key", "digest")  # of the inbox
OPENING = RowType(
    "opening_1",
    {
        **{c: tickets.c[c] for c in TICKET_COLUMNS},
        **{f"log_{c}": ticket_log.c[c] for c in _OWN},
        **{c: inbox.c[c] for c in _KEY},
    },
)
_T = ", ".join(TICKET_COLUMNS)
OPEN_POSTGRESQL = f"""
WITH given AS MATERIALIZED (SELECT * FROM {OPENING.unnest(1)}),
opened AS (
  INSERT INTO tickets ({_T}) SELECT {_T} FROM given ON CONFLICT DO NOTHING RETURNING id),
logged AS (
  INSERT INTO ticket_log (ticket, seq, at, type, actor, account, status, data, hash, origin)
  SELECT id, 1, opened_at, log_type, log_actor, account, status, log_data, head, log_origin
  FROM given JOIN opened USING (id)),
queued AS (INSERT INTO outbox (ticket, seq) SELECT id, 1 FROM opened),
answered AS (
  INSERT INTO inbox (scope, key, digest, ticket, seq, at)
  SELECT scope, key, digest, id, 1, opened_at FROM given JOIN opened USING (id) WHERE key IS NOT NULL)
SELECT id FROM opened"""

PUT_LOG = BulkInsert(ticket_log, LOG_COLUMNS)
PUT_DONE = BulkInsert(inbox, INBOX_COLUMNS)
PUT_TICKETS = BulkInsert(tickets, TICKET_COLUMNS, conflict="DO NOTHING")
IDS = JsonRows(("id",))
INSIDE_SQLITE = f"SELECT json_group_array(id) FROM tickets WHERE id IN ({IDS.select})"

_THESE = select(tickets.c.id, tickets.c.head, tickets.c.state).where(any_of(tickets.c.id, "ids"))
HEADS = Query(select(tickets.c.id, tickets.c.head).where(any_of(tickets.c.id, "ids")))
READ = Query(_THESE)
LOCK = Query(_THESE.order_by(tickets.c.id).with_for_update())  # in one order: two batches never wait for each other
GET = Query(select(tickets.c.state).where(tickets.c.id == bindparam("id")))
OPEN_ON = Query(select(tickets.c.id).where(tickets.c.circuit == bindparam("circuit"), tickets.c.over_at.is_(None)))
ENTRIES = Query(
    select(*(ticket_log.c[name] for name in LOG_COLUMNS))
    .where(ticket_log.c.ticket == bindparam("ticket"), ticket_log.c.seq > bindparam("after"))
    .order_by(ticket_log.c.seq)
    .limit(bindparam("most"))
)
FIND_DONE = Query(
    select(inbox.c.key, inbox.c.digest, inbox.c.ticket, inbox.c.seq).where(
        inbox.c.scope == bindparam("scope"), any_of(inbox.c.key, "keys")
    )
)


def state_json(ticket: Ticket) -> str:
    return orjson.dumps(ticket.__dict__, option=orjson.OPT_UTC_Z).decode()


def ticket_row(ticket: Ticket, head: bytes) -> tuple[Any, ...]:
    over = to_ms(ticket.closed_at or ticket.updated_at) if ticket.is_over else None
    return (
        ticket.id, ticket.account, ticket.circuit, ticket.status, ticket.impact, to_ms(ticket.opened_at),
        to_ms(ticket.updated_at), over, ticket.unroutable, head, state_json(ticket),
    )  # fmt: skip


def standing_row(s: Standing) -> tuple[Any, ...]:
    return s.tier, s.breach_at, s.rank_at


def log_row(e: Entry) -> tuple[Any, ...]:
    return e.ticket, e.seq, to_ms(e.at), e.type, e.actor, e.account, e.status, e.data.decode(), e.hash, e.origin


def _only_its_own(n: NewTicket) -> tuple[Any, ...]:
    """Of a ticket's first entry and its answer what is not in the ticket's row."""
    entry, done = n.entry, n.done
    key = (done.scope, done.key, done.digest) if done else (None, None, None)
    return entry.type, entry.actor, entry.data.decode(), entry.origin, *key


def entry_of(row: Row) -> Entry:
    return Entry(
        ticket=row["ticket"], seq=row["seq"], at=from_ms(row["at"]), type=row["type"], actor=row["actor"],
        account=row["account"], status=row["status"], data=row["data"].encode(), hash=bytes(row["hash"]),
        origin=row["origin"],
    )  # fmt: skip


async def open_new(tx: Tx, new: Sequence[NewTicket]) -> set[TicketId]:
    """The ids that got in; the others met an open ticket on their circuit.

    One statement on PostgreSQL. A reused Idempotency-Key breaks the whole batch (unique violation): the caller runs
    the items one by one, carefully.
    """
    new = sorted(new, key=lambda n: n.ticket.circuit)  # one order for all batches: no deadlock on the unique index
    rows = [n.row() for n in new]
    tx.announce(APPENDED)
    if tx.dialect == "postgresql":
        given = [(*row, *_only_its_own(n)) for row, n in zip(rows, new, strict=True)]
        return {row[0] for row in await tx.raw.fetch(OPEN_POSTGRESQL, given)}
    done = [n.done.row() for n in new if n.done]
    put = tx.raw.execute(PUT_TICKETS.sqlite, PUT_TICKETS.rows.parameters(rows)).rowcount
    inside = {n.ticket.id for n in new}
    if put < len(new):
        inside = set(gathered(tx.raw, INSIDE_SQLITE, IDS.parameters([row[:1] for row in rows])))
    await tx.insert(PUT_LOG, [log_row(n.entry) for n in new if n.ticket.id in inside])
    await tx.insert(PUT_DONE, [row for row in done if row[3] in inside])
    return inside


async def lock(tx: Tx, ids: Iterable[TicketId]) -> dict[TicketId, Stored]:
    """These tickets, locked until the commit; unknown ones are missing."""
    return await _stored(tx, LOCK, ids)


async def read(tx: Tx, known: Mapping[TicketId, Stored | None]) -> dict[TicketId, Stored]:
    """These tickets as they are now, or were when they became known: where others write, who saves looks anyway."""
    held = {id: stored for id, stored in known.items() if stored}
    if held and tx.dialect == "sqlite":
        heads = {row["id"]: row["head"] for row in await tx.fetch(HEADS, ids=list(held))}
        held = {id: stored for id, stored in held.items() if heads.get(id) == stored.head}
    unknown = [id for id in known if id not in held]
    return held | await _stored(tx, READ, unknown) if unknown else held


async def _stored(tx: Tx, query: Query, ids: Iterable[TicketId]) -> dict[TicketId, Stored]:
    rows = await tx.fetch(query, ids=list(set(ids)))
    found = {row["id"]: Stored(STATE.validate_json(row["state"]), bytes(row["head"])) for row in rows}
    for id, stored in found.items():
        if not stored.ticket.marks:  # its state was written by a center that kept none
            found[id] = Stored(fold(await entries(tx, id, most=ALL)), stored.head)
    return found


async def find_done(tx: Tx, scope: str, keys: Iterable[str]) -> Mapping[str, Row]:
    """`digest`, `ticket` and `seq` of what was done before for this sender's keys, by key."""
    return {row["key"]: row for row in await tx.fetch(FIND_DONE, scope=scope, keys=list(keys))}


async def open_on(tx: Tx, circuit: CircuitId) -> TicketId | None:
    rows = await tx.fetch(OPEN_ON, circuit=circuit)
    return TicketId(rows[0]["id"]) if rows else None


async def get(reader: Reader | Tx, id: TicketId) -> Ticket | None:
    rows = await reader.fetch(GET, id=id)
    return STATE.validate_json(rows[0]["state"]) if rows else None


async def entries(reader: Reader | Tx, ticket: TicketId, *, after: int = 0, most: int = 1000) -> Sequence[Entry]:
    return [entry_of(row) for row in await reader.fetch(ENTRIES, ticket=ticket, after=after, most=most)]
