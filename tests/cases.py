"""The values that tests begin with: one account's circuit between Beijing and Chuxiong, and what happens to it."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from typing import Any

from shared.audit.chain import Link, Walk
from shared.clock import to_ms
from shared.contracts import facts as f
from shared.db.port import Tx
from shared.ids import AccountId, CircuitId, NetworkCode, TicketId, new_ticket_id, order_id
from shared.origin import digest_of
from shared.registry.writing import Author
from shared.testing.clock import START
from shared.tickets.log import Entry, append, link, open_ticket
from shared.tickets.model import Ticket
from shared.tickets.ranks import Standing
from shared.tickets.saving import Kept, Saving
from shared.tickets.store import Done, NewTicket, Stored

TICKET = TicketId("VT261121-7K3QM9XA")
ACCOUNT = AccountId("hw-power")
CIRCUIT = CircuitId("010-0878-IPV-0001")
ACTOR = "account:hw-power"
BEIJING, CHUXIONG = NetworkCode("010"), NetworkCode("0878")
ORDER = order_id(TICKET, BEIJING)
SEED = Author("system:test", START)
MINUTE = timedelta(minutes=1)
STANDING = Standing("diamond", to_ms(START + 120 * MINUTE), to_ms(START + 60 * MINUTE))


def reported(**changes: Any) -> f.FaultReported:
    given = {
        "account": ACCOUNT, "circuit": CIRCUIT, "impact": "down", "description": "No light at site A",
        "reported_at": START,
    }  # fmt: skip
    return f.FaultReported(**given | changes)


def issued(ticket: TicketId = TICKET, network: NetworkCode = BEIJING, **changes: Any) -> f.OrderIssued:
    given = {
        "order": order_id(ticket, network), "network": network, "kind": "repair", "reason": "both ends", "round": 1,
        "circuit": CIRCUIT, "segments": ("a-access",), "impact": "down", "description": "No light at site A",
        "reported_at": START,
    }  # fmt: skip
    return f.OrderIssued(**given | changes)


def accepted(ticket: TicketId = TICKET, network: NetworkCode = BEIJING) -> f.OrderAccepted:
    return f.OrderAccepted(order_id(ticket, network), network)


def restored(ticket: TicketId = TICKET, network: NetworkCode = BEIJING, at: datetime = START) -> f.ServiceRestored:
    return f.ServiceRestored(order_id(ticket, network), network, at, "fibre", "spliced")


def notes(count: int, *, first: int = 1) -> Sequence[f.NoteAdded]:
    return [f.NoteAdded(f"note {number}") for number in range(first, first + count)]


def log_of(*facts: f.Fact, every: timedelta = MINUTE, **report: Any) -> tuple[Ticket, Sequence[Entry]]:
    """A ticket just reported, then these facts, one each `every`: its state and its whole log."""
    ticket, first = open_ticket(TICKET, reported(**report), at=START, actor=ACTOR)
    entries = [first]
    for number, fact in enumerate(facts, 1):
        ticket, more = append(ticket, entries[-1].hash, [fact], at=START + number * every, actor=ACTOR)
        entries += more
    return ticket, entries


def new_ticket(*, circuit: str = CIRCUIT, key: str | None = None, at: datetime = START) -> NewTicket:
    """A report ready to be stored, as that of the Idempotency-Key `key`."""
    ticket, entry = open_ticket(new_ticket_id(at), reported(circuit=CircuitId(circuit)), at=at, actor=ACTOR)
    done = Done(ACTOR, key, sha256(circuit.encode()).digest(), ticket.id, 1, 0) if key else None
    return NewTicket(ticket, entry, done, STANDING)


async def save(
    tx: Tx, changed: Sequence[Ticket], entries: Sequence[Entry], done: Sequence[Done] = (), *, kept: Kept | None = None
) -> None:
    """Locked tickets as they are after these entries."""
    after = [Stored(ticket, {e.ticket: e.hash for e in entries}[ticket.id]) for ticket in changed]
    await Saving(kept).save(tx, after, [(entry, entry.fact()) for entry in entries], done)


def first_broken_link(entries: Iterable[Entry]) -> int | None:
    """The seq of the first entry that does not follow from the ones before it; None when the chain holds."""
    walk = Walk(TICKET)
    for e in entries:
        if walk.offer(Link(e.seq, e.hash, partial(_hashed, e)), ()):
            return walk.place + 1
    return None


def _hashed(e: Entry, before: bytes, seq: int) -> bytes:
    fields = (e.ticket, seq, to_ms(e.at), e.type, e.actor, e.account, e.status, digest_of(e.origin))
    return link(before, fields, e.data)
