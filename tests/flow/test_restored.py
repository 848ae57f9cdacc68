"""When one network has restored the service, the others stand down; the customer confirms and the ticket closes."""

from tests.centers import House, states
from tests.registry import BEIJING, CHUXIONG, FAR


async def test_restored_stands_the_others_down_and_closes_when_confirmed(any_center: House) -> None:
    ticket = await any_center.accepted(FAR, CHUXIONG, BEIJING)
    await any_center.network(CHUXIONG).restore(ticket, cause="fibre", remedy="spliced")
    resolved = await any_center.customer.ticket(ticket)
    assert (resolved["status"], resolved["cause"], resolved["remedy"]) == ("resolved", "fibre", "spliced")
    assert states(resolved) == {CHUXIONG: "restored", BEIJING: "stood_down"}
    closed = await any_center.customer.confirm(ticket)
    assert (closed["status"], closed["restored_at"]) == ("closed", resolved["restored_at"])
