"""Reports add up what was measured: every figure is that of a recount of the logs, on both databases."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from math import ceil
from typing import Any, get_args

import pytest

from services.dispatcher.measures import rows as measured
from services.dispatcher.measures.handlers import Measuring
from services.dispatcher.measures.measure import Measure
from services.dispatcher.reports.adding import added_up
from services.dispatcher.reports.compensation import Rules, Step
from services.dispatcher.reports.queries import Dimension
from services.dispatcher.reports.reports import Asked, Reports
from shared.clock import from_ms, rfc3339
from shared.contracts import facts as f
from shared.db.port import Database
from shared.ids import AccountId, TicketId, order_id
from shared.registry.store import Registry
from shared.testing.clock import ManualClock
from tests import registry
from tests.contract.test_registry import read, write
from tests.histories import KNOWN, LINES, POLICY, History, Json, recorded
from tests.independent_clock import compute, ms
from tests.registry import BANK, GRID, NETWORKS, XIAN

HOUR, DAY_MS = timedelta(hours=1), 86_400_000
H5, H2 = 5 * 3_600_000, 2 * 3_600_000
ALWAYS = -(2**60), 2**60
RULES = Rules("1", "CNY", 30, tiers={tier: (Step(0, 10), Step(H2, 25)) for tier in ("diamond", "jade", "gold")})
DIMENSIONS: Sequence[Dimension] = get_args(Dimension)


@pytest.fixture
async def known(store: Database) -> Registry:
    circuits = [replace(circuit, monthly_fee="1200.50" if circuit.id == LINES[0] else None) for circuit in KNOWN[:60]]
    await write(store, *circuits, accounts=registry.ACCOUNTS, networks=registry.NETWORKS)
    return await read(store)


@pytest.fixture
def history(store: Database, known: Registry, clock: ManualClock) -> History:
    return History(store, clock, seed=11)


@pytest.fixture
def reports() -> Reports:
    return Reports(RULES)


def of_all(store: Database, *, since: int = ALWAYS[0], until: int = ALWAYS[1]) -> Asked:
    return Asked(store, None, since, until)


async def measure(store: Database, known: Registry, history: History) -> Mapping[TicketId, Measure]:
    await Measuring(store, known, history.clock).refresh(history.tickets)
    return await measured.get(store, list(history.tickets))


async def repaired(history: History, after: timedelta, *, on: str | None = None) -> TicketId:
    """Reported and restored by Xi'an, `after` later."""
    ticket = await history.open(on)
    history.clock.advance(after)
    await history.step(ticket, f.ServiceRestored(order_id(ticket, XIAN), XIAN, history.clock.now()))
    return ticket


def rank(values: Sequence[int], share: float) -> int | None:
    return sorted(values)[ceil(share * len(values)) - 1] if values else None


def recounted(found: Sequence[Json]) -> Json:
    """Of tickets that are restored, by what the second implementation says of each."""
    times = [one["time_to_repair"] for one in found]
    answers = [one["response"] for one in found if one["response"] is not None]
    verdicts = [one["promises"]["restore"]["verdict"] for one in found if "restore" in one["promises"]]
    return {
        "tickets": len(times), "total_ms": sum(times), "mean_ms": sum(times) // len(times),
        "within_5h": sum(time <= H5 for time in times), "within_2h": sum(time <= H2 for time in times),
        "median_ms": rank(times, 0.5), "p90_ms": rank(times, 0.9),
        "promised": len(verdicts), "kept": verdicts.count("met"),
        "response_median_ms": rank(answers, 0.5), "response_p90_ms": rank(answers, 0.9),
        "pending_ms": sum(sum(one["pending"].values()) for one in found),
        "held_ms": sum(sum(one["held"].values()) for one in found),
    }  # fmt: skip


def key(row: Measure, dimension: Dimension) -> str | None:
    assert row.restored_at is not None
    month = rfc3339(from_ms(row.restored_at + 8 * 3_600_000))[:7]
    said: dict[str, Any] = {"segment": row.segment_kind, "month": month}
    return said.get(dimension, getattr(row, dimension, None))


async def test_attainment_by_each_dimension_and_by_two_is_that_of_a_recount(
    store: Database, known: Registry, history: History, reports: Reports
) -> None:
    for _ in range(3):
        await history.live(tickets=12, steps=60)
        history.clock.advance(timedelta(days=13))
        for number, id in enumerate(list(history.tickets)[-8:]):
            at, network = history.clock.now(), NETWORKS[number % 3].code
            cause, code = get_args(f.Cause)[number % 3], get_args(f.RemedyCode)[0]
            fact = f.ServiceRestored(order_id(id, network), network, at, cause if number % 4 else None, None, code)
            await history.step(id, fact)
    rows, logs = await measure(store, known, history), await recorded(store)
    final = {id: row for id, row in rows.items() if row.restored_at is not None}
    figures = {id: compute(logs[id], ms(logs[id][-1]["at"])) for id in final}
    pairs: list[tuple[Dimension, ...]] = [(), *((d,) for d in DIMENSIONS), ("tier", "month"), ("cause", "network")]
    for by in pairs:
        groups = defaultdict[tuple[Any, ...], list[Json]](list)
        for id, row in final.items():
            groups[tuple(key(row, dimension) for dimension in by)].append(figures[id])
        found = {tuple(line[d] for d in by): line for line in await reports.attainment(of_all(store), by)}
        expected = {group: recounted(of) for group, of in groups.items()}
        assert {g: {name: line[name] for name in expected[g]} for g, line in found.items()} == expected
    assert len(final) >= 20


async def test_period_is_that_of_the_restorations_and_its_end_is_not_in_it(
    store: Database, known: Registry, history: History, reports: Reports
) -> None:
    tickets = [await repaired(history, HOUR) for _ in range(3)]
    rows = await measure(store, known, history)
    first, _, last = (rows[ticket].restored_at or 0 for ticket in tickets)
    (found,) = await reports.attainment(of_all(store, since=first, until=last), ())
    assert found["tickets"] == 2
    assert await reports.attainment(of_all(store, since=last + 1), ()) == []


async def test_month_begins_at_midnight_in_china(
    store: Database, known: Registry, history: History, reports: Reports
) -> None:
    history.clock.advance(from_ms(ms("2026-11-30T15:00:00Z")) - history.clock.now())
    await repaired(history, HOUR - timedelta(milliseconds=1))
    await repaired(history, timedelta(milliseconds=1))
    await measure(store, known, history)
    found = await reports.attainment(of_all(store), ("month",))
    assert [(line["month"], line["tickets"]) for line in found] == [("2026-11", 1), ("2026-12", 1)]


async def test_only_the_accounts_asked_for_are_added_up(
    store: Database, known: Registry, history: History, reports: Reports
) -> None:
    await history.live(tickets=20, steps=120)
    rows = [row for row in (await measure(store, known, history)).values() if row.restored_at is not None]
    for of in (GRID, BANK, AccountId("nobody")):
        found = await reports.attainment(Asked(store, frozenset({of}), *ALWAYS), ("account",))
        n = sum(row.account == of for row in rows)
        assert [(line["account"], line["tickets"]) for line in found] == ([(of, n)] if n else [])


async def test_fault_repeats_where_the_circuit_had_been_restored_shortly_before(
    store: Database, known: Registry, history: History, reports: Reports
) -> None:
    async def again(after: timedelta) -> None:
        history.clock.advance(after)
        ticket = await repaired(history, HOUR, on=LINES[0])
        await history.step(ticket, f.TicketClosed("confirmed"))

    for after in (HOUR, timedelta(days=29), timedelta(days=31)):
        await again(after)
    await repaired(history, HOUR, on=LINES[1])
    await measure(store, known, history)
    (thirty,) = await reports.repeats(of_all(store), (), span_ms=30 * DAY_MS)
    (sixty,) = await reports.repeats(of_all(store), (), span_ms=60 * DAY_MS)
    assert (thirty["tickets"], thirty["repeats"], thirty["repeats_percent"]) == (4, 1, Decimal("25.00"))
    assert sixty["repeats"] == 2


async def test_worst_are_those_with_most_breaches_then_the_longest_time(
    store: Database, known: Registry, history: History, reports: Reports
) -> None:
    for line, hours in ((0, 30), (1, 40), (2, 1)):
        await repaired(history, hours * HOUR, on=LINES[line])
    rows = await measure(store, known, history)
    found = await reports.worst(of_all(store), "circuit", most=2)
    assert [line["circuit"] for line in found] == [LINES[1], LINES[0]]
    late = sum(row.verdict == "breached" for row in rows.values())
    assert sum(line["breached"] for line in found) == late
    assert sum(line["tickets"] for line in await reports.worst(of_all(store), "account", most=9)) == 3


async def test_network_answers_for_its_own_share_only(
    store: Database, known: Registry, history: History, reports: Reports
) -> None:
    await history.live(tickets=20, steps=200)
    rows, logs = await measure(store, known, history), await recorded(store)
    shares = defaultdict[str, int](int)
    for id, row in rows.items():
        if row.restored_at is not None:
            for spell in compute(logs[id], ms(logs[id][-1]["at"]))["spells"]:
                shares[spell["network"]] += spell["counted"]
    found = {line["network"]: line["total_ms"] for line in await reports.worst(of_all(store), "network", most=500)}
    assert found == shares


async def test_compensation_is_due_for_each_breach_and_none_for_a_circuit_without_a_fee_is_forgotten(
    store: Database, known: Registry, history: History, reports: Reports
) -> None:
    for line, number in ((0, 3), (1, 2)):
        for _ in range(number):
            ticket = await repaired(history, timedelta(days=3), on=LINES[line])
            await history.step(ticket, f.TermsChanged(POLICY.terms_of("gold", "down"), "x", "gold"))
            await history.step(ticket, f.TicketClosed("confirmed"))
    await measure(store, known, history)
    items, total = await added_up(reports.compensation(of_all(store), month_began=ALWAYS[0]), "circuit")
    # of 1200.50: 25 %, then 5 % (30 % are the most of a month), then nothing, each to the cent
    due = {item["circuit"]: (item["breaches"], item["without_fee"], item["amount"]) for item in items}
    assert due == {LINES[0]: (3, 0, "360.16"), LINES[1]: (2, 2, "0.00")}
    assert total == {"breaches": 5, "without_fee": 2, "amount": "360.16"}
