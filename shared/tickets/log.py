"""The ticket log: appended rows, hash-chained per ticket, from which a ticket is folded.

An entry's hash covers the hash before it and every field, as stored: changing, dropping or reordering any entry
breaks the chain from there on. Of its origin it covers the digest, so that whoever may not know from where and by
which key something was done can check the chain all the same.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from shared.clock import to_ms
from shared.contracts import facts
from shared.contracts.event import Event
from shared.contracts.facts import Fact, FaultReported
from shared.ids import TicketId
from shared.origin import digest_of
from shared.tickets.model import Ticket, evolve, opened

GENESIS = bytes(32)


@dataclass(frozen=True, slots=True)
class Entry(Event):
    """One fact as recorded; `hash` covers `data` byte for byte; `origin` is salted, and published as a digest."""

    hash: bytes
    origin: str = ""


def link(previous: bytes, entry_fields: tuple[str, int, int, str, str, str, str, str], data: bytes) -> bytes:
    """The chain's next hash. `entry_fields`: ticket, seq, at in ms, type, actor, account, status, origin's digest."""
    head = "\x1f".join(map(str, entry_fields)).encode()
    return sha256(previous + head + b"\x1e" + data).digest()


def record(
    before: Ticket | None, head: bytes, ticket: Ticket, fact: Fact, *, at: datetime, actor: str, origin: str
) -> Entry:
    """The entry that turns `before` (None: nothing yet) into `ticket`; `head` is the hash of the entry before it."""
    seq = before.seq + 1 if before else 1
    type_, data = facts.NAMES[type(fact)], facts.encode(fact)
    fields = (ticket.id, seq, to_ms(at), type_, actor, ticket.account, ticket.status, digest_of(origin))
    hash = link(head, fields, data)
    return Entry(ticket.id, seq, at, type_, actor, ticket.account, ticket.status, data, hash, origin)


def open_ticket(
    id: TicketId, fact: FaultReported, *, at: datetime, actor: str, origin: str = ""
) -> tuple[Ticket, Entry]:
    ticket = opened(id, fact, at)
    return ticket, record(None, GENESIS, ticket, fact, at=at, actor=actor, origin=origin)


def append(
    ticket: Ticket, head: bytes, facts_: Sequence[Fact], *, at: datetime, actor: str, origin: str = ""
) -> tuple[Ticket, Sequence[Entry]]:
    """The ticket after these facts, and their entries. A log never goes back in time: `at` is raised to its last."""
    at = max(at, ticket.updated_at)
    entries: list[Entry] = []
    for fact in facts_:
        after = evolve(ticket, fact, at, actor=actor)
        entry = record(ticket, head, after, fact, at=at, actor=actor, origin=origin)
        entries.append(entry)
        ticket, head = after, entry.hash
    return ticket, entries


def fold(entries: Iterable[Event]) -> Ticket:
    """The ticket these entries (1, 2, … in order) make. Raises ValueError when the first is not a report."""
    events = iter(entries)
    if (first := next(events, None)) is None:
        raise ValueError("an empty log makes no ticket")
    if not isinstance(fact := first.fact(), FaultReported):
        raise ValueError(f"the log of {first.ticket} does not begin with a report")
    ticket = opened(first.ticket, fact, first.at)
    for entry in events:
        ticket = evolve(ticket, entry.fact(), entry.at, actor=entry.actor)
    return ticket
