"""Commands on existing tickets, many in one transaction, each decided on the ticket as the one before it left it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.contracts import facts as f
from shared.contracts.facts import Fact
from shared.db.port import Database, Tx
from shared.errors import CenterError, IllegalMove, KeyReused, NotFound
from shared.ids import TicketId
from shared.testing.clock import START, ManualClock
from shared.tickets import store as tickets
from shared.tickets.changes import Change, Changed, Changes, replay
from shared.tickets.log import Entry, fold
from shared.tickets.model import Ticket, require_ticket_move
from shared.tickets.request import Request
from tests.cases import ACTOR, first_broken_link, new_ticket

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


@pytest.fixture
async def ids(store: Database) -> list[TicketId]:
    """Two tickets on two circuits."""
    new = [new_ticket(circuit=circuit) for circuit in ("1", "2")]
    await store.transact(lambda tx: tickets.open_new(tx, new))
    return [n.ticket.id for n in new]


@pytest.fixture
def run(store: Database, clock: ManualClock) -> Run:
    changes = Changes(clock)

    async def run(*batch: Change) -> Sequence[Changed | CenterError]:
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
    (outcome,) = await run(Change(ids[0], "account:another", note, sees=lambda ticket: ticket.account == "another"))
    assert isinstance(outcome, NotFound)
    assert (await tickets.get(store, ids[0])).seq == 1


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


async def test_projection_sees_what_was_recorded_in_the_same_transaction(
    store: Database, clock: ManualClock, ids: list[TicketId]
) -> None:
    seen: list[tuple[int, Fact]] = []

    async def project(tx: Tx, recorded: Sequence[tuple[Entry, Fact]]) -> None:
        assert [entry.seq for entry, _ in recorded] == [e.seq for e in await tickets.entries(tx, ids[0], after=1)]
        seen.extend((entry.seq, fact) for entry, fact in recorded)

    await store.transact(lambda tx: Changes(clock, project).run(tx, [change(ids[0]), change(ids[0])]))
    assert seen == [(2, f.NoteAdded("after 1")), (3, f.NoteAdded("after 2"))]


async def test_projection_that_fails_takes_state_and_log_with_it(
    store: Database, clock: ManualClock, ids: list[TicketId]
) -> None:
    async def project(tx: Tx, recorded: Sequence[tuple[Entry, Fact]]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.transact(lambda tx: Changes(clock, project).run(tx, [change(ids[0])]))
    assert len(await tickets.entries(store, ids[0])) == 1


async def test_everything_a_batch_records_carries_the_clocks_time_and_its_actor(
    run: Run, clock: ManualClock, ids: list[TicketId]
) -> None:
    now = clock.advance(timedelta(minutes=5))
    (outcome,) = await run(change(ids[0]))
    assert [(entry.at, entry.actor) for entry in outcome.entries] == [(now, ACTOR)]
    assert outcome.ticket.updated_at == now > START
