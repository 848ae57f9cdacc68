"""What predictions rest on is what was measured, and how well they held is counted from the record."""

from datetime import timedelta

import pytest

from services.dispatcher.measures.handlers import Measuring
from services.dispatcher.prediction.history import Case
from services.dispatcher.prediction.learning import Learning
from shared.contracts import facts as f
from shared.db.port import Database
from shared.ids import TicketId, order_id
from shared.metrics import Metrics
from shared.registry.store import Registry
from shared.testing.clock import ManualClock
from tests import registry
from tests.contract.test_registry import read, write
from tests.histories import KNOWN, LINES, History

MINUTE = timedelta(minutes=1)
BY_XIAN = Case(networks=(registry.XIAN,))


@pytest.fixture
async def known(store: Database) -> Registry:
    await write(store, *KNOWN, *registry.CIRCUITS, accounts=registry.ACCOUNTS, networks=registry.NETWORKS)
    return await read(store)


@pytest.fixture
def measuring(store: Database, known: Registry, clock: ManualClock) -> Measuring:
    return Measuring(store, known, clock)


@pytest.fixture
def history(store: Database, known: Registry, clock: ManualClock) -> History:
    return History(store, clock, seed=3)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def learning(store: Database, clock: ManualClock, metrics: Metrics) -> Learning:
    return Learning(store, clock, metrics)


async def repaired(history: History, *, minutes: int, foretold: tuple[int, int] | None = None) -> TicketId:
    """By Xi'an, after so many minutes; the range foretold was from … to minutes after the report."""
    ticket, begun = await history.open(LINES[len(history.tickets)]), history.clock.now()
    if foretold:
        first, last = (begun + n * MINUTE for n in foretold)
        await history.step(ticket, f.RestorationPredicted(first, first, last, "network+impact", 50))
    history.clock.advance(minutes * MINUTE)
    order, now = order_id(ticket, registry.XIAN), history.clock.now()
    await history.step(ticket, f.ServiceRestored(order, registry.XIAN, now, "fibre", None, "spliced"))
    return ticket


async def test_history_holds_what_was_measured(
    history: History,
    measuring: Measuring,
    learning: Learning,
) -> None:
    for minutes in range(60, 100):
        await repaired(history, minutes=minutes)
    await measuring.refresh(history.tickets)
    await learning.learn()
    found = learning.history.like(BY_XIAN, beyond=0)
    assert found
    assert (found.basis, found.samples, found.median // 60_000) == ("network", 40, pytest.approx(80, rel=0.06))


async def test_more_is_on_record_than_one_page_holds(
    history: History,
    measuring: Measuring,
    learning: Learning,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("services.dispatcher.prediction.learning.PAGE", 3)
    for _ in range(10):
        await repaired(history, minutes=0)
    await measuring.refresh(history.tickets)
    await learning.learn()
    assert learning.history.samples == 10


async def test_what_does_not_hold_is_no_restoration(
    history: History,
    measuring: Measuring,
    learning: Learning,
) -> None:
    ticket = await repaired(history, minutes=60)
    await history.step(ticket, f.TicketReopened("no"))
    await measuring.refresh(history.tickets)
    await learning.learn()
    assert learning.history.samples == 0


async def test_ranges_that_held_are_counted_by_what_they_rested_on(
    history: History,
    measuring: Measuring,
    learning: Learning,
    metrics: Metrics,
) -> None:
    for minutes in (10, 30, 40, 90):
        await repaired(history, minutes=minutes, foretold=(20, 60))
    await repaired(history, minutes=5)
    await measuring.refresh(history.tickets)
    await learning.learn()
    assert learning.held == {"network+impact": {"early": 1, "inside": 2, "late": 1}}
    assert 'vrc_predicted_restorations{basis="network+impact",held="inside"} 2.0' in (await metrics.page()).decode()


async def test_it_is_read_again_when_its_time_has_come(
    history: History,
    measuring: Measuring,
    learning: Learning,
    clock: ManualClock,
) -> None:
    await learning.learn_due()
    await repaired(history, minutes=5)
    await measuring.refresh(history.tickets)
    await learning.learn_due()
    assert learning.history.samples == 0
    clock.advance(timedelta(minutes=5))
    await learning.learn_due()
    assert learning.history.samples == 1


async def test_what_still_lasts_is_not_forgotten(history: History, measuring: Measuring, learning: Learning) -> None:
    for _ in range(40):
        await repaired(history, minutes=1)
    await measuring.refresh(history.tickets)
    await learning.learn()
    quick = learning.history.like(Case(), beyond=0)
    for number in range(40, 120):
        ticket = await history.open(LINES[number])
        await history.step(ticket, f.OrderAccepted(order_id(ticket, registry.XIAN), registry.XIAN))
    history.clock.advance(300 * MINUTE)
    await measuring.refresh(history.tickets)
    await learning.learn()
    slow = learning.history.like(Case(), beyond=0)
    assert quick
    assert slow
    assert (quick.median < 3 * 60_000, slow.median > 300 * 60_000) == (True, True)
