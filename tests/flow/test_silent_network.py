"""A network at work that falls silent is named to the NOC, until it says something over its own door: Kafka."""

from datetime import timedelta

from tests.centers import House
from tests.registry import KUNMING, NEAR
from tests.waiting import until
from tests.wire import Wire, progress


async def silent(center: House) -> list[str]:
    return [found["network"] for found in await center.operator.items("/v1/noc/silent-networks")]


async def test_network_that_speaks_again_over_kafka_is_no_longer_silent(production: House, wire: Wire) -> None:
    ticket = await production.report(NEAR, KUNMING)
    order = f"{ticket}.{KUNMING}"
    await wire.publish(progress(KUNMING, "accepted", order))
    await production.until_status(ticket, "inProgress")
    production.clock.advance(timedelta(minutes=61))
    assert await silent(production) == [KUNMING]
    await wire.publish(progress(KUNMING, "progressed", order, stage="repairing"))
    await until(lambda: _speaks(production))


async def _speaks(center: House) -> bool:
    return await silent(center) == []
