"""The sweeps: what repeats or falls is found once, by one of all dispatchers, told to those it concerns."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from services.dispatcher.noc import finding, warnings
from services.dispatcher.noc.rules import read_rules
from services.dispatcher.noc.sweep import EarlyWarning
from services.dispatcher.projection import KeptOrders
from services.dispatcher.tables import sweeps
from shared.clock import to_ms
from shared.contracts import facts as f
from shared.db.port import Database, Tx
from shared.db.statement import Query, Row
from shared.ids import AccountId, CircuitId, TicketId, new_ticket_id
from shared.testing.clock import START, ManualClock
from shared.tickets import store as tickets
from shared.tickets.log import append, open_ticket
from shared.tickets.ranks import Standing
from shared.tickets.store import NewTicket
from tests import registry
from tests.cases import ACTOR, CHUXIONG, issued, reported, save
from tests.contract.test_registry import write

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
GRID, BANK = registry.GRID, registry.BANK
FIRST, SECOND = registry.PLAIN[:2]
SWEEPS = Query(select(sweeps.c.name, sweeps.c.due_at))


async def fault(
    store: Database, at: datetime, circuit: str = FIRST, *more: f.Fact, account: AccountId = GRID, restored: float = 1
) -> TicketId:
    """A fault of Chuxiong's that was repaired `restored` times its target after the report."""
    id = new_ticket_id(at)
    report = reported(account=account, circuit=CircuitId(circuit), reported_at=at)
    ticket, first = open_ticket(id, report, at=at, actor=ACTOR)
    order, back = issued(id, CHUXIONG), at + restored * 2 * HOUR
    accepted, service_back = f.OrderAccepted(order.order, CHUXIONG), f.ServiceRestored(order.order, CHUXIONG, back)
    facts = more or (order, accepted, service_back, f.RestorationConfirmed(), f.TicketClosed("confirmed"))

    async def body(tx: Tx) -> None:
        await tickets.open_new(tx, [NewTicket(ticket, first, None, Standing("diamond", to_ms(at + 2 * HOUR), 0))])
        after, entries = append(ticket, first.hash, facts, at=at, actor=ACTOR)
        await save(tx, [after], entries, kept=KeptOrders())

    await store.transact(body)
    return id


async def found(store: Database) -> Sequence[Row]:
    return await warnings.newest(store, before=None, most=99)


async def kinds(store: Database) -> list[tuple[str, str]]:
    return sorted((row["kind"], row["subject"]) for row in await found(store))


@pytest.fixture
async def watch(store: Database, clock: ManualClock) -> EarlyWarning:
    """It has swept once, so that it has a past to look back to."""
    circuits = [replace(c, protected=c.id not in (FIRST, SECOND)) for c in registry.CIRCUITS]
    await write(store, *circuits, accounts=registry.ACCOUNTS, networks=registry.NETWORKS)
    watch = EarlyWarning(store, clock, read_rules())
    await watch.sweep_due()
    clock.advance(HOUR)
    return watch


async def repeated(store: Database, clock: ManualClock, circuit: str = FIRST, times: int = 3) -> list[TicketId]:
    """The last of them just now, the others in the days before."""
    return [await fault(store, clock.now() - n * DAY, circuit) for n in reversed(range(times))]


async def test_circuit_that_fails_again_and_again_is_found(
    store: Database, clock: ManualClock, watch: EarlyWarning
) -> None:
    faults = await repeated(store, clock, registry.FAR)
    await watch.sweep_due()
    (row,) = await found(store)
    assert (row["kind"], row["subject"], row["mark"], row["account"]) == ("circuit", registry.FAR, faults[-1], GRID)
    assert all(id in row["data"] for id in faults)


async def test_it_is_told_as_a_fact_of_the_ticket_that_made_it_be_noticed(
    store: Database, clock: ManualClock, watch: EarlyWarning
) -> None:
    faults = await repeated(store, clock, registry.FAR)
    await watch.sweep_due()
    logs = [[entry.fact() for entry in await tickets.entries(store, id)] for id in faults]
    told = [fact for log in logs for fact in log if isinstance(fact, f.FaultRepeated)]
    assert told == [logs[-1][-1]] == [f.FaultRepeated("circuit", registry.FAR, 3, 30)]


async def test_fault_without_a_second_path_is_warned_of_sooner(
    store: Database, clock: ManualClock, watch: EarlyWarning
) -> None:
    await repeated(store, clock, FIRST, times=2)
    await repeated(store, clock, registry.FAR, times=2)
    await watch.sweep_due()
    assert await kinds(store) == [("unprotected", FIRST)]


async def test_same_thing_is_not_warned_of_twice_in_its_window(
    store: Database, clock: ManualClock, watch: EarlyWarning
) -> None:
    await repeated(store, clock, registry.FAR)
    await watch.sweep_due()
    for _ in range(3):
        clock.advance(DAY)
        await fault(store, clock.now(), registry.FAR)
        await watch.sweep_due()
    assert len(await found(store)) == 1
    clock.advance(30 * DAY)
    await repeated(store, clock, registry.FAR)
    await watch.sweep_due()
    assert len(await found(store)) == 2


async def test_sweep_that_is_repeated_finds_nothing_more(
    store: Database, clock: ManualClock, watch: EarlyWarning
) -> None:
    await repeated(store, clock, registry.FAR)
    for _ in range(4):
        await watch.sweep_due()
        clock.advance(timedelta(seconds=61))
    assert len(await found(store)) == 1


async def test_two_dispatchers_warn_once(store: Database, clock: ManualClock, watch: EarlyWarning) -> None:
    await repeated(store, clock, registry.FAR)
    other = EarlyWarning(store, clock, read_rules())
    await asyncio.gather(*(one.sweep_due() for one in (watch, other, watch, other)))
    assert len(await found(store)) == 1


def meanwhile(store: Database, does: Callable[[], Awaitable[Any]], monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Somebody does this while a sweep looks, once; what came of it."""
    done: list[Any] = []

    async def fetch(query: Query, **params: Any) -> Sequence[Row]:
        rows = await store_fetch(query, **params)
        if query is finding.CIRCUITS and not done:
            done.append(None)
            done[0] = await does()
        return rows

    store_fetch = store.fetch
    monkeypatch.setattr(store, "fetch", fetch)
    return done


async def test_others_write_while_a_sweep_looks(
    store: Database, clock: ManualClock, watch: EarlyWarning, monkeypatch: pytest.MonkeyPatch
) -> None:
    await repeated(store, clock, registry.FAR)
    reported = meanwhile(store, lambda: asyncio.wait_for(fault(store, clock.now()), 20), monkeypatch)
    await watch.sweep_due()
    assert (await tickets.get(store, *reported)).status == "closed"
    assert await kinds(store) == [("circuit", registry.FAR)]


async def test_sweep_that_another_has_made_meanwhile_tells_nothing(
    store: Database, clock: ManualClock, watch: EarlyWarning, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = await repeated(store, clock, registry.FAR)
    meanwhile(store, EarlyWarning(store, clock, read_rules()).sweep_due, monkeypatch)
    await watch.sweep_due()
    told = [entry.type for id in faults for entry in await tickets.entries(store, id) if "repeated" in entry.type]
    assert (len(await found(store)), told) == (1, ["ticket.repeated"])


async def test_sweep_that_was_made_just_before_is_not_made_again_after_the_next_fault(
    store: Database, clock: ManualClock, watch: EarlyWarning, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other's turn has come and gone: what this one saw in the meantime is told when it is due again."""
    await repeated(store, clock, registry.FAR, times=2)
    meanwhile(store, EarlyWarning(store, clock, read_rules()).sweep_due, monkeypatch)
    await watch.sweep_due()
    await fault(store, clock.now(), registry.FAR)
    await watch.sweep_due()
    assert await kinds(store) == []
    clock.advance(timedelta(minutes=1))
    await watch.sweep_due()
    assert await kinds(store) == [("circuit", registry.FAR)]


async def test_faults_long_ago_or_cancelled_are_not_counted(
    store: Database, clock: ManualClock, watch: EarlyWarning
) -> None:
    await fault(store, clock.now() - 31 * DAY, registry.FAR)
    await fault(store, clock.now() - DAY, registry.FAR)
    await fault(store, clock.now() - HOUR / 60, registry.FAR, f.TicketCancelled("a mistake"))
    await fault(store, clock.now(), registry.FAR)
    await watch.sweep_due()
    assert await kinds(store) == []


async def test_site_is_found_when_several_of_its_circuits_fail(
    store: Database, clock: ManualClock, watch: EarlyWarning
) -> None:
    for circuit in registry.PLAIN[1:5]:
        await fault(store, clock.now(), circuit)
    await watch.sweep_due()
    assert await kinds(store) == [("site", f"{GRID}/021/head office"), ("site", f"{GRID}/029/branch")]


async def test_site_of_the_same_name_of_another_account_is_another_site(
    store: Database, clock: ManualClock, watch: EarlyWarning
) -> None:
    for circuit in (registry.PLAIN[2], registry.PLAIN[3]):
        await fault(store, clock.now(), circuit)
    for circuit in registry.OTHERS:
        await fault(store, clock.now(), circuit, account=BANK)
    await watch.sweep_due()
    assert await kinds(store) == []


async def test_network_is_found_over_all_accounts_and_told_to_none(
    store: Database, clock: ManualClock, watch: EarlyWarning
) -> None:
    last = [await fault(store, clock.now() - n * HOUR, f"C{n:03}") for n in range(20)]
    await watch.sweep_due()
    (row,) = await found(store)
    assert (row["kind"], row["subject"], row["account"]) == ("network", CHUXIONG, None)
    log = await tickets.entries(store, last[0])
    assert "ticket.repeated" not in [entry.type for entry in log]


async def test_account_whose_attainment_falls_is_found_once(
    store: Database, clock: ManualClock, watch: EarlyWarning
) -> None:
    for n in range(10):
        await fault(store, clock.now() - 40 * DAY, f"B{n}")
        await fault(store, clock.now() - 5 * DAY, f"N{n}", restored=0.9 if n else 1.1)
        await fault(store, clock.now() - 40 * DAY, f"S{n}", account=BANK)
        await fault(store, clock.now() - 5 * DAY, f"T{n}", account=BANK)
    for _ in range(3):
        clock.advance(HOUR)
        await watch.sweep_due()
    assert await kinds(store) == [("attainment", GRID)]


async def test_fall_of_attainment_is_told_on_the_newest_closed_ticket(
    store: Database, clock: ManualClock, watch: EarlyWarning
) -> None:
    for n in range(10):
        await fault(store, clock.now() - 40 * DAY, f"B{n}")
        last = await fault(store, clock.now() - 5 * DAY + n * HOUR, f"N{n}", restored=0.9 if n > 2 else 1.1)
    await fault(store, clock.now(), FIRST, f.NoteAdded("open"))
    await watch.sweep_due()
    *_, fact = [entry.fact() for entry in await tickets.entries(store, last)]
    assert fact == f.AttainmentFell(30, before_percent=100, after_percent=70, repairs=10)


async def test_clock_that_goes_back_does_not_stop_the_sweeps(
    store: Database, clock: ManualClock, watch: EarlyWarning
) -> None:
    later = Query(update(sweeps).values(due_at=to_ms(START + 3 * HOUR)))
    await store.transact(lambda tx: tx.fetch(later))
    await repeated(store, clock, registry.FAR)
    await watch.sweep_due()
    assert await kinds(store) == [("circuit", registry.FAR)]
    assert {row["due_at"] for row in await store.fetch(SWEEPS)} == {
        to_ms(clock.now() + timedelta(minutes=1)), to_ms(clock.now() + HOUR)
    }  # fmt: skip


async def test_warnings_come_newest_first_in_pages(store: Database, clock: ManualClock, watch: EarlyWarning) -> None:
    for circuit in (registry.FAR, registry.NEAR, registry.TAILED):
        await repeated(store, clock, circuit)
        await watch.sweep_due()
        clock.advance(HOUR)
    first = await warnings.newest(store, before=None, most=2)
    last = first[-1]
    rest = await warnings.newest(store, before=(last["raised_at"], last["kind"], last["subject"]), most=2)
    assert [row["subject"] for row in (*first, *rest)] == [registry.TAILED, registry.NEAR, registry.FAR]
