"""Keys over HTTP: an administrator issues and ends them, an account looks after its own, and a key is told once."""

from datetime import timedelta
from typing import Any

import pytest

from shared.testing.clock import START
from tests.centers import House
from tests.keys import issued, save
from tests.people import Caller, Json, done
from tests.registry import BANK, BEIJING, GRID
from tests.waiting import until

PATH = "/v1/keys"
BODY: Json = {"role": "account", "subject": GRID, "scopes": ["tickets:read"]}


async def made(house: House, **body: Any) -> Json:
    answer = await house.operator.post(PATH, {**BODY, **body})
    await house.center.key_follower.refresh()
    return dict(done(answer))


async def with_key(house: House, *scopes: str, account: str = BANK) -> tuple[str, Caller]:
    key = issued("account", account, *scopes)
    await house.center.database.transact(lambda tx: save(tx, [key]))
    await house.center.key_follower.refresh()
    return key.id, Caller(house.http, key.key)


async def test_new_key_is_told_once_and_opens_the_door(embedded: House) -> None:
    answer = await embedded.operator.post(PATH, {**BODY, "label": "dashboard"})
    key = answer.json()
    await embedded.center.key_follower.refresh()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert done(await Caller(embedded.http, key["key"]).get("/v1/tickets"))["items"] == []
    (listed,) = [k for k in await embedded.operator.items(PATH) if k["id"] == key["id"]]
    assert listed == {name: value for name, value in key.items() if name != "key"}


async def test_key_opens_the_door_from_the_answer_on_that_tells_it_and_no_longer_after_the_one_that_ends_it(
    embedded: House,
) -> None:
    first = done(await embedded.operator.post(PATH, {**BODY, "subject": BANK}))
    bank = Caller(embedded.http, first["key"])
    assert done(await bank.get("/v1/tickets"))["items"] == []
    seeded = next(key["id"] for key in await bank.items(PATH) if key["id"] != first["id"])
    assert (await embedded.operator.send("DELETE", f"{PATH}/{seeded}")).status_code == 204
    assert (await embedded.bank.get("/v1/tickets")).status_code == 401
    second = Caller(embedded.http, done(await bank.post(f"{PATH}/{first['id']}/rotate"))["key"])
    assert (await second.send("DELETE", f"{PATH}/{first['id']}")).status_code == 204
    assert (await bank.get("/v1/tickets")).status_code == 401


async def test_view_says_what_was_asked_for(embedded: House) -> None:
    body = {"role": "operator", "subject": "probe", "duties": ["noc"], "expires_at": "2026-12-01T08:00:00+08:00"}
    key = done(await embedded.operator.post(PATH, {**body, "addresses": ["10.0.0.0/8", "2001:db8::/32"]}))
    assert (key["role"], key["subject"], key["duties"], key["scopes"]) == ("operator", "probe", ["noc"], [])
    assert (key["expires_at"], key["state"]) == ("2026-12-01T00:00:00.000Z", "live")
    assert (key["addresses"], key["label"], key["last_used_at"]) == (["10.0.0.0/8", "2001:db8::/32"], None, None)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"role": "king"}, "role"), ({"subject": "nobody"}, "subject"), ({"subject": "no body"}, "subject"),
        ({"scopes": []}, "scopes"), ({"scopes": ["noc:route"]}, "scopes.0"), ({"duties": ["noc"]}, "duties"),
        ({"role": "network", "subject": BEIJING}, "scopes"), ({"role": "operator", "scopes": []}, "duties"),
        ({"expires_at": "2026-11-21T08:00:00Z"}, "expires_at"), ({"expires_at": "tomorrow"}, "expires_at"),
        ({"addresses": ["10.0.0.1/8"]}, "addresses.0"), ({"label": ""}, "label"), ({"key": "mine"}, "key"),
    ],
)  # fmt: skip
async def test_bad_body_is_refused_naming_the_field(embedded: House, change: Json, field: str) -> None:
    answer = await embedded.operator.post(PATH, {**BODY, **change})
    assert answer.status_code == 422
    fields = {error["field"] for error in answer.json()["errors"]}
    assert all(name.startswith(field) for name in fields), fields


async def test_address_that_is_no_network_is_named_once_with_its_place(embedded: House) -> None:
    answer = await embedded.operator.post(PATH, {**BODY, "addresses": ["10.0.0.0/8", "1.2.3.4/99", 7]})
    errors = answer.json()["errors"]
    assert [error["field"] for error in errors] == ["addresses.1", "addresses.2"]
    assert all("such as 10.0.0.0/8" in error["message"] for error in errors)


async def test_third_live_key_is_409_and_says_which_to_end(embedded: House) -> None:
    first = await made(embedded)
    refused = await embedded.operator.post(PATH, BODY)  # the seeded one is the other
    assert (refused.status_code, len(refused.json()["legal"])) == (409, 2)
    assert f"DELETE /v1/keys/{first['id']}" in refused.json()["legal"]
    assert (await embedded.operator.send("DELETE", f"{PATH}/{first['id']}")).status_code == 204
    await made(embedded)


async def test_account_rotates_its_key_without_a_gap(embedded: House) -> None:
    id, bank = await with_key(embedded, "tickets:read", account=GRID)
    (seeded,) = [key for key in await bank.items(PATH) if key["id"] != id]
    assert (await embedded.operator.send("DELETE", f"{PATH}/{seeded['id']}")).status_code == 204
    answer = await bank.post(f"{PATH}/{id}/rotate")
    await embedded.center.key_follower.refresh()
    successor = Caller(embedded.http, answer.json()["key"])
    assert answer.json()["scopes"] == ["tickets:read"]
    assert [(await c.get("/v1/tickets")).status_code for c in (bank, successor)] == [200, 200]
    assert (await successor.send("DELETE", f"{PATH}/{id}")).status_code == 204
    await embedded.center.key_follower.refresh()
    assert [(await c.get("/v1/tickets")).status_code for c in (bank, successor)] == [401, 200]


async def test_account_sees_its_own_keys_alone(embedded: House) -> None:
    id, bank = await with_key(embedded, "tickets:read")
    assert {key["subject"] for key in await bank.items(PATH, subject=GRID)} == {BANK}
    assert id in [key["id"] for key in await bank.items(PATH)]
    (foreign,) = await embedded.customer.items(PATH)
    for method, path in (("POST", f"{PATH}/{foreign['id']}/rotate"), ("DELETE", f"{PATH}/{foreign['id']}")):
        theirs, unknown = await bank.send(method, path), await bank.send(method, path.replace(foreign["id"], "0" * 12))
        assert (theirs.status_code, theirs.content) == (404, unknown.content)


async def test_key_can_not_be_traded_for_one_that_may_do_more(embedded: House) -> None:
    _, reader = await with_key(embedded, "tickets:read")
    (seeded,) = [key for key in await reader.items(PATH) if len(key["scopes"]) > 1]
    for method, path in (("POST", f"{PATH}/{seeded['id']}/rotate"), ("DELETE", f"{PATH}/{seeded['id']}")):
        refused = await reader.send(method, path)
        assert (refused.status_code, "scopes that yours has not" in refused.json()["detail"]) == (403, True)


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ({"expires_at": "2026-11-22T08:00:00Z"}, {}),
        ({"expires_at": "2026-11-22T08:00:00Z"}, {"expires_at": "2026-11-22T08:00:01Z"}),
        ({"addresses": ["127.0.0.0/8"]}, {}),
        ({"addresses": ["127.0.0.0/8"]}, {"addresses": ["127.0.0.1/32", "10.0.0.0/8"]}),
        ({"addresses": ["127.0.0.0/8"]}, {"addresses": ["::/0"]}),
    ],
)
async def test_key_can_not_be_traded_for_one_that_holds_longer_or_elsewhere(
    embedded: House, mine: Json, theirs: Json
) -> None:
    await end_seeded(embedded, GRID)
    key, other = await made(embedded, **mine), await made(embedded, **theirs)
    refused = await Caller(embedded.http, key["key"]).post(f"{PATH}/{other['id']}/rotate")
    assert (refused.status_code, "holds longer, or in more places" in refused.json()["detail"]) == (403, True)


async def test_successor_ends_no_later_than_its_predecessor_was_given_unless_an_administrator_says_so(
    embedded: House,
) -> None:
    await end_seeded(embedded, GRID)
    key = await made(embedded, expires_at="2026-11-22T08:00:00Z", addresses=["127.0.0.0/8"])
    holder, path = Caller(embedded.http, key["key"]), f"{PATH}/{key['id']}/rotate"
    embedded.clock.advance(timedelta(hours=1))
    refused = await holder.post(path, {"expires_at": "2026-11-22T09:00:01Z"})
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "expires_at")
    successor = done(await holder.post(path, {"expires_at": "2026-11-22T09:00:00Z"}))
    assert (successor["expires_at"], successor["addresses"]) == ("2026-11-22T09:00:00.000Z", ["127.0.0.0/8"])


async def end_seeded(house: House, account: str) -> None:
    for key in await house.operator.items(PATH, subject=account):
        await house.operator.send("DELETE", f"{PATH}/{key['id']}")


@pytest.mark.parametrize("caller", ["customer", "network"])
async def test_only_administrators_issue_keys(embedded: House, caller: str) -> None:
    someone = embedded.customer if caller == "customer" else embedded.network(BEIJING)
    assert (await someone.post(PATH, BODY)).status_code == 403


async def test_successor_may_be_given_another_end(embedded: House) -> None:
    key = done(await embedded.operator.post(PATH, {**BODY, "expires_at": "2026-11-22T08:00:00Z"}))
    (seeded,) = [k for k in await embedded.customer.items(PATH) if k["id"] != key["id"]]
    await embedded.operator.send("DELETE", f"{PATH}/{seeded['id']}")
    body = {"expires_at": "2027-01-01T00:00:00Z"}
    answer = done(await embedded.operator.post(f"{PATH}/{key['id']}/rotate", body))
    assert answer["expires_at"] == "2027-01-01T00:00:00.000Z"


async def test_list_comes_in_pages_with_what_is_over(embedded: House) -> None:
    for _ in range(3):
        embedded.clock.advance(timedelta(seconds=1))
        key = await made(embedded, subject=BANK)
        await embedded.operator.send("DELETE", f"{PATH}/{key['id']}")
    page = done(await embedded.operator.get(PATH, subject=BANK, limit=2))
    rest = done(await embedded.operator.get(PATH, subject=BANK, limit=2, cursor=page["next"]))
    states = [key["state"] for key in page["items"] + rest["items"]]
    assert (states, rest["next"]) == (["revoked"] * 3 + ["live"], None)


async def test_last_use_is_shown(embedded: House) -> None:
    await embedded.customer.get("/v1/tickets")
    await embedded.center.keyring.record_use()
    (key,) = await embedded.customer.items(PATH)
    assert key["last_used_at"] == "2026-11-21T08:00:00.000Z" == START.isoformat(timespec="milliseconds")[:-6] + "Z"


async def test_key_with_addresses_is_403_from_elsewhere(embedded: House) -> None:
    near, far = await made(embedded, addresses=["127.0.0.0/8"]), await made(embedded, subject=BANK, addresses=["::/0"])
    assert (await Caller(embedded.http, near["key"]).get("/v1/tickets")).status_code == 200
    refused = await Caller(embedded.http, far["key"]).get("/v1/tickets")
    assert (refused.status_code, refused.json()["detail"]) == (403, "This key may not be used from 127.0.0.1.")


async def test_expired_key_is_401_and_told_so(embedded: House) -> None:
    key = await made(embedded, expires_at="2026-11-21T09:00:00Z")
    embedded.clock.advance(timedelta(hours=1))
    refused = await Caller(embedded.http, key["key"]).get("/v1/tickets")
    assert (refused.status_code, "expired at 2026-11-21T09:00:00.000Z" in refused.json()["detail"]) == (401, True)


async def test_revocation_needs_nobody_to_ask_for_it(embedded: House) -> None:
    """The followers run by themselves."""
    key = await made(embedded)
    caller = Caller(embedded.http, key["key"])
    await embedded.operator.send("DELETE", f"{PATH}/{key['id']}")

    async def is_shut_out() -> bool:
        return (await caller.get("/v1/tickets")).status_code == 401

    await until(is_shut_out, timeout_s=5)
