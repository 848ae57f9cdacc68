"""Broker down: reports are taken, networks ordered over HTTP, customers told; everything flows when it is back."""

from datetime import timedelta

import pytest

from shared.bus.kafka import inbound
from shared.testing.servers import Kafka
from tests.centers import House, live
from tests.notifying import FEED
from tests.people import done
from tests.registry import BEIJING, CHUXIONG, FAR, KUNMING, NEAR, PLAIN, SHANGHAI, XIAN
from tests.waiting import until
from tests.wire import Wire, progress


@pytest.fixture
def revived(broker: Kafka) -> Kafka:
    """The broker, running again after the test whatever became of it."""
    yield broker
    broker.start()


async def test_reports_taken_while_the_broker_is_down_are_ordered_when_it_is_back(
    production: House, revived: Kafka, wire: Wire
) -> None:
    before = await production.report(FAR, CHUXIONG, BEIJING)
    revived.kill()
    tickets = [await production.customer.report(circuit) for circuit in PLAIN]
    assert [live(await production.operator.ticket(ticket)) for ticket in tickets] == [[]] * len(PLAIN)
    assert done(await production.network(BEIJING).say("accept", before))["state"] == "accepted"
    revived.start()
    for ticket in tickets:
        await until(lambda ticket=ticket: _is_ordered(production, ticket), timeout_s=60)
    await wire.publish(progress(XIAN, "accepted", f"{tickets[0]}.{XIAN}"))
    await production.until_status(tickets[0], "inProgress")


async def test_center_that_starts_while_the_broker_is_down_takes_reports(production: House, revived: Kafka) -> None:
    await production.stop()
    revived.kill()
    await production.start()
    ticket = await production.customer.report(PLAIN[0])
    revived.start()
    await until(lambda: _is_ordered(production, ticket), timeout_s=60)


async def test_consumers_that_gave_the_broker_up_read_on_when_it_is_back(
    production: House, revived: Kafka, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After half a minute without a broker; here after a second. Ending such a client once ended its consumer too."""
    monkeypatch.setattr(inbound, "STUCK_AFTER_S", 1.0)
    monkeypatch.setattr(inbound, "LOOK_WITHIN_S", 1.0)
    before = await production.report(FAR, CHUXIONG, BEIJING)
    revived.kill()
    await until(lambda: caplog.text.count("rebuilt: TimeoutError") >= 3, timeout_s=60)
    revived.start()
    ticket = await production.customer.report(PLAIN[0])
    await until(lambda: _is_ordered(production, ticket), timeout_s=60)
    await production.network(BEIJING).accept(before)
    await production.all_heard()


async def test_networks_are_ordered_over_http_while_the_broker_is_down(production: House, revived: Kafka) -> None:
    revived.kill()
    ticket = await production.customer.report(PLAIN[0])
    production.clock.advance(timedelta(minutes=2))
    await until(lambda: _is_ordered(production, ticket))
    assert (await production.network(XIAN).accept(ticket))["state"] == "accepted"
    revived.start()
    later = await production.customer.report(PLAIN[1])
    await until(lambda: _is_ordered(production, later), timeout_s=60)
    await production.all_heard()
    happened = [entry["type"] for entry in await production.customer.log(ticket)]
    assert happened.count("order.issued") == 2


async def test_customers_are_told_of_each_step_while_the_broker_is_down(production: House, revived: Kafka) -> None:
    ticket = await production.report(NEAR, KUNMING)
    await production.all_heard()
    revived.kill()
    await production.network(KUNMING).accept(ticket)
    production.clock.advance(timedelta(seconds=30))
    await until(lambda: _is_told(production, ticket, 3))
    revived.start()
    await production.network(KUNMING).restore(ticket)
    await until(lambda: _is_told(production, ticket, 4), timeout_s=60)


async def _is_told(center: House, ticket: str, seq: int) -> bool:
    """Once each, up to this one."""
    fed = [row["seq"] for row in await center.center.database.fetch(FEED) if row["ticket"] == ticket]
    return fed == list(range(1, seq + 1))


async def _is_ordered(center: House, ticket: str) -> bool:
    return live(await center.operator.ticket(ticket)) == [SHANGHAI, XIAN]
