"""What is measured of a ticket is what its log says, whatever was told, lost, late or twice."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from services.dispatcher.measures import rows as measured
from services.dispatcher.measures import store as measures
from services.dispatcher.measures.handlers import TOLD_WITHIN, Measuring
from services.dispatcher.measures.measure import Measure
from shared.clock import to_ms
from shared.contracts import facts as f
from shared.contracts.event import Event
from shared.db.port import Database
from shared.ids import TicketId, order_id
from shared.registry.store import Registry
from shared.testing.clock import ManualClock
from shared.tickets.store import entries
from tests import registry
from tests.contract.test_registry import read, write
from tests.histories import KNOWN, History, Json, recorded
from tests.independent_clock import compute, ms

MINUTE = timedelta(minutes=1)
VERDICTS = {"response": "accept", "update": "update", "report": "report"}
NAMES = (
    "restored_at", "time_to_repair", "response", "pending", "held", "take_in", "dispatch", "acceptance",
    "diagnosis", "repair", "confirmation", "chases", "reopened", "escalations", "reports", "status", "seq",
    "foretold_basis", "foretold_to", "verdict", *(f"{name}_verdict" for name in VERDICTS),
)  # fmt: skip


@pytest.fixture
async def known(store: Database) -> Registry:
    await write(store, *KNOWN, *registry.CIRCUITS, accounts=registry.ACCOUNTS, networks=registry.NETWORKS)
    return await read(store)


@pytest.fixture
def measuring(store: Database, known: Registry, clock: ManualClock) -> Measuring:
    return Measuring(store, known, clock)


@pytest.fixture
def history(store: Database, known: Registry, clock: ManualClock) -> History:
    return History(store, clock, seed=7)


async def rows(store: Database, history: History) -> dict[TicketId, Measure]:
    return await measured.get(store, list(history.tickets))


async def events(store: Database, ticket: TicketId) -> list[Event]:
    return list(await entries(store, ticket))


def expected(log: list[Json]) -> Json:
    """By the second implementation, and by counting words in the log."""
    found = compute(log, ms(log[-1]["at"]))
    final = found["restored_at"] is not None
    spells, kinds = found["spells"], Counter(entry["type"] for entry in log)
    foretold = [entry["data"] for entry in log if entry["type"] == "ticket.restoration_predicted"] or [{}]
    return {
        "counted": found["promises"].get("restore", {}).get("used") if final else None,
        "verdict": found["promises"].get("restore", {}).get("verdict") if final else None,
        **{f"{name}_verdict": settled(found, of) for name, of in VERDICTS.items()},
        "foretold_basis": foretold[0].get("basis"),
        "foretold_to": ms(foretold[0]["latest_at"]) if foretold[0] else None,
        "restored_at": found["restored_at"], "time_to_repair": found["time_to_repair"] if final else None,
        "response": found["response"], "pending": sum(found["pending"].values()), "held": sum(found["held"].values()),
        **found["stages"], "chases": kinds["ticket.chased"], "reopened": kinds["ticket.reopened"],
        "escalations": kinds["ticket.escalated"], "reports": 1 + kinds["ticket.report_joined"],
        "status": log[-1]["status"], "seq": len(log),
        "shares": [tuple(s[k] for k in ("order", "start", "accepted", "end", "ended_by", "counted")) for s in spells],
        "suspended": {("pending", k): v for k, v in found["pending"].items()}
        | {("held", k): v for k, v in found["held"].items()},
        "missed": Counter(entry["data"]["kind"] for entry in log if entry["type"] == "ticket.deadline_missed"),
    }  # fmt: skip


def settled(found: Json, promise: str) -> str | None:
    verdict: str | None = found["promises"].get(promise, {}).get("verdict")
    return None if verdict == "running" else verdict


def as_measured(m: Measure) -> Json:
    return {name: getattr(m, name) for name in NAMES} | {
        "counted": m.counted if m.restore_target is not None else None,
        "shares": [(s.order, s.began_at, s.accepted_at, s.ended_at, s.ended_by, s.counted) for s in m.shares],
        "suspended": {(c.kind, c.which): c.ms for c in m.counts if c.kind in ("pending", "held")},
        "missed": Counter({c.which: c.n for c in m.counts if c.kind == "missed"}),
    }


async def test_every_row_is_what_a_recount_of_the_log_gives(
    store: Database, history: History, measuring: Measuring
) -> None:
    for _ in range(3):
        await history.live(tickets=10, steps=120)
        await measuring.refresh(history.tickets)
        found = await rows(store, history)
        assert {id: as_measured(m) for id, m in found.items()} == {
            id: expected(log) for id, log in (await recorded(store)).items()
        }


async def test_reopening_takes_back_what_was_final(
    store: Database, history: History, measuring: Measuring, clock: ManualClock
) -> None:
    ticket = await history.open()
    order = order_id(ticket, registry.XIAN)
    clock.advance(30 * MINUTE)
    await history.step(ticket, f.ServiceRestored(order, registry.XIAN, clock.now(), "fibre", None, "spliced"))
    await measuring.refresh([ticket])
    before = (await rows(store, history))[ticket]
    await history.step(ticket, f.TicketReopened("no"))
    await measuring.refresh([ticket])
    after = (await rows(store, history))[ticket]
    assert before.time_to_repair == to_ms(clock.now()) - before.reported_at
    assert (before.verdict, before.network, before.province) == ("met", registry.XIAN, "Shaanxi")
    assert (after.time_to_repair, after.verdict, after.restored_at, after.reopened) == (None, None, None, 1)


async def test_where_it_was_is_said_by_the_registry(store: Database, history: History, measuring: Measuring) -> None:
    ticket = await history.open(registry.PLAIN[0])
    order = order_id(ticket, registry.XIAN)
    await history.step(ticket, f.OrderProgressed(order, registry.XIAN, "diagnosed", segment="backbone-1"))
    await measuring.refresh([ticket])
    found = (await rows(store, history))[ticket]
    assert (found.service, found.segment, found.segment_kind) == ("ip-vpn", "backbone-1", "backbone")


async def test_circuit_that_leaves_the_registry_keeps_its_name_in_what_was_measured(
    store: Database, history: History, measuring: Measuring, clock: ManualClock
) -> None:
    ticket = await history.open()
    await measuring.refresh([ticket])
    known = (await rows(store, history))[ticket]
    await history.step(ticket, f.TicketChased())
    await Measuring(store, Registry(_Empty(store)), clock).refresh([ticket])
    after = (await rows(store, history))[ticket]
    assert (after.chases, after.service, after.segment_kind) == (1, known.service, known.segment_kind)


class _Empty:
    """A database whose registry holds nothing."""

    def __init__(self, store: Database) -> None:
        self.dialect = store.dialect

    async def fetch(self, *args: object, **more: object) -> list[object]:
        return []


async def test_event_that_comes_again_or_late_changes_nothing(
    store: Database, history: History, measuring: Measuring
) -> None:
    await history.live(tickets=5, steps=40)
    await measuring.refresh(history.tickets)
    before = await rows(store, history)
    told = [event for id in history.tickets for event in await events(store, id)]
    assert await measuring.on_events(told[:20]) == await measuring.recount(history.tickets) == 0
    assert await rows(store, history) == before


async def test_row_of_a_longer_log_is_not_overwritten_by_one_of_a_shorter(
    store: Database, history: History, measuring: Measuring
) -> None:
    ticket = await history.open()
    await measuring.refresh([ticket])
    old = (await rows(store, history))[ticket]
    await history.step(ticket, f.TicketChased())
    await measuring.refresh([ticket])
    await store.transact(lambda tx: measures.put(tx, [old]))
    assert (await rows(store, history))[ticket].chases == 1


async def test_lost_events_leave_no_hole(
    store: Database, history: History, measuring: Measuring, clock: ManualClock
) -> None:
    await history.live(tickets=5, steps=20)
    clock.advance(TOLD_WITHIN)
    assert await measuring.walk_on() is True
    assert await measures.stale(store, list(history.tickets)) == []
    await history.step(None, f.TicketChased())
    clock.advance(TOLD_WITHIN)
    assert [await measuring.walk_on() for _ in range(2)] == [True, False]
    assert sum(m.chases for m in (await rows(store, history)).values()) >= 1
    assert await measures.stale(store, list(history.tickets)) == []


async def test_walk_leaves_what_changed_a_moment_ago_to_its_events(
    store: Database, history: History, measuring: Measuring, clock: ManualClock
) -> None:
    ticket = await history.open()
    assert await measuring.walk_on() is False
    assert await measures.stale(store, [ticket]) == [ticket]
    await measuring.refresh([ticket])
    assert await measures.stale(store, [ticket]) == []


async def test_walk_is_one_walkers_and_goes_on_when_that_one_was_killed(
    store: Database, history: History, measuring: Measuring, clock: ManualClock
) -> None:
    await history.live(tickets=3, steps=3)
    within = timedelta(minutes=2)
    assert await measures.walk_from(store, clock.now(), within=within) == ""  # and is killed
    assert await measuring.walk_on() is False
    clock.advance(within)
    assert await measuring.walk_on() is True


async def test_clock_that_goes_back_stops_no_walk(history: History, measuring: Measuring, clock: ManualClock) -> None:
    await history.live(tickets=3, steps=3)
    clock.advance(TOLD_WITHIN)
    await measuring.walk_on()
    await history.step(None, f.TicketChased())
    clock.advance(-timedelta(hours=1))
    assert await measuring.walk_on() is True


async def test_log_that_says_nothing_we_know_stops_nobody_else(
    store: Database, history: History, measuring: Measuring, caplog: pytest.LogCaptureFixture
) -> None:
    good = await history.open()
    bad = await history.open()
    (report,) = await events(store, bad)
    alien = [replace(report, type="ticket.abducted")]
    real = measures.logs

    async def logs(database: Database, ids: object) -> object:
        return [alien if log[0].ticket == bad else log for log in await real(database, [good, bad])]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measures, "logs", logs)
        assert await measuring.refresh([good, bad]) == 1
    assert f"ticket {bad} can't be measured" in caplog.text


async def test_two_measurers_at_once_leave_one_row_each(
    store: Database, known: Registry, history: History, clock: ManualClock
) -> None:
    await history.live(tickets=8, steps=60)
    changed = await asyncio.gather(*(Measuring(store, known, clock).refresh(history.tickets) for _ in range(3)))
    assert sum(changed) == len(await rows(store, history)) == len(history.tickets)


async def test_measurers_at_once_leave_totals_that_are_the_sum_of_all_rows(
    store: Database, known: Registry, history: History, clock: ManualClock
) -> None:
    measurers = [Measuring(store, known, clock) for _ in range(3)]
    for _ in range(4):  # at first each of them opens its connection, and the turn has no row yet
        await history.live(tickets=4, steps=20)
        await asyncio.gather(*(measurer.refresh(history.tickets) for measurer in measurers))
    assert await store.transact(measures.recount_totals) == 0
