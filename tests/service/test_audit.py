"""What the center itself puts into the audit trail, and who may read it."""

from datetime import timedelta
from typing import Any

import pytest

from tests.centers import House
from tests.people import Caller, Json, done
from tests.registry import BEIJING, CHUXIONG, FAR, NEAR

HOOK = {"url": "https://hooks.example.com/a-secret-path"}


async def acts(house: House, **filters: Any) -> list[Json]:
    """Oldest first."""
    return list(reversed(await house.operator.items("/v1/audit", **filters)))


async def refused(house: House) -> list[Json]:
    """Those that were refused by now, once their minute is over."""
    house.clock.advance(timedelta(minutes=1))
    await house.center.refusals.record_due()
    return await acts(house, action="request.refused")


async def test_subscription_is_recorded_with_its_host_and_none_of_its_secrets(embedded: House) -> None:
    made = done(await embedded.customer.post("/v1/subscriptions", HOOK))
    await embedded.customer.send("DELETE", f"/v1/subscriptions/{made['id']}")
    first, second = await acts(embedded, object=f"subscription:{made['id']}")
    assert (first["action"], second["action"]) == ("subscription.made", "subscription.ended")
    assert (first["actor"], first["address"]) == ("account:hw-power", "127.0.0.1")
    assert first["credential"].startswith("key:")
    assert first["details"] == {"channel": "webhook", "host": "hooks.example.com", "events": []}


async def test_keys_are_recorded_from_the_first_to_the_last(embedded: House) -> None:
    body = {"role": "operator", "subject": "probe", "duties": ["auditor"]}
    first = done(await embedded.operator.post("/v1/keys", body))
    second = done(await embedded.operator.post(f"/v1/keys/{first['id']}/rotate"))
    await embedded.operator.send("DELETE", f"/v1/keys/{first['id']}")
    found = [(a["action"], a["object"]) for a in await acts(embedded, actor="operator:noc")]
    assert found == [
        ("key.issued", f"key:{first['id']}"),
        ("key.rotated", f"key:{second['id']}"),
        ("key.revoked", f"key:{first['id']}"),
    ]
    assert first["key"] not in (await embedded.operator.get("/v1/audit")).text


async def test_change_of_the_registry_says_by_which_key_and_from_where(embedded: House) -> None:
    entry = done(await embedded.operator.get(f"/v1/registry/circuits/{FAR}"))
    done(await embedded.operator.send("PUT", f"/v1/registry/circuits/{FAR}", json={**entry, "bandwidth_mbps": 7}))
    done(await embedded.operator.post("/v1/registry/import", {"circuits": [entry]}))
    found = await acts(embedded, action="registry.changed", actor="operator:noc")
    assert [(act["credential"][:4], act["address"]) for act in found] == [("key:", "127.0.0.1")] * 2


async def test_what_was_refused_is_counted_by_the_minute_and_says_which_key_was_claimed(embedded: House) -> None:
    stranger = Caller(embedded.http, "vrc_local_0123456789ab_" + "0" * 64)
    for _ in range(3):
        await stranger.post("/v1/faults", {})
    await embedded.customer.post("/v1/tickets/VT261121-7K3QM9XA/route", {"networks": ["010"]})
    await embedded.nobody.get("/v1/tickets")
    one, other = sorted(await refused(embedded), key=lambda act: act["details"]["status"])
    assert (one["actor"], one["object"], one["address"]) == ("nobody", "route:POST /v1/faults", "127.0.0.1")
    assert one["details"] == {"status": 401, "count": 3, "claims": "0123456789ab"}
    assert (other["actor"], other["details"]) == ("account:hw-power", {"status": 403, "count": 1})


async def test_flood_of_refusals_does_not_fill_the_trail(embedded: House) -> None:
    for number in range(250):
        await Caller(embedded.http, f"vrc_local_{number:012x}_x").post("/v1/faults", {})
    found = await refused(embedded)
    assert len(found) == 101
    assert sum(act["details"]["count"] for act in found) == 250


async def test_refusals_of_the_last_minute_are_recorded_when_the_center_stops(embedded: House) -> None:
    await embedded.nobody.post("/v1/faults", {})
    await embedded.stop()
    await embedded.start()
    (act,) = await acts(embedded, action="request.refused")
    assert act["details"]["count"] == 1


async def test_list_is_filtered_and_paged(embedded: House) -> None:
    for number in range(5):
        embedded.clock.advance(timedelta(hours=1))
        done(await embedded.customer.post("/v1/subscriptions", {"url": f"https://h{number}.example.com/"}))
    made = await acts(embedded, action="subscription.made", limit=2)
    assert [act["details"]["host"] for act in made] == [f"h{number}.example.com" for number in range(5)]
    since, until = made[1]["at"], made[3]["at"]
    some = await acts(embedded, action="subscription.made", since=since, until=until)
    assert [act["position"] for act in some] == [act["position"] for act in made[1:3]]
    assert await acts(embedded, actor="account:beiyuan-bank") == []


async def test_auditor_reads_from_where_each_step_came(embedded: House) -> None:
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    steps = await embedded.operator.items(f"/v1/audit/tickets/{ticket}")
    by = {step["actor"]: (step["credential"][:4], step["address"]) for step in steps}
    assert by == {
        "account:hw-power": ("key:", "127.0.0.1"),
        "network:010": ("key:", "127.0.0.1"),
        "network:0878": ("key:", "127.0.0.1"),
        "system:dispatcher": ("", ""),
    }
    assert (await embedded.operator.get("/v1/audit/tickets/VT000000-00000000")).status_code == 404


@pytest.mark.parametrize("path", ["/v1/audit", "/v1/audit/tickets/{ticket}"])
async def test_nobody_else_reads_it(embedded: House, path: str) -> None:
    path = path.format(ticket=await embedded.customer.report(NEAR))
    for caller in (embedded.customer, embedded.network(BEIJING)):
        assert (await caller.get(path)).status_code == 403
    noc = Caller(embedded.http, done(await embedded.operator.post(
        "/v1/keys", {"role": "operator", "subject": "desk", "duties": ["noc"]}))["key"])  # fmt: skip
    await embedded.center.key_follower.refresh()
    assert (await noc.get(path)).status_code == 403
