"""What Prometheus is shown from the record equals a recount of the logs, whatever happened, and after a restart too."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.dispatcher.measures import adding
from services.dispatcher.measures import store as measures
from services.dispatcher.measures.handlers import Measuring
from services.dispatcher.measures.metrics import HELP, RecordMetrics
from services.dispatcher.measures.totals import ADDED_BY, Key, Total
from shared.clock import to_ms
from shared.contracts import facts as f
from shared.db.port import Database
from shared.ids import NetworkCode, TicketId, order_id
from shared.metrics import Metrics
from shared.registry.store import Registry
from shared.testing.clock import ManualClock
from tests import registry
from tests.contract.test_registry import read, write
from tests.histories import KNOWN, POLICY, History, recorded
from tests.independent_totals import Sample, recount
from tests.registry import XIAN

DOCUMENT = Path(__file__).parents[2] / "docs/architecture/metrics.md"
HOUR = timedelta(hours=1)
TIERS = tuple(POLICY.tiers)
KINDS = {circuit.id: {s.id: s.kind for s in circuit.segments} for circuit in KNOWN}
IN_MS = re.compile("_(sum|seconds)$")


@pytest.fixture
async def known(store: Database) -> Registry:
    await write(store, *KNOWN, accounts=registry.ACCOUNTS, networks=registry.NETWORKS)
    return await read(store)


async def scraped(store: Database, known: Registry, clock: ManualClock) -> Mapping[Sample, float]:
    """By a process that has just been started. Seconds as whole ms."""
    metrics = Metrics()
    RecordMetrics(metrics, store, known, clock, TIERS)
    families = text_string_to_metric_families((await metrics.page()).decode())
    samples = [s for family in families if family.name != "vrc_network_info" for s in family.samples]
    return {
        (s.name, frozenset(s.labels.items())): round(s.value * 1000) if IN_MS.search(s.name) else s.value
        for s in samples
        if not s.name.startswith("vrc_limit")
    }


def without_empty(samples: Mapping[Sample, float]) -> Mapping[Sample, float]:
    """A histogram of which nothing is left is shown as 0; nobody counts those."""
    return {sample: value for sample, value in samples.items() if value}


@pytest.mark.parametrize("seed", range(3))
async def test_every_figure_is_that_of_a_recount(
    store: Database, known: Registry, clock: ManualClock, seed: int
) -> None:
    history, measuring = History(store, clock, seed), Measuring(store, known, clock)
    for _ in range(3):
        await history.live(tickets=12, steps=130)
        await measuring.refresh(history.tickets)
        found = await scraped(store, known, clock)
        expected = recount(await recorded(store), to_ms(clock.now()), tiers=TIERS, kinds=KINDS)
        assert without_empty(found) == without_empty(expected)
        assert expected.keys() <= found.keys()


async def test_every_figure_is_documented_and_recounted(store: Database, known: Registry, clock: ManualClock) -> None:
    history = History(store, clock, seed=1)
    await history.live(tickets=12, steps=150)
    await Measuring(store, known, clock).refresh(history.tickets)
    shown = {re.sub("_(bucket|count|sum)$", "", name) for name, _ in await scraped(store, known, clock)}
    assert shown | {"vrc_network_info"} == set(HELP)
    assert set(HELP) <= set(re.findall(r"`(vrc_\w+)", DOCUMENT.read_text()))


async def test_restoration_that_did_not_hold_is_taken_back(
    store: Database, known: Registry, clock: ManualClock
) -> None:
    history, measuring = History(store, clock, seed=1), Measuring(store, known, clock)
    ticket = await restored(history, after=HOUR)
    await measuring.refresh([ticket])
    before = await scraped(store, known, clock)
    await history.step(ticket, f.TicketReopened("no"))
    await measuring.refresh([ticket])
    after = await scraped(store, known, clock)
    assert (total(before, "vrc_time_to_repair_seconds_count"), total(before, "vrc_repairs", target="5h")) == (1, 1)
    assert (total(after, "vrc_time_to_repair_seconds_count"), total(after, "vrc_repairs", target="5h")) == (0, 0)
    assert total(after, "vrc_reopenings") == 1


async def test_suspension_that_is_struck_out_turns_a_target_that_was_met(
    store: Database, known: Registry, clock: ManualClock
) -> None:
    history, measuring = History(store, clock, seed=1), Measuring(store, known, clock)
    ticket = await history.open()
    await history.step(ticket, f.TicketSuspended(order_id(ticket, XIAN), XIAN, "pending", "no_site_access"))
    clock.advance(6 * HOUR)
    await history.step(ticket, f.ServiceRestored(order_id(ticket, XIAN), XIAN, clock.now()))
    await measuring.refresh([ticket])
    before = await scraped(store, known, clock)
    await history.step(ticket, f.SuspensionStruckOut(2, "the gate was open"))
    await measuring.refresh([ticket])
    after = await scraped(store, known, clock)
    verdicts = [[total(s, "vrc_repairs", target="5h", verdict=v) for v in ("met", "breached")] for s in (before, after)]
    assert verdicts == [[1, 0], [0, 1]]
    assert [total(s, "vrc_suspended_seconds") for s in (before, after)] == [6 * 3_600_000, 0]


async def test_what_is_in_no_register_has_one_label(store: Database, known: Registry, clock: ManualClock) -> None:
    """A label's values are bounded, whatever stands in old tickets."""
    history, measuring = History(store, clock, seed=1), Measuring(store, known, clock)
    for number in range(3):
        ticket = await restored(history, after=HOUR)
        await history.step(ticket, f.TermsChanged(POLICY.terms_of("gold", "down"), "x", tier=f"tier-{number}"))
        strange = NetworkCode(f"099{number}")
        await history.step(ticket, f.ServiceRestored(order_id(ticket, strange), strange, clock.now()))
        await measuring.refresh([ticket])
    found = await scraped(store, known, clock)
    assert {labels["tier"] for _, labels in named(found) if "tier" in labels} == {*TIERS, "other"}
    assert {labels["network"] for _, labels in named(found) if "network" in labels} == {"other"}
    assert total(found, "vrc_network_time_to_repair_seconds_count") == 3


async def test_totals_that_were_added_up_by_other_rules_are_added_up_anew(
    store: Database, known: Registry, clock: ManualClock
) -> None:
    history, measuring = History(store, clock, seed=1), Measuring(store, known, clock)
    await history.live(tickets=5, steps=40)
    await measuring.refresh(history.tickets)
    right = await scraped(store, known, clock)
    await store.transact(lambda tx: adding.add(tx, {Key("chases", ()): Total(7)}))
    await store.transact(lambda tx: tx.fetch(measures.ADDED, name="write", version=ADDED_BY - 1))
    await measuring.begin()
    assert await scraped(store, known, clock) == right


async def restored(history: History, *, after: timedelta) -> TicketId:
    ticket = await history.open()
    history.clock.advance(after)
    await history.step(ticket, f.ServiceRestored(order_id(ticket, XIAN), XIAN, history.clock.now()))
    return ticket


def named(samples: Mapping[Sample, float]) -> list[tuple[str, dict[str, str]]]:
    return [(name, dict(labels)) for name, labels in samples]


def total(samples: Mapping[Sample, float], name: str, **labels: str) -> float:
    return sum(n for (found, more), n in samples.items() if found == name and labels.items() <= dict(more).items())
