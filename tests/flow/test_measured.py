"""What happens to a ticket is measured by the center itself, on either way to run it."""

from datetime import timedelta

from services.dispatcher.measures import rows as measures
from services.dispatcher.measures.measure import Measure
from shared.ids import TicketId
from shared.testing.clock import ManualClock
from tests.centers import House
from tests.registry import PLAIN, SHANGHAI, XIAN
from tests.waiting import until

MINUTE_MS = 60_000


async def measured(center: House, ticket: str) -> Measure | None:
    return (await measures.get(center.center.database, [TicketId(ticket)])).get(TicketId(ticket))


async def test_ticket_is_measured_from_its_events(any_center: House, clock: ManualClock) -> None:
    ticket = await any_center.accepted(PLAIN[0], SHANGHAI, XIAN)
    clock.advance(timedelta(minutes=40))
    await any_center.network(XIAN).restore(ticket)
    await any_center.customer.confirm(ticket)

    async def is_closed() -> bool:
        found = await measured(any_center, ticket)
        return found is not None and found.status == "closed"

    await until(is_closed)
    found = await measured(any_center, ticket)
    assert found is not None
    assert (found.time_to_repair, found.network, found.province) == (40 * MINUTE_MS, XIAN, "Shaanxi")
    assert {share.network for share in found.shares} == {SHANGHAI, XIAN}
