"""Orders appear on the network's own topic as CloudEvents 1.0.2 in Kafka's binary mode, in the order of the log."""

import orjson

from tests.centers import House
from tests.registry import BEIJING, CHUXIONG, FAR
from tests.wire import Wire


async def test_order_is_a_cloudevent_with_all_a_network_needs(production: House, wire: Wire) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    (record,) = await wire.orders(CHUXIONG, ticket, most=1)
    headers = dict(record.headers)
    assert headers["content-type"] == b"application/json"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"vrc.order.issued.v1"
    assert (headers["ce_source"], headers["ce_subject"]) == (b"/vrc/tickets", ticket.encode())
    assert headers["ce_id"] == f"{ticket}-2".encode()
    assert headers["ce_time"] == b"2026-11-21T08:00:00.000Z"
    assert record.key == ticket.encode()
    order = orjson.loads(record.value)
    assert (order["order"], order["circuit"], order["impact"]) == (f"{ticket}.{CHUXIONG}", FAR, "down")
    assert (order["tier"], order["breach_at"]) == ("diamond", "2026-11-21T10:00:00Z")


async def test_what_a_network_must_know_comes_in_the_order_of_the_log(production: House, wire: Wire) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    await production.customer.note(ticket, "The gate is open from nine")
    await production.customer.note(ticket, "Ask for Wang")
    await production.customer.cancel(ticket)
    records = await wire.orders(BEIJING, ticket, most=4)
    assert [dict(r.headers)["ce_type"] for r in records] == [
        b"vrc.order.issued.v1", b"vrc.ticket.noted.v1", b"vrc.ticket.noted.v1", b"vrc.order.stood_down.v1",
    ]  # fmt: skip
    numbers = [int(dict(r.headers)["ce_seq"]) for r in records]
    assert numbers == sorted(numbers)
