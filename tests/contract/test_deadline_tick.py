"""The tick: what is due is said once, by whichever dispatcher, however the clock moves and whoever is killed."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from services.dispatcher.deadlines import steps
from services.dispatcher.deadlines.store import NEXT, look
from services.dispatcher.deadlines.tick import BATCH, Tick
from services.dispatcher.escalation.rules import EscalationRules, read_escalation
from shared.bus.wake import Wake
from shared.contracts import facts as f
from shared.db.port import Database, Tx
from shared.db.postgres import PostgresDatabase
from shared.ids import CircuitId, TicketId, new_ticket_id
from shared.testing.clock import START, ManualClock
from shared.tickets import store as tickets
from shared.tickets.changes import Change, Changes
from shared.tickets.log import open_ticket
from shared.tickets.model import Ticket
from shared.tickets.policy_file import read_policy
from shared.tickets.store import NewTicket
from tests.cases import ACTOR, MINUTE, accepted, issued, reported, restored
from tests.stores import PATIENCE_S

TERMS = read_policy().terms_of("diamond", "down")
RULES = read_escalation()
HOUR = timedelta(hours=1)
WARNED, MISSED = "ticket.deadline_warned", "ticket.deadline_missed"


class Killed(BaseException):
    """Nothing runs after it."""


async def opened(database: Database, clock: ManualClock, *, count: int = 1) -> list[TicketId]:
    """Reported just now, with the terms of a diamond."""
    new = []
    for number in range(count):
        id, at = new_ticket_id(clock.now()), clock.now()
        fact = reported(circuit=CircuitId(f"C{number:05}"), reported_at=at, tier="diamond", terms=TERMS)
        ticket, entry = open_ticket(id, fact, at=at, actor=ACTOR)
        new.append(NewTicket(ticket, entry, None))
    await database.transact(lambda tx: tickets.open_new(tx, new))
    return [n.ticket.id for n in new]


async def recorded(database: Database, clock: ManualClock, id: TicketId, *facts: f.Fact, actor: str = "x") -> None:
    change = Change(id, actor, lambda ticket, now: facts)
    (outcome,) = await database.transact(lambda tx: Changes(clock).run(tx, [change]))
    assert not isinstance(outcome, Exception)


async def catch_up(tick: Tick) -> int:
    total = 0
    while done := await tick.look():
        total += done
    return total


async def by_clock(database: Database, id: TicketId) -> list[f.Fact]:
    return [e.fact() for e in await tickets.entries(database, id) if e.actor == "system:clock"]


def said(facts: Sequence[f.Fact]) -> list[tuple[str, int]]:
    """Warnings and misses: deadline and percent."""
    found = []
    for fact in facts:
        match fact:
            case f.DeadlineWarned(kind=kind, percent=percent):
                found.append((kind, percent))
            case f.DeadlineMissed(kind=kind):
                found.append((kind, 100))
    return found


@pytest.fixture
def tick(store: Database, clock: ManualClock) -> Tick:
    return Tick(store, clock, RULES, wake=Wake())


async def test_restoration_is_warned_of_and_missed_each_once(store: Database, clock: ManualClock, tick: Tick) -> None:
    (id,) = await opened(store, clock)
    for _ in range(130):
        clock.advance(MINUTE)
        await catch_up(tick)
        await catch_up(tick)
    assert said(await by_clock(store, id)) == [("restore", percent) for percent in (50, 75, 90, 100)]


async def test_after_an_outage_only_the_furthest_step_is_told(store: Database, clock: ManualClock, tick: Tick) -> None:
    (id,) = await opened(store, clock)
    await recorded(store, clock, id, issued(id))
    clock.advance(5 * HOUR)
    assert await catch_up(tick) == 1
    assert sorted(said(await by_clock(store, id))) == [("accept", 100), ("restore", 100)]


async def test_silence_is_broken_with_the_truth_and_the_next_date(
    store: Database, clock: ManualClock, tick: Tick
) -> None:
    (id,) = await opened(store, clock)
    await recorded(store, clock, id, issued(id), accepted(id))
    for _ in range(2):
        clock.advance(25 * MINUTE)
        await catch_up(tick)
        clock.advance(5 * MINUTE)
        await catch_up(tick)
    unchanged = [fact for fact in await by_clock(store, id) if isinstance(fact, f.TicketUnchanged)]
    assert unchanged == [f.TicketUnchanged(START, START + 60 * MINUTE)]  # at 60 the warning of 50 % broke it


async def test_what_nobody_answers_is_closed_and_nothing_else_is_said_of_it(
    store: Database, clock: ManualClock, tick: Tick
) -> None:
    (id,) = await opened(store, clock)
    await recorded(store, clock, id, issued(id), accepted(id), restored(id, at=START))
    await recorded(store, clock, id, f.FaultReportGiven("fibre", "spliced", "Cut by roadworks; spliced."))
    clock.advance(timedelta(hours=71))
    assert await catch_up(tick) == 0
    clock.advance(HOUR)
    await catch_up(tick)
    clock.advance(30 * 24 * HOUR)
    assert await catch_up(tick) == 0
    assert await by_clock(store, id) == [f.TicketClosed("unanswered")]
    assert list(await store.fetch(NEXT)) == []


@pytest.mark.parametrize("step", [HOUR, -HOUR])
async def test_clock_that_steps_an_hour_neither_doubles_nor_loses_a_deadline(
    store: Database, clock: ManualClock, tick: Tick, step: timedelta
) -> None:
    ids = await opened(store, clock, count=5)
    for id in ids:
        await recorded(store, clock, id, issued(id))
    for minute in range(400):
        if minute in (59, 100):  # just before a warning, and the other way round before the breach
            clock.advance(step if minute == 59 else -step)
        clock.advance(MINUTE)
        await catch_up(tick)
    for id in ids:
        told = Counter(said(await by_clock(store, id)))
        assert set(told.values()) == {1}
        assert {("accept", 100), ("restore", 100)} <= set(told)


async def test_every_deadline_is_told_once_when_several_dispatchers_look_at_once(
    postgres_dsn: str, clock: ManualClock
) -> None:
    databases = [PostgresDatabase(postgres_dsn, patience_s=PATIENCE_S) for _ in range(3)]
    ids = await opened(databases[0], clock, count=2 * BATCH + 50)
    clock.advance(3 * HOUR)
    shares = await asyncio.gather(*(catch_up(Tick(database, clock, RULES, wake=Wake())) for database in databases))
    while sum(shares) < len(ids):
        shares = [*shares, await catch_up(Tick(databases[0], clock, RULES, wake=Wake()))]
    assert sum(shares) == len(ids)
    for id in ids:
        assert said(await by_clock(databases[0], id)) == [("restore", 100)]
    await asyncio.gather(*(database.close() for database in databases))


async def test_ticket_that_somebody_holds_is_passed_over_and_looked_at_later(
    postgres_dsn: str, clock: ManualClock
) -> None:
    database, other = (
        PostgresDatabase(postgres_dsn, patience_s=PATIENCE_S),
        PostgresDatabase(postgres_dsn, patience_s=PATIENCE_S),
    )
    held, free = await opened(database, clock, count=2)
    clock.advance(HOUR)
    connection = await other.connect()
    await connection.execute("BEGIN")
    await connection.execute("SELECT 1 FROM tickets WHERE id = $1 FOR UPDATE", held)
    tick = Tick(database, clock, RULES, wake=Wake())
    assert await catch_up(tick) == 1
    assert said(await by_clock(database, free)) == [("restore", 50)]
    await connection.execute("COMMIT")
    assert await catch_up(tick) == 1
    connection.terminate()
    await asyncio.gather(database.close(), other.close())


async def test_kill_before_the_commit_loses_nothing_and_after_it_doubles_nothing(
    store: Database, clock: ManualClock, tick: Tick
) -> None:
    (id,) = await opened(store, clock)
    clock.advance(HOUR)

    async def dies(tx: Tx) -> int:
        await Tick._batch(tick, tx)
        raise Killed

    with pytest.raises(Killed):
        await store.transact(dies)
    assert await by_clock(store, id) == []
    await catch_up(tick)
    await catch_up(Tick(store, clock, RULES, wake=Wake()))
    assert said(await by_clock(store, id)) == [("restore", 50)]


async def test_one_ticket_that_can_not_be_decided_holds_up_no_other(
    store: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, *others = await opened(store, clock, count=4)
    honest = steps.what_is_due

    def decide(ticket: Ticket, now: datetime, rules: EscalationRules) -> Sequence[f.Fact]:
        if ticket.id == broken:
            raise ZeroDivisionError
        return honest(ticket, now, rules)

    monkeypatch.setattr(steps, "what_is_due", decide)
    tick = Tick(store, clock, RULES, wake=Wake())
    clock.advance(HOUR)
    assert await catch_up(tick) == 4
    assert [len(await by_clock(store, id)) for id in (broken, *others)] == [0, 2, 2, 2]
    assert str(broken) in caplog.text
    monkeypatch.undo()
    clock.advance(MINUTE)
    assert await catch_up(Tick(store, clock, RULES, wake=Wake())) == 1


async def test_ticket_to_be_looked_at_by_older_rules_is_looked_at_when_these_say(
    store: Database, clock: ManualClock, tick: Tick
) -> None:
    (id,) = await opened(store, clock)
    await store.transact(lambda tx: look(tx, id, 0))
    assert await catch_up(tick) == 1
    assert await by_clock(store, id) == []
    assert await catch_up(tick) == 0


async def test_tick_wakes_at_the_instant_at_which_the_next_thing_is_due(store: Database, clock: ManualClock) -> None:
    await opened(store, clock)
    wake = Wake()
    clock.advance(30 * MINUTE - timedelta(milliseconds=30))
    assert await Tick(store, clock, RULES, wake=wake).look() == 0
    assert await wake.wait(10)
