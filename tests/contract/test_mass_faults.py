"""Mass faults under competition: of several dispatchers that find one, one begins it and the others join."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import pytest

from services.dispatcher.escalation import faults_store
from services.dispatcher.escalation.mass_faults import MassFaults
from services.dispatcher.escalation.rules import read_escalation
from services.dispatcher.projection import KeptOrders
from shared.contracts import facts as f
from shared.contracts.event import Event
from shared.db.port import Database, Tx
from shared.db.postgres import PostgresDatabase
from shared.db.statement import Row
from shared.ids import CircuitId, NetworkCode, TicketId, new_ticket_id
from shared.registry.following import loaded
from shared.testing.clock import ManualClock
from shared.tickets import store as tickets
from shared.tickets.changes import Change, Changes
from shared.tickets.log import open_ticket
from shared.tickets.model import Ticket
from shared.tickets.policy_file import read_policy
from shared.tickets.store import NewTicket
from tests import registry
from tests.cases import ACTOR, issued, reported
from tests.contract.test_registry import write
from tests.stores import PATIENCE_S

TERMS = read_policy().terms_of("diamond", "down")
RULES = read_escalation()


async def ordered(database: Database, clock: ManualClock, circuit: str, kind: f.OrderKind = "repair") -> Event:
    """A ticket whose order to Shanghai has just gone out: that event."""
    id, at = new_ticket_id(clock.now()), clock.now()
    report = reported(circuit=CircuitId(circuit), reported_at=at, tier="diamond", terms=TERMS)
    ticket, entry = open_ticket(id, report, at=at, actor=ACTOR)
    await database.transact(lambda tx: tickets.open_new(tx, [NewTicket(ticket, entry, None)]))
    order = issued(
        id, registry.SHANGHAI, kind=kind, circuit=CircuitId(circuit), segments=("a-access", "a-metro"), tier="diamond"
    )

    def decide(ticket: Ticket, now: datetime) -> Sequence[f.Fact]:
        return (order,)

    changes = Changes(clock, KeptOrders())
    (changed,) = await database.transact(lambda tx: changes.run(tx, [Change(id, "x", decide)]))
    assert not isinstance(changed, Exception)
    return changed.entries[0]


async def groups(database: Database, ids: Sequence[TicketId]) -> set[str | None]:
    return {ticket.group for id in ids if (ticket := await tickets.get(database, id))}


@pytest.fixture
async def known(store: Database) -> Database:
    await write(store, *registry.CIRCUITS, accounts=registry.ACCOUNTS, networks=registry.NETWORKS)
    return store


async def test_same_event_twice_and_a_late_one_tell_each_ticket_once(known: Database, clock: ManualClock) -> None:
    faults = MassFaults(known, await loaded(known), clock, RULES)
    events = [await ordered(known, clock, circuit) for circuit in registry.PLAIN[:3]]
    for some in (events, events, events[1:]):
        await faults.on_events(some)
    for event in events:
        told = [e for e in await tickets.entries(known, event.ticket) if e.type == "ticket.escalated"]
        assert len(told) == 1
    (row,) = await faults_store.newest(known, before=None, most=9)
    assert (await faults_store.members(known, [row["id"]]))[row["id"]] == sorted(e.ticket for e in events)


async def test_what_is_restored_by_then_is_counted_no_more(known: Database, clock: ManualClock) -> None:
    faults = MassFaults(known, await loaded(known), clock, RULES)
    events = [await ordered(known, clock, circuit) for circuit in registry.PLAIN[:3]]
    gone = Change(events[0].ticket, ACTOR, lambda ticket, now: (f.TicketCancelled(),))
    await known.transact(lambda tx: Changes(clock).run(tx, [gone]))
    await faults.on_events(events)
    assert await groups(known, [e.ticket for e in events]) == {None}


async def test_network_that_only_assists_has_no_fault_of_its_own(known: Database, clock: ManualClock) -> None:
    faults = MassFaults(known, await loaded(known), clock, RULES)
    events = [await ordered(known, clock, circuit, "assistance") for circuit in registry.PLAIN[:3]]
    await faults.on_events(events)
    assert await groups(known, [e.ticket for e in events]) == {None}


async def test_dispatchers_that_find_it_at_once_give_it_one_name(postgres_dsn: str, clock: ManualClock) -> None:
    databases = [PostgresDatabase(postgres_dsn, patience_s=PATIENCE_S) for _ in range(4)]
    await write(databases[0], *registry.CIRCUITS, accounts=registry.ACCOUNTS, networks=registry.NETWORKS)
    events = [await ordered(databases[0], clock, circuit) for circuit in registry.PLAIN]
    watching = [MassFaults(database, await loaded(database), clock, RULES) for database in databases]
    await asyncio.gather(*(faults.on_events(events) for faults in watching))
    (name,) = await groups(databases[0], [event.ticket for event in events])
    assert name is not None
    assert len(await faults_store.newest(databases[0], before=None, most=9)) == 1
    await asyncio.gather(*(database.close() for database in databases))


async def test_ticket_found_together_with_those_that_another_has_just_told_joins_them(
    known: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults, honest = MassFaults(known, await loaded(known), clock, RULES), faults_store.active
    events = [await ordered(known, clock, circuit) for circuit in registry.PLAIN[:3]]
    await faults.on_events(events)
    events.append(await ordered(known, clock, registry.PLAIN[3]))

    async def looked_before(reader: Database | Tx, network: NetworkCode, since: int) -> Sequence[Row]:
        return () if reader is known else await honest(reader, network, since)

    monkeypatch.setattr(faults_store, "active", looked_before)
    await faults.on_events(events)
    (name,) = await groups(known, [event.ticket for event in events])
    assert name is not None
