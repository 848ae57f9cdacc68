"""A network's queue is sorted by what is promised now: a pause that ended moves a ticket back."""

from datetime import timedelta

from shared.clock import rfc3339
from shared.testing.clock import START
from tests.centers import House
from tests.people import done
from tests.registry import PLAIN, SHANGHAI, XIAN
from tests.waiting import until


async def test_order_whose_ticket_waited_for_the_customer_stands_behind_those_that_did_not(any_center: House) -> None:
    paused = await any_center.accepted(PLAIN[0], SHANGHAI, XIAN)
    any_center.clock.advance(timedelta(minutes=10))
    other = await any_center.accepted(PLAIN[1], SHANGHAI, XIAN)
    network = any_center.network(XIAN)
    await network.suspend(paused, "no_site_access")
    any_center.clock.advance(timedelta(minutes=45))
    await network.resume(paused)
    await until(lambda: _stand(any_center, other, paused))
    (found,) = [order for order in await any_center.network(SHANGHAI).orders("live") if order["ticket"] == paused]
    assert found["breach_at"] == rfc3339(START + timedelta(minutes=165))


async def test_order_whose_pause_was_none_stands_in_front_again(any_center: House) -> None:
    paused = await any_center.accepted(PLAIN[0], SHANGHAI, XIAN)
    any_center.clock.advance(timedelta(minutes=10))
    other = await any_center.accepted(PLAIN[1], SHANGHAI, XIAN)
    await any_center.network(XIAN).suspend(paused, "no_site_access")
    suspension = (await any_center.operator.log(paused))[-1]["seq"]
    any_center.clock.advance(timedelta(minutes=45))
    await any_center.network(XIAN).resume(paused)
    await until(lambda: _stand(any_center, other, paused))
    struck = f"/v1/tickets/{paused}/suspensions/{suspension}/strike-out"
    done(await any_center.operator.post(struck, {"reason": "the gate was open"}))
    await until(lambda: _stand(any_center, paused, other))


async def _stand(center: House, *tickets: str) -> bool:
    return [order["ticket"] for order in await center.network(XIAN).orders("live")] == list(tickets)
