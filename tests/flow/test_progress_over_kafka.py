"""What a local network says over Kafka does the same as what it says over HTTP."""

import pytest

from tests.centers import House, states
from tests.registry import BEIJING, CHUXIONG, DALI, FAR, KUNMING
from tests.waiting import until
from tests.wire import Wire, progress

WAY = [
    ("accept", "accepted", {"engineer": "Li Na"}),
    ("progress", "progressed", {"stage": "diagnosed", "segment": "a-access", "note": "no light"}),
    ("assist", "assistance_requested", {"of": DALI}),
    ("suspend", "suspended", {"reason": "no_site_access", "evidence": "gate closed"}),
    ("resume", "resumed", {}),
    ("progress", "progressed", {"stage": "repairing"}),
    ("restore", "restored", {"cause": "fibre", "remedy": "spliced"}),
    ("fault-report", "fault_report_given", {"remedy_code": "spliced", "text": "a digger"}),
]


async def reported(center: House, ticket: str) -> bool:
    return (await center.operator.ticket(ticket))["fault_report"] is not None


async def test_whole_repair_over_kafka_leaves_the_log_that_http_leaves(production: House, wire: Wire) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    await wire.publish(*(progress(CHUXIONG, name, f"{ticket}.{CHUXIONG}", **said) for _, name, said in WAY))
    await until(lambda: reported(production, ticket))
    over_kafka = [(e["type"], e["actor"], e["status"]) for e in await production.operator.log(ticket)]
    await production.customer.confirm(ticket)
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    for verb, _, said in WAY:
        assert (await production.network(CHUXIONG).say(verb, ticket, **said)).is_success
    over_http = [(e["type"], e["actor"], e["status"]) for e in await production.operator.log(ticket)]
    assert over_kafka == over_http
    assert await production.operator.refused() == []


@pytest.mark.parametrize(
    ("name", "said", "expected"),
    [
        ("declined", {"reason": "not_our_segment"}, {CHUXIONG: "declined", BEIJING: "issued"}),
        ("handed_over", {"segment": "backbone-1"}, {CHUXIONG: "handed_over", BEIJING: "issued", KUNMING: "issued"}),
    ],
)
async def test_order_that_is_not_taken_goes_on_its_way(
    production: House, wire: Wire, name: str, said: dict[str, str], expected: dict[str, str]
) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    await wire.publish(progress(CHUXIONG, name, f"{ticket}.{CHUXIONG}", **said))
    await production.all_heard()
    assert states(await production.operator.ticket(ticket)) == expected


async def test_message_that_comes_again_is_taken_once(production: House, wire: Wire) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    said = progress(CHUXIONG, "accepted", f"{ticket}.{CHUXIONG}", id="same")
    await wire.publish(said, said)
    await wire.publish(said)
    await production.all_heard()
    assert (await production.operator.facts(ticket)).count("order.accepted") == 1
    assert await production.operator.refused() == []
