"""A network's queue is sorted by what is promised now: a pause that ended moves a ticket back."""

from datetime import timedelta

from shared.clock import rfc3339
from shared.testing.clock import START
from tests.centers import House
from tests.people import done
from tests.registry import BEIJING, PLAIN, SHANGHAI, XIAN
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


async def test_order_that_is_handed_over_says_when_it_is_due_by_now(any_center: House) -> None:
    ticket = await any_center.accepted(PLAIN[0], SHANGHAI, XIAN)
    done(await any_center.operator.post(f"/v1/tickets/{ticket}/terms", {"tier": "gold", "reason": "agreed"}))
    await any_center.network(XIAN).suspend(ticket, "no_site_access")
    any_center.clock.advance(timedelta(minutes=45))
    await any_center.network(XIAN).hand_over(ticket, to=BEIJING)
    issued = [entry for entry in await any_center.operator.log(ticket) if entry["type"] == "order.issued"]
    (order,) = await any_center.network(BEIJING).orders("live")
    assert order["breach_at"] == rfc3339(START + timedelta(hours=5, minutes=45))
    assert issued[-1]["data"]["breach_at"] == order["breach_at"].replace(".000Z", "Z")


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
