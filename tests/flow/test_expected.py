"""When it is expected back is said with the orders, from what was measured, on either way to run the center."""

from datetime import timedelta

from services.dispatcher.measures import store as measures
from services.dispatcher.measures.measure import Measure, measure
from shared.clock import rfc3339
from shared.contracts import facts as f
from shared.ids import CircuitId, new_ticket_id, order_id
from shared.testing.clock import ManualClock
from shared.tickets.log import append, open_ticket
from tests.cases import ACTOR, MINUTE, reported
from tests.centers import House
from tests.registry import PLAIN, SHANGHAI, XIAN
from tests.waiting import until


def repaired(number: int, clock: ManualClock) -> Measure:
    """By Xi'an, in an hour and so many minutes."""
    back = clock.now() - MINUTE
    begun = back - (60 + number) * MINUTE
    ticket, entry = open_ticket(
        new_ticket_id(begun), reported(circuit=CircuitId(f"C-{number}"), reported_at=begun), at=begun, actor=ACTOR
    )
    restored = f.ServiceRestored(order_id(ticket.id, XIAN), XIAN, back)
    return measure([entry, *append(ticket, entry.hash, [restored], at=back, actor=ACTOR)[1]], None, {})


async def learned(center: House, clock: ManualClock) -> None:
    found = [repaired(number, clock) for number in range(40)]
    await center.center.database.transact(lambda tx: measures.put(tx, found))
    clock.advance(timedelta(minutes=10))

    async def is_known() -> bool:
        return center.center.metrics.registry.get_sample_value("vrc_prediction_samples") == 40

    await until(is_known)


async def test_order_goes_out_with_a_prediction_and_the_customer_sees_its_range(
    any_center: House, clock: ManualClock
) -> None:
    await learned(any_center, clock)
    ticket = await any_center.report(PLAIN[0], SHANGHAI, XIAN)
    found = (await any_center.customer.ticket(ticket))["expected_restoration"]
    assert (found["basis"], found["samples"]) == ("network+impact", 40)
    assert found["from"] < found["at"] < found["to"]
    assert (await any_center.customer.facts(ticket))[-1] == "ticket.restoration_predicted"


async def test_networks_own_word_stands_before_it(any_center: House, clock: ManualClock) -> None:
    await learned(any_center, clock)
    ticket, estimate = await any_center.report(PLAIN[0], SHANGHAI, XIAN), rfc3339(clock.now() + 20 * MINUTE)
    await any_center.network(XIAN).accept(ticket, expected_restoration_at=estimate)
    found = (await any_center.customer.ticket(ticket))["expected_restoration"]
    assert (found["at"], found["basis"], found["overdue_since"]) == (estimate, "estimate", None)
