"""Progress on one network's topic about another network's order is refused, and recorded once."""

from dataclasses import replace
from datetime import timedelta

import orjson

from tests.centers import House, states
from tests.registry import BEIJING, CHUXIONG, FAR
from tests.wire import Wire, progress


async def test_progress_about_another_networks_order_is_recorded_once(production: House, wire: Wire) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    intruder = progress(CHUXIONG, "accepted", f"{ticket}.{BEIJING}", id="intruder")
    await wire.publish(intruder, intruder)
    await wire.publish(intruder)
    await production.all_heard()
    (refused,) = await production.operator.refused()
    assert (refused["network"], refused["order"], refused["id"]) == (CHUXIONG, f"{ticket}.{BEIJING}", "intruder")
    assert states(await production.operator.ticket(ticket))[BEIJING] == "issued"


async def test_progress_in_another_networks_name_is_recorded_once(production: House, wire: Wire) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    masked = progress(BEIJING, "accepted", f"{ticket}.{CHUXIONG}", by=CHUXIONG)
    await wire.publish(masked, masked)
    await production.all_heard()
    (refused,) = await production.operator.refused()
    assert (refused["network"], refused["source"]) == (CHUXIONG, f"vrc.progress.{CHUXIONG} /networks/{BEIJING}")
    assert f"ce_source: must be /networks/{CHUXIONG}" in refused["reason"]
    assert states(await production.operator.ticket(ticket))[CHUXIONG] == "issued"


async def test_illegal_move_over_kafka_is_refused_with_its_reason(production: House, wire: Wire) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    await wire.publish(progress(CHUXIONG, "restored", f"{ticket}.{CHUXIONG}"))
    await production.all_heard()
    (refused,) = await production.operator.refused()
    assert "is issued: restore is not possible" in refused["reason"]


async def test_network_is_told_on_its_topic_what_was_refused_and_why(production: House, wire: Wire) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    order = f"{ticket}.{CHUXIONG}"
    await wire.publish(progress(CHUXIONG, "restored", order, id="too-early"))
    await production.all_heard()
    (recorded,) = await production.operator.refused()
    (record,) = await wire.refusals(CHUXIONG, "too-early", most=1)
    assert record.key == order.encode()
    assert orjson.loads(record.value) == {
        "message": "too-early", "type": "vrc.progress.restored.v1", "order": order, "reason": recorded["reason"],
        "refused_at": "2026-11-21T08:00:00Z",
    }  # fmt: skip
    headers = dict(record.headers)
    assert (headers["ce_type"], headers["ce_source"]) == (b"vrc.progress.refused.v1", b"/vrc/progress")
    assert headers["ce_subject"] == order.encode()


async def test_who_spoke_of_another_networks_order_is_told_and_the_other_is_not(production: House, wire: Wire) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    await wire.publish(progress(CHUXIONG, "accepted", f"{ticket}.{BEIJING}", id="intruding"))
    await production.all_heard()
    (told,) = await wire.refusals(CHUXIONG, "intruding", most=1)
    assert orjson.loads(told.value)["reason"] == f"order: is not an order to local network {CHUXIONG}"
    await wire.publish(progress(BEIJING, "accepted", f"{ticket}.{CHUXIONG}", id="later"))
    records = await wire.refusals(BEIJING, "later", most=1, all_before=True)
    assert [orjson.loads(r.value)["message"] for r in records if ticket in r.key.decode()] == ["later"]


async def test_what_can_not_be_read_is_answered_too(production: House, wire: Wire) -> None:
    broken = progress(CHUXIONG, "accepted", "VT261121-7K3QM9XA.0878", id="broken")
    await wire.publish(replace(broken, value=b"{"))
    await production.all_heard()
    (told,) = await wire.refusals(CHUXIONG, "broken", most=1)
    assert orjson.loads(told.value)["order"] is None
    assert (told.key, dict(told.headers)["ce_subject"]) == (b"broken", b"broken")


async def test_id_used_twice_for_different_things_is_refused_the_second_time(production: House, wire: Wire) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    await wire.publish(*(progress(CHUXIONG, name, f"{ticket}.{CHUXIONG}", id="x") for name in ("accepted", "restored")))
    await production.all_heard()
    (refused,) = await production.operator.refused()
    assert (refused["type"], refused["id"]) == ("vrc.progress.restored.v1", "x")
    assert states(await production.operator.ticket(ticket))[CHUXIONG] == "accepted"


async def test_id_used_twice_for_the_same_thing_with_another_body_is_refused_the_second_time(
    production: House, wire: Wire
) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    said = [progress(CHUXIONG, "accepted", f"{ticket}.{CHUXIONG}", id="x", engineer=name) for name in ("Li", "Wu")]
    await wire.publish(*said)
    await production.all_heard()
    (refused,) = await production.operator.refused()
    assert (refused["id"], "Wu" in refused["body"]) == ("x", True)
    assert states(await production.operator.ticket(ticket))[CHUXIONG] == "accepted"


async def test_what_was_refused_stays_so_when_it_is_delivered_again(production: House, wire: Wire) -> None:
    ticket = await production.report(FAR, CHUXIONG, BEIJING)
    early = progress(CHUXIONG, "restored", f"{ticket}.{CHUXIONG}")
    await wire.publish(early, progress(CHUXIONG, "accepted", f"{ticket}.{CHUXIONG}"), early)
    await production.all_heard()
    before = await production.operator.log(ticket)
    await production.hear_everything_again()
    assert await production.operator.log(ticket) == before
    assert len(await production.operator.refused()) == 1


async def test_what_was_refused_is_listed_newest_first_page_by_page(production: House, wire: Wire) -> None:
    ids = ["a", "b" * 200, "界" * 200, "d"]
    for id in ids:
        await wire.publish(progress(CHUXIONG, "accepted", "VT261121-7K3QM9XA.0878", id=id))
        await production.all_heard()
        production.clock.advance(timedelta(seconds=1))
    listed = await production.operator.items("/v1/noc/refused-progress", limit=1)
    assert [refused["id"] for refused in listed] == ids[::-1]
