"""State, log and inbox of a ticket are saved together or not at all, and one circuit has one open ticket."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import bindparam, update

from shared.contracts import facts as f
from shared.db.commit import GroupCommit
from shared.db.port import Database, Tx
from shared.db.postgres import PostgresDatabase
from shared.db.statement import Query
from shared.ids import CircuitId, TicketId
from shared.testing.clock import START
from shared.tickets import store as tickets
from shared.tickets.log import append, fold
from shared.tickets.model import Ticket
from shared.tickets.store import Done, NewTicket, Stored
from shared.tickets.tables import tickets as table
from tests.cases import ACCOUNT, ACTOR, CIRCUIT, first_broken_link, new_ticket, notes, save
from tests.waiting import somebody_waits_for, until

STATED = Query(update(table).where(table.c.id == bindparam("which")).values(state=bindparam("says")))


async def open_new(store: Database, *new: NewTicket) -> set[TicketId]:
    return await store.transact(lambda tx: tickets.open_new(tx, new))


async def change(store: Database, id: TicketId, *facts: f.Fact, done: Sequence[Done] = ()) -> Ticket:
    async def body(tx: Tx) -> Ticket:
        stored = (await tickets.lock(tx, [id]))[id]
        ticket, entries = append(stored.ticket, stored.head, facts, at=START, actor=ACTOR)
        await save(tx, [ticket], entries, done)
        return ticket

    return await store.transact(body)


async def test_new_ticket_is_there_with_its_first_entry(store: Database) -> None:
    new = new_ticket()
    assert await open_new(store, new) == {new.ticket.id}
    assert await tickets.get(store, new.ticket.id) == new.ticket
    assert await tickets.entries(store, new.ticket.id) == [new.entry]


async def test_whoever_follows_the_log_is_woken_when_it_grows(store: Database) -> None:
    new, opened, changed = new_ticket(), asyncio.Event(), asyncio.Event()
    store.listen(tickets.APPENDED, opened.set)
    await open_new(store, new)
    assert opened.is_set()
    store.listen(tickets.APPENDED, changed.set)
    await change(store, new.ticket.id, *notes(1))
    assert changed.is_set()


async def test_ticket_whose_state_was_written_before_marks_were_kept_has_those_of_its_log(store: Database) -> None:
    new = new_ticket()
    await open_new(store, new)
    without = tickets.state_json(replace(new.ticket, marks=()))
    await store.transact(lambda tx: tx.fetch(STATED, which=new.ticket.id, says=without))
    (stored,) = (await store.transact(lambda tx: tickets.lock(tx, [new.ticket.id]))).values()
    assert stored.ticket == new.ticket


async def test_unknown_ticket_is_nothing(store: Database) -> None:
    assert await tickets.get(store, TicketId("VT000000-00000000")) is None
    assert await tickets.entries(store, TicketId("VT000000-00000000")) == []


async def test_of_two_reports_on_one_circuit_in_one_batch_one_gets_in(store: Database) -> None:
    first, second, other = new_ticket(), new_ticket(), new_ticket(circuit="other")
    inside = await open_new(store, first, second, other)
    assert len(inside) == 2
    assert other.ticket.id in inside


async def test_report_on_a_circuit_with_an_open_ticket_leaves_nothing_behind(store: Database) -> None:
    first, second = new_ticket(key="1"), new_ticket(key="2")
    await open_new(store, first)
    assert await open_new(store, second) == set()
    assert await tickets.get(store, second.ticket.id) is None
    assert await tickets.entries(store, second.ticket.id) == []
    assert await store.transact(lambda tx: tickets.find_done(tx, ACTOR, ["2"])) == {}


async def test_open_ticket_of_a_circuit_is_found_until_it_is_over(store: Database) -> None:
    new = new_ticket()
    await open_new(store, new)
    assert await store.transact(lambda tx: tickets.open_on(tx, CIRCUIT)) == new.ticket.id
    await change(store, new.ticket.id, f.TicketCancelled())
    assert await store.transact(lambda tx: tickets.open_on(tx, CIRCUIT)) is None


@pytest.mark.parametrize("end", [f.TicketCancelled(), f.TicketClosed("confirmed"), f.TicketRejected("not ours")])
async def test_circuit_takes_a_new_ticket_once_the_last_one_is_over(store: Database, end: f.Fact) -> None:
    first, second = new_ticket(), new_ticket()
    await open_new(store, first)
    await change(store, first.ticket.id, end)
    assert await open_new(store, second) == {second.ticket.id}


async def test_change_saves_state_and_log_that_fold_to_each_other(store: Database) -> None:
    new = new_ticket()
    await open_new(store, new)
    changed = await change(store, new.ticket.id, *notes(3))
    log = await tickets.entries(store, new.ticket.id)
    assert await tickets.get(store, new.ticket.id) == changed == fold(log)
    assert first_broken_link(log) is None


async def test_what_the_store_searches_by_follows_the_state(store: Database) -> None:
    new = new_ticket()
    await open_new(store, new)
    await change(store, new.ticket.id, f.TicketUnroutable("no network"), f.TicketCancelled())

    async def row(tx: Tx) -> tuple[str, int | None, str | None]:
        sql = "SELECT status, over_at, unroutable FROM tickets"
        found = tx.raw.execute(sql).fetchone() if tx.dialect == "sqlite" else await tx.raw.fetchrow(sql)
        return tuple(found)

    assert await store.transact(row) == ("cancelled", 1_795_248_000_000, None)


async def test_many_tickets_are_changed_in_one_step_each_with_its_own_log(store: Database) -> None:
    new = [new_ticket(circuit=str(number)) for number in range(20)]
    await open_new(store, *new)

    async def body(tx: Tx) -> None:
        held = await tickets.lock(tx, [n.ticket.id for n in new])
        changed = [append(s.ticket, s.head, notes(2), at=START, actor=ACTOR) for s in held.values()]
        await save(tx, [ticket for ticket, _ in changed], [e for _, entries in changed for e in entries])

    await store.transact(body)
    logs = [await tickets.entries(store, n.ticket.id) for n in new]
    assert [len(log) for log in logs] == [3] * 20
    assert all(first_broken_link(log) is None for log in logs)


async def test_lock_finds_the_known_tickets_with_their_heads(store: Database) -> None:
    first, second = new_ticket(), new_ticket(circuit="other")
    await open_new(store, first, second)
    wanted = [first.ticket.id, second.ticket.id, first.ticket.id, TicketId("VT000000-00000000")]
    held = await store.transact(lambda tx: tickets.lock(tx, wanted))
    assert held == {n.ticket.id: Stored(n.ticket, n.entry.hash) for n in (first, second)}


async def test_changes_of_one_ticket_at_the_same_time_wait_for_each_other(store: Database) -> None:
    new = new_ticket()
    await open_new(store, new)
    await asyncio.gather(*(change(store, new.ticket.id, *notes(1, first=number)) for number in range(16)))
    log = await tickets.entries(store, new.ticket.id)
    assert [entry.seq for entry in log] == list(range(1, 18))
    assert first_broken_link(log) is None


async def test_entry_can_not_be_written_twice(store: Database) -> None:
    new = new_ticket()
    await open_new(store, new)

    async def again(tx: Tx) -> None:
        await save(tx, [new.ticket], [new.entry])

    with pytest.raises(Exception, match=r"(?i)unique"):
        await store.transact(again)
    assert len(await tickets.entries(store, new.ticket.id)) == 1


async def test_entries_are_read_in_order_and_in_parts(store: Database) -> None:
    new = new_ticket()
    await open_new(store, new)
    await change(store, new.ticket.id, *notes(5))
    assert [e.seq for e in await tickets.entries(store, new.ticket.id, after=2, most=3)] == [3, 4, 5]


async def test_request_is_found_by_who_asked_and_its_key(store: Database) -> None:
    new = new_ticket(key="k1")
    await open_new(store, new)
    (found,) = (await store.transact(lambda tx: tickets.find_done(tx, ACTOR, ["k0", "k1"]))).values()
    assert new.done is not None
    assert (bytes(found["digest"]), found["ticket"], found["seq"]) == (new.done.digest, new.ticket.id, 1)
    assert await store.transact(lambda tx: tickets.find_done(tx, "account:another", ["k1"])) == {}


async def test_reused_key_breaks_the_batch_and_leaves_nothing_of_it(store: Database) -> None:
    await open_new(store, new_ticket(key="k1"))
    neighbour, reused = new_ticket(circuit="2"), new_ticket(circuit="3", key="k1")
    with pytest.raises(Exception, match=r"(?i)unique"):
        await open_new(store, neighbour, reused)
    assert await tickets.get(store, neighbour.ticket.id) is None


async def test_done_is_saved_with_the_change_it_belongs_to(store: Database) -> None:
    new = new_ticket()
    await open_new(store, new)
    await change(store, new.ticket.id, *notes(1), done=[Done(ACTOR, "k", b"digest", new.ticket.id, 2, 0)])
    with pytest.raises(Exception, match=r"(?i)unique"):
        await change(store, new.ticket.id, *notes(1), done=[Done(ACTOR, "k", b"digest", new.ticket.id, 3, 0)])
    assert len(await tickets.entries(store, new.ticket.id)) == 2


async def test_texts_of_any_language_survive(store: Database) -> None:
    text = "断纤，正在熔接 🔥 'quoted' \"twice\" \\ %s $1 ?"
    new = new_ticket()
    await open_new(store, new)
    await change(store, new.ticket.id, f.NoteAdded(text))
    assert (await tickets.entries(store, new.ticket.id))[1].fact() == f.NoteAdded(text)


async def test_thirty_two_reports_with_one_key_at_once_make_one_ticket(store: Database) -> None:
    async def body(tx: Tx, new: Sequence[NewTicket]) -> Sequence[bool]:
        inside = await tickets.open_new(tx, new)
        return [n.ticket.id in inside for n in new]

    commit: GroupCommit[NewTicket, bool] = GroupCommit(store, body, single=True, max_batch=5)
    got_in = await asyncio.gather(*(commit.submit(new_ticket(key="one")) for _ in range(32)))
    assert sum(got_in) == 1
    assert await store.transact(lambda tx: tickets.open_on(tx, CIRCUIT)) is not None


async def test_reports_on_many_circuits_at_once_never_lock_each_other_out(postgres_store: PostgresDatabase) -> None:
    """A batch that has to wait for a circuit holds none that comes after it."""
    batch = [new_ticket(circuit="2"), new_ticket(circuit="1")]

    async def report_while_they_wait(tx: Tx) -> asyncio.Task[set[TicketId]]:
        await tickets.open_new(tx, [new_ticket(circuit="1")])
        waiting = asyncio.create_task(open_new(postgres_store, *batch))
        await until(lambda: somebody_waits_for(tx))
        assert await tickets.open_new(tx, [new_ticket(circuit="2")])
        return waiting

    assert await (await postgres_store.transact(report_while_they_wait)) == set()


async def test_changes_of_several_tickets_at_once_never_lock_each_other_out(postgres_store: PostgresDatabase) -> None:
    new = [new_ticket(circuit="1"), new_ticket(circuit="2")]
    last, first = sorted((n.ticket.id for n in new), reverse=True)
    for n in sorted(new, key=lambda n: n.ticket.id, reverse=True):  # so they lie in the table
        await open_new(postgres_store, n)

    async def lock_while_they_wait(tx: Tx) -> asyncio.Task[dict[TicketId, Stored]]:
        await tickets.lock(tx, [first])
        waiting = asyncio.create_task(postgres_store.transact(lambda other: tickets.lock(other, [last, first])))
        await until(lambda: somebody_waits_for(tx))
        assert await tickets.lock(tx, [last])
        return waiting

    assert len(await (await postgres_store.transact(lock_while_they_wait))) == 2


async def test_log_of_a_ticket_never_goes_back_in_time(store: Database) -> None:
    new = new_ticket(at=START + timedelta(hours=1))
    await open_new(store, new)
    await change(store, new.ticket.id, *notes(1))  # at START
    assert [e.at for e in await tickets.entries(store, new.ticket.id)] == [START + timedelta(hours=1)] * 2
    assert new.ticket.account == ACCOUNT
    assert new.ticket.circuit == CircuitId(CIRCUIT)
