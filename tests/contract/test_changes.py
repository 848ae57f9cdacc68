"""Commands on existing tickets, many in one transaction, each decided on the ticket as the one before it left it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from services.dispatcher.projection import KeptOrders
from services.dispatcher.tables import repair_orders
from shared.contracts import facts as f
from shared.contracts.facts import Fact
from shared.db.commit import AGAIN, Again
from shared.db.port import Database, Tx
from shared.db.postgres import PostgresDatabase, PostgresTx
from shared.db.schema import outbox
from shared.db.statement import Query, Row
from shared.errors import CenterError, IllegalMove, KeyReused, NotFound
from shared.ids import TicketId
from shared.testing.clock import START, ManualClock
from shared.tickets import store as tickets
from shared.tickets.changes import Change, Changed, Changes, replay
from shared.tickets.log import fold
from shared.tickets.model import Ticket, require_ticket_move
from shared.tickets.request import Request
from shared.tickets.saving import Recorded
from shared.tickets.store import Stored
from tests.cases import ACTOR, accepted, first_broken_link, issued, new_ticket
from tests.waiting import somebody_waits_for, until

ORDERS = Query(select(repair_orders.c.ticket, repair_orders.c.state))
TO_PUBLISH = Query(select(outbox.c.ticket, outbox.c.seq).order_by(outbox.c.position))
CANCEL = Request(ACTOR, "k1", b"cancel")


def note(ticket: Ticket, now: datetime) -> Sequence[Fact]:
    return [f.NoteAdded(f"after {ticket.seq}")]


def cancel(ticket: Ticket, now: datetime) -> Sequence[Fact]:
    require_ticket_move(ticket, "cancel")
    return [f.TicketCancelled()]


def nothing(ticket: Ticket, now: datetime) -> Sequence[Fact]:
    return []


Decide = Callable[[Ticket, datetime], Sequence[Fact]]
Run = Callable[..., Awaitable[Any]]


def change(id: TicketId, decide: Decide = note, request: Request | None = None) -> Change:
    return Change(id, ACTOR, decide, request=request)


async def opened(store: Database) -> list[TicketId]:
    """Two tickets on two circuits."""
    new = [new_ticket(circuit=circuit) for circuit in ("1", "2")]
    await store.transact(lambda tx: tickets.open_new(tx, new))
    return [n.ticket.id for n in new]


@pytest.fixture
async def ids(store: Database) -> list[TicketId]:
    return await opened(store)


@pytest.fixture(params=["in a transaction", "alone"])
def run(store: Database, clock: ManualClock, request: pytest.FixtureRequest) -> Run:
    changes = Changes(clock)

    async def run(*batch: Change) -> Sequence[Changed | CenterError | Again]:
        if request.param == "alone":
            return await store.single(lambda tx: changes.run_alone(tx, batch))
        return await store.transact(lambda tx: changes.run(tx, batch))

    return run


async def test_each_command_sees_the_ticket_as_the_one_before_left_it(
    store: Database, run: Run, ids: list[TicketId]
) -> None:
    outcomes = await run(change(ids[0]), change(ids[1]), change(ids[0]))
    assert [outcome.ticket.seq for outcome in outcomes] == [2, 2, 3]
    texts = [entry.fact().text for entry in await tickets.entries(store, ids[0], after=1)]
    assert texts == ["after 1", "after 2"]


async def test_state_and_log_agree_afterwards(store: Database, run: Run, ids: list[TicketId]) -> None:
    await run(change(ids[0]), change(ids[0], cancel), change(ids[1]))
    for id in ids:
        log = await tickets.entries(store, id)
        assert await tickets.get(store, id) == fold(log)
        assert first_broken_link(log) is None


async def test_refusal_is_its_commands_outcome_and_disturbs_no_other(
    store: Database, run: Run, ids: list[TicketId]
) -> None:
    outcomes = await run(change(ids[0], cancel), change(ids[0], cancel), change(ids[1], cancel))
    assert [type(outcome) for outcome in outcomes] == [Changed, IllegalMove, Changed]
    assert (await tickets.get(store, ids[1])).status == "cancelled"


async def test_defect_in_a_command_is_no_refusal_and_saves_nothing(
    store: Database, run: Run, ids: list[TicketId]
) -> None:
    def broken(ticket: Ticket, now: datetime) -> Sequence[Fact]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run(change(ids[0]), change(ids[1], broken))
    assert (await tickets.get(store, ids[0])).seq == 1


async def test_unknown_ticket_is_not_found(run: Run, ids: list[TicketId]) -> None:
    (outcome,) = await run(change(TicketId("VT000000-00000000")))
    assert isinstance(outcome, NotFound)


async def test_ticket_of_somebody_else_is_not_found_either(store: Database, run: Run, ids: list[TicketId]) -> None:
    await run(change(ids[0], note, CANCEL))  # not even as the answer to what was asked before
    for request in (None, CANCEL):
        theirs = Change(ids[0], ACTOR, note, sees=lambda ticket: ticket.account == "another", request=request)
        (outcome,) = await run(theirs)
        assert isinstance(outcome, NotFound)
    assert (await tickets.get(store, ids[0])).seq == 2


async def test_command_that_has_nothing_to_say_leaves_no_trace(store: Database, run: Run, ids: list[TicketId]) -> None:
    (outcome,) = await run(change(ids[0], nothing))
    assert (outcome.ticket.seq, outcome.entries) == (1, [])
    assert len(await tickets.entries(store, ids[0])) == 1


async def test_repeated_request_is_answered_as_the_first_and_does_nothing(
    store: Database, run: Run, ids: list[TicketId]
) -> None:
    (first,) = await run(change(ids[0], cancel, CANCEL))
    (again,) = await run(change(ids[0], cancel, CANCEL))
    assert (first.replayed, again.replayed) == (False, True)
    assert again.ticket == first.ticket
    assert len(await tickets.entries(store, ids[0])) == 2


async def test_repeated_request_is_answered_as_it_stood_then_not_as_it_stands_now(
    run: Run, clock: ManualClock, ids: list[TicketId]
) -> None:
    request = Request(ACTOR, "k1", b"note")
    (first,) = await run(change(ids[0], note, request))
    clock.advance(timedelta(minutes=1))
    await run(change(ids[0]), change(ids[0], cancel))
    (again,) = await run(change(ids[0], note, request))
    assert again.ticket == first.ticket


async def test_request_repeated_within_one_batch_is_done_once(store: Database, run: Run, ids: list[TicketId]) -> None:
    first, again = await run(change(ids[0], cancel, CANCEL), change(ids[0], cancel, CANCEL))
    assert (first.replayed, again.replayed) == (False, True)
    assert len(await tickets.entries(store, ids[0])) == 2


@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_key_with_another_request_is_refused(run: Run, ids: list[TicketId], in_one_batch: bool) -> None:
    first, other = change(ids[0], cancel, CANCEL), change(ids[1], cancel, Request(ACTOR, "k1", b"another"))
    outcomes = await run(first, other) if in_one_batch else [*await run(first), *await run(other)]
    assert [type(outcome) for outcome in outcomes] == [Changed, KeyReused]


async def test_same_key_of_another_sender_is_another_request(run: Run, ids: list[TicketId]) -> None:
    first, other = change(ids[0], note, CANCEL), change(ids[0], note, Request("account:another", "k1", b"x"))
    assert [outcome.replayed for outcome in await run(first, other)] == [False, False]


async def test_refused_request_may_be_tried_again_under_its_key(run: Run, ids: list[TicketId]) -> None:
    def refuse(ticket: Ticket, now: datetime) -> Sequence[Fact]:
        raise IllegalMove("not now", legal=[])

    (refused,) = await run(change(ids[0], refuse, CANCEL))
    (later,) = await run(change(ids[0], note, CANCEL))
    assert (type(refused), later.replayed) == (IllegalMove, False)


async def test_replay_of_what_was_never_asked_is_nothing(store: Database) -> None:
    assert await store.transact(lambda tx: replay(tx, CANCEL)) is None


class Broken:
    """Keeps what no table takes."""

    def postgresql(self, first: int) -> str:
        return ", broken AS (INSERT INTO repair_orders (id) SELECT NULL FROM saved)"

    def arguments(self, recorded: Recorded) -> Sequence[Any]:
        return ()

    async def sqlite(self, tx: Tx, recorded: Recorded) -> None:
        tx.raw.execute("INSERT INTO repair_orders (id) VALUES (NULL)")


async def test_state_and_log_are_not_saved_without_what_a_service_keeps_of_them(
    store: Database, clock: ManualClock, ids: list[TicketId]
) -> None:
    with pytest.raises(Exception, match=r"(?i)null"):
        await store.single(lambda tx: Changes(clock, Broken()).run_alone(tx, [change(ids[0])]))
    assert len(await tickets.entries(store, ids[0])) == 1
    assert (await tickets.get(store, ids[0])).seq == 1


@pytest.fixture
async def elsewhere(postgres_dsn: str) -> AsyncIterator[PostgresDatabase]:
    """The same database as another process has it open."""
    other = PostgresDatabase(postgres_dsn)
    yield other
    await other.close()


class Meanwhile(PostgresTx):
    """Lets somebody else do something after the first read here."""

    def __init__(self, raw: Any, does: Callable[[], Awaitable[Any]]) -> None:
        super().__init__(raw)
        self._does = [does]

    async def fetch(self, query: Query, **params: Any) -> Sequence[Row]:
        rows = await super().fetch(query, **params)
        if self._does:
            await self._does.pop()()
        return rows


async def test_ticket_that_changed_since_it_was_read_is_left_alone_and_its_neighbour_is_not(
    postgres_store: PostgresDatabase, elsewhere: PostgresDatabase, clock: ManualClock
) -> None:
    moved, other = two = await opened(postgres_store)
    changes, kept = Changes(clock), Changes(clock, KeptOrders())

    async def somebody() -> None:
        await elsewhere.transact(lambda tx: changes.run(tx, [change(moved)]))

    def order(ticket: Ticket, now: datetime) -> Sequence[Fact]:
        return [issued(ticket.id), f.NoteAdded("ordered")]

    batch = [change(moved, order, CANCEL), change(other, order), change(moved, cancel), change(moved, nothing)]
    outcomes = await postgres_store.single(lambda tx: kept.run_alone(Meanwhile(tx.raw, somebody), batch))
    assert [o if o is AGAIN else o.ticket.seq for o in outcomes] == [AGAIN, 3, AGAIN, AGAIN]
    types = {id: [e.type for e in await tickets.entries(postgres_store, id, after=1)] for id in two}
    assert types == {moved: ["ticket.noted"], other: ["order.issued", "ticket.noted"]}
    assert {row["ticket"] for row in await postgres_store.fetch(ORDERS)} == {other}
    assert [(row["ticket"], row["seq"]) for row in await postgres_store.fetch(TO_PUBLISH)] == [
        *((id, 1) for id in two),
        (moved, 2),
        (other, 2),
        (other, 3),
    ]
    assert await postgres_store.transact(lambda tx: replay(tx, CANCEL)) is None


async def test_order_of_a_ticket_that_changed_since_it_was_read_is_left_alone_too(
    postgres_store: PostgresDatabase, elsewhere: PostgresDatabase, clock: ManualClock
) -> None:
    (id, _), kept = await opened(postgres_store), Changes(clock, KeptOrders())
    order = change(id, lambda ticket, now: [issued(ticket.id)])
    accept = change(id, lambda ticket, now: [accepted(ticket.id)])
    await postgres_store.transact(lambda tx: kept.run(tx, [order]))

    async def somebody() -> None:
        await elsewhere.transact(lambda tx: kept.run(tx, [change(id)]))

    outcomes = await postgres_store.single(lambda tx: kept.run_alone(Meanwhile(tx.raw, somebody), [accept]))
    assert outcomes == [AGAIN]
    assert [row["state"] for row in await postgres_store.fetch(ORDERS)] == ["issued"]


@pytest.mark.parametrize("went_on", [False, True])
async def test_ticket_known_from_its_event_is_decided_on_as_it_is_now(
    store: Database, clock: ManualClock, went_on: bool
) -> None:
    new = new_ticket()
    await store.transact(lambda tx: tickets.open_new(tx, [new]))
    commands = Changes(clock).grouped(store)
    if went_on:
        await commands.submit(change(new.ticket.id))
    known = Stored(new.ticket, new.entry.hash)
    changed = await commands.submit(Change(new.ticket.id, ACTOR, note, known=known))
    await commands.close()
    assert changed.entries[0].fact() == f.NoteAdded("after 2" if went_on else "after 1")
    log = await tickets.entries(store, new.ticket.id)
    assert fold(log) == changed.ticket == await tickets.get(store, new.ticket.id)
    assert first_broken_link(log) is None


async def test_ticket_known_from_its_event_is_not_read_again(
    postgres_store: PostgresDatabase, clock: ManualClock
) -> None:
    new = new_ticket()
    await postgres_store.transact(lambda tx: tickets.open_new(tx, [new]))
    known = Change(new.ticket.id, ACTOR, note, known=Stored(new.ticket, new.entry.hash))
    said: list[str] = []
    async with postgres_store.connection() as connection:
        connection.add_query_logger(lambda query: said.append(query.query))
        await Changes(clock).run_alone(PostgresTx(connection), [known])
        await asyncio.sleep(0)  # the driver tells later
    assert any("UPDATE tickets" in query for query in said)
    assert not any("FROM tickets" in query for query in said)


async def test_command_waits_for_whoever_has_its_ticket_and_sees_it_as_that_one_left_it(
    postgres_store: PostgresDatabase, clock: ManualClock
) -> None:
    (id, _), changes = await opened(postgres_store), Changes(clock)

    async def note_while_another_waits(tx: Tx) -> asyncio.Task[Any]:
        await changes.run(tx, [change(id)])
        another = asyncio.create_task(postgres_store.transact(lambda other: changes.run(other, [change(id)])))
        await until(lambda: somebody_waits_for(tx))
        return another

    (outcome,) = await (await postgres_store.transact(note_while_another_waits))
    assert outcome.entries[0].fact() == f.NoteAdded("after 2")


async def test_commands_on_several_tickets_at_once_never_lock_each_other_out(
    postgres_store: PostgresDatabase, clock: ManualClock
) -> None:
    changes, new = Changes(clock), {n.ticket.id: n for n in (new_ticket(circuit="1"), new_ticket(circuit="2"))}
    last, first = sorted(new, reverse=True)
    for id in last, first:  # so they lie in the table
        await postgres_store.transact(lambda tx, id=id: tickets.open_new(tx, [new[id]]))

    async def note_while_they_wait(tx: Tx) -> asyncio.Task[Any]:
        await changes.run(tx, [change(first)])
        both = asyncio.create_task(
            postgres_store.single(lambda other: changes.run_alone(other, [change(last), change(first)]))
        )
        await until(lambda: somebody_waits_for(tx))
        await changes.run(tx, [change(last)])
        return both

    assert await (await postgres_store.transact(note_while_they_wait)) == [AGAIN, AGAIN]


async def test_what_two_processes_do_to_one_ticket_at_once_is_all_done_once(
    postgres_store: PostgresDatabase, elsewhere: PostgresDatabase, clock: ManualClock
) -> None:
    two = await opened(postgres_store)
    here, there = (Changes(clock).grouped(store) for store in (postgres_store, elsewhere))
    asked = [
        commits.submit(change(id, request=Request(ACTOR, f"{name} {number} {id}", b"note")))
        for number in range(40)
        for id in two
        for name, commits in (("here", here), ("there", there))
    ]
    done = await asyncio.gather(*asked)
    assert not any(changed.replayed for changed in done)
    for id in two:
        log = await tickets.entries(postgres_store, id)
        assert [entry.seq for entry in log] == list(range(1, 82))
        assert first_broken_link(log) is None
        assert await tickets.get(postgres_store, id) == fold(log)


async def test_everything_a_batch_records_carries_the_clocks_time_and_its_actor(
    run: Run, clock: ManualClock, ids: list[TicketId]
) -> None:
    now = clock.advance(timedelta(minutes=5))
    (outcome,) = await run(change(ids[0]))
    assert [(entry.at, entry.actor) for entry in outcome.entries] == [(now, ACTOR)]
    assert outcome.ticket.updated_at == now > START
