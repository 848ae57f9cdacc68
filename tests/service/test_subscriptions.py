"""Subscriptions over HTTP: an account's own, the secret told once, and nothing that could not be delivered to."""

import base64
import socket
from collections.abc import AsyncIterator

import httpx
import pytest

from services.notifier.model.subscription import MOST_SUBSCRIPTIONS
from services.notifier.service import NotifierService
from shared.contracts.facts import TYPES
from shared.db.port import Database
from shared.health import Health
from shared.metrics import Metrics
from shared.settings import Settings
from shared.testing.clock import ManualClock
from shared.web.app import layered, make_app
from shared.web.by_key import ByKey
from tests.cases import ACCOUNT
from tests.keys import issued, keyring_on, only_its_own, save
from tests.notifying import NAMES, SECRET, HandFed
from tests.people import Caller, Json, done

PATH = "/v1/subscriptions"
URL = "https://noc.example.com/hooks"
NIGHT = {"zone": "Asia/Shanghai", "start": "22:00", "end": "07:00"}
WISHES: Json = {
    "events": ["ticket.noted"], "changes": "milestones", "circuits": ["C-1"], "sites": ["010/head office"],
    "accounts": [ACCOUNT], "language": "en", "quiet": NIGHT, "digest_min": 15,
}  # fmt: skip
KEYS = {
    "account": issued("account", ACCOUNT),
    "operator": issued("operator", "noc"),
    "network": issued("network", "010"),
}
OTHER = issued("account", "beiyuan-bank")


@pytest.fixture
async def http(store: Database, clock: ManualClock) -> AsyncIterator[httpx.AsyncClient]:
    await store.transact(lambda tx: save(tx, [*KEYS.values(), OTHER]))
    keyring, metrics, health = keyring_on(store, clock), Metrics(), Health()
    await keyring.load()
    service = NotifierService(
        store, clock, events=HandFed(), readers=only_its_own, names=NAMES, secrets=SECRET, settings=Settings(),
            metrics=metrics, health=health,
    )  # fmt: skip
    app = layered(
        make_app(service.routers, authenticators=[ByKey(keyring)], health=health), metrics=metrics, access_log=None
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://center") as client:
        yield client
    await service.stop()


@pytest.fixture
def account(http: httpx.AsyncClient) -> Caller:
    return Caller(http, KEYS["account"].key)


@pytest.fixture
def other(http: httpx.AsyncClient) -> Caller:
    return Caller(http, OTHER.key)


async def made(caller: Caller, **body: object) -> Json:
    answer: Json = done(await caller.post(PATH, {"url": URL, **body}))
    return answer


async def test_new_subscription_tells_its_secret_once(account: Caller) -> None:
    answer = await account.post(PATH, {"url": URL, "events": ["ticket.restored", "ticket.reported"]})
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"{PATH}/{body['id']}"
    assert (body["channel"], body["target"]) == ("webhook", URL)
    assert (body["url"], body["events"]) == (URL, ["ticket.reported", "ticket.restored"])
    assert body["created_at"] == "2026-11-21T08:00:00.000Z"
    assert len(base64.b64decode(body.pop("secret").removeprefix("whsec_"))) == 32
    assert done(await account.get(f"{PATH}/{body['id']}")) == body
    assert await account.items(PATH) == [body]


async def test_all_events_are_wanted_when_none_are_named(account: Caller) -> None:
    assert (await made(account))["events"] is None
    assert (await made(account, events=None))["events"] is None
    assert (await made(account, events=list(TYPES)))["events"] == sorted(TYPES)


async def test_what_is_wanted_is_kept(account: Caller) -> None:
    id = (await made(account, **WISHES))["id"]
    found = done(await account.get(f"{PATH}/{id}"))
    assert {name: found[name] for name in WISHES} == WISHES


async def change(account: Caller, path: str, body: Json) -> httpx.Response:
    return await account.send("PATCH", path, json=body)


async def test_what_is_changed_changes_and_the_rest_stays(account: Caller) -> None:
    before = await made(account, **WISHES)
    del before["secret"]
    path = f"{PATH}/{before['id']}"
    changed = done(await change(account, path, {"digest_min": 0, "quiet": None, "events": None}))
    assert changed == {**before, "digest_min": 0, "quiet": None, "events": None}
    moved = done(await change(account, path, {"target": "https://other.example.com/"}))
    assert moved == {**changed, "target": "https://other.example.com/", "url": "https://other.example.com/"}
    assert done(await account.get(path)) == moved


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"digest_min": -1}, "digest_min"), ({"target": "http://10.0.0.1/"}, "target"), ({"channel": "sms"}, "channel"),
        ({"accounts": ["beiyuan-bank"]}, "accounts"), ({"url": URL}, "url"), ({"target": ""}, "target"),
    ],
)  # fmt: skip
async def test_bad_change_is_refused_naming_the_field(account: Caller, body: Json, field: str) -> None:
    before = await made(account)
    answer = await change(account, f"{PATH}/{before['id']}", body)
    assert (answer.status_code, [e["field"] for e in answer.json()["errors"]]) == (422, [field])


async def test_rotated_secret_is_shown_once_and_the_former_one_stays_a_day(account: Caller) -> None:
    before = await made(account)
    path = f"{PATH}/{before['id']}"
    answer = await account.post(f"{path}/rotate-secret")
    rotated = done(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert rotated.pop("secret") not in (before["secret"], None)
    assert rotated["former_secret_until"] == "2026-11-22T08:00:00.000Z"
    assert rotated["public_keys"][1:] == before["public_keys"] != rotated["public_keys"][:1]
    assert done(await account.get(path)) == rotated


async def test_only_what_is_disabled_can_be_enabled(account: Caller) -> None:
    id = (await made(account))["id"]
    refused = await account.post(f"{PATH}/{id}/enable")
    assert (refused.status_code, refused.json()["legal"]) == (409, [])


@pytest.mark.parametrize("verb", ["rotate-secret", "enable", "test", "replay"])
async def test_another_s_is_not_there_for_anything(account: Caller, other: Caller, verb: str) -> None:
    id = (await made(account))["id"]
    body = {"since": "2026-11-21T08:00:00Z"} if verb == "replay" else None
    assert (await other.post(f"{PATH}/{id}/{verb}", body)).status_code == 404
    for list in ("deliveries", "dead-letters"):
        assert (await other.get(f"{PATH}/{id}/{list}")).status_code == 404


async def test_test_says_what_came_of_it_and_is_in_the_log(account: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    path = f"{PATH}/{(await made(account))['id']}"
    said = done(await account.post(f"{path}/test"))
    assert (said["outcome"], said["reason"], said["status"]) == ("retry", "dns", None)
    (attempt,) = await account.items(f"{path}/deliveries")
    assert (attempt["replay"], attempt["reason"], attempt["attempt"]) == ("test", "dns", 1)
    assert await account.items(f"{path}/dead-letters") == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"), ({"since": None}, "body"), ({"dead_letters": False}, "dead_letters"), ({"event": "x"}, "event"),
        ({"ticket": "VT261121-7K3QM9XA", "dead_letters": True}, "body"), ({"since": "yesterday"}, "since"),
        ({"ticket": "VT261121-7K3QM9XA"}, "ticket"), ({"event": "VT261121-7K3QM9XA-1"}, "event"),
    ],
)  # fmt: skip
async def test_bad_replay_is_refused_naming_the_field(account: Caller, body: Json, field: str) -> None:
    id = (await made(account))["id"]
    answer = await account.post(f"{PATH}/{id}/replay", body)
    assert (answer.status_code, [e["field"] for e in answer.json()["errors"]]) == (422, [field])


async def test_replay_of_nothing_is_accepted(account: Caller) -> None:
    id = (await made(account))["id"]
    answer = await account.post(f"{PATH}/{id}/replay", {"dead_letters": True})
    assert (answer.status_code, answer.json()["tickets"]) == (202, 0)


async def test_list_is_newest_first_in_pages(account: Caller, clock: ManualClock) -> None:
    ids = [(await made(account))["id"] for _ in range(5)]
    first = done(await account.get(PATH, limit=3))
    rest = done(await account.get(PATH, limit=3, cursor=first["next"]))
    assert sorted(s["id"] for s in first["items"] + rest["items"]) == sorted(ids)
    assert (len(first["items"]), rest["next"]) == (3, None)


async def test_ended_subscription_is_gone(account: Caller) -> None:
    id = (await made(account))["id"]
    assert (await account.send("DELETE", f"{PATH}/{id}")).status_code == 204
    assert (await account.send("DELETE", f"{PATH}/{id}")).status_code == 404
    assert (await account.get(f"{PATH}/{id}")).status_code == 404
    assert await account.items(PATH) == []


async def test_account_sees_and_ends_only_its_own(account: Caller, other: Caller) -> None:
    id = (await made(account))["id"]
    assert (await other.get(f"{PATH}/{id}")).status_code == 404
    assert (await other.send("DELETE", f"{PATH}/{id}")).status_code == 404
    assert await other.items(PATH) == []
    assert len(await account.items(PATH)) == 1


@pytest.mark.parametrize(("role", "status"), [("operator", 403), ("network", 403), (None, 401)])
async def test_only_accounts_subscribe(http: httpx.AsyncClient, role: str | None, status: int) -> None:
    caller = Caller(http, KEYS[role].key if role else None)
    assert (await caller.post(PATH, {"url": URL})).status_code == status
    assert (await caller.get(PATH)).status_code == status
    assert (await caller.send("DELETE", f"{PATH}/sub_{'0' * 20}")).status_code == status


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "url"), ({"url": None}, "url"), ({"url": 7}, "url"), ({"url": ""}, "url"),
        ({"url": "http://noc.example.com/"}, "url"), ({"url": "https://127.0.0.1/"}, "url"),
        ({"url": "https://169.254.169.254/latest"}, "url"), ({"url": "https://user:pw@example.com/"}, "url"),
        ({"url": "https://example.com/#here"}, "url"), ({"url": "https://example.com/" + "x" * 2000}, "url"),
        ({"url": URL, "events": ["ticket.exploded"]}, "events.0"),
        ({"url": URL, "events": ["ticket.reported", 1]}, "events.1"),
        ({"url": URL, "events": []}, "events"), ({"url": URL, "events": "ticket.reported"}, "events"),
        ({"url": URL, "secret": "mine"}, "secret"), ({"url": URL, "target": URL}, "target"),
        ({"url": URL, "channel": "pigeon"}, "channel"), ({"target": URL, "channel": "pigeon"}, "channel"),
        ({"target": "noc@example.com"}, "target"), ({"url": URL, "accounts": ["beiyuan-bank"]}, "accounts"),
        ({"url": URL, "changes": "some"}, "changes"), ({"url": URL, "circuits": ["no circuit"]}, "circuits.0"),
        ({"url": URL, "sites": ["head office"]}, "sites.0"), ({"url": URL, "language": "fr"}, "language"),
        ({"url": URL, "digest_min": 1441}, "digest_min"), ({"url": URL, "digest_min": "5"}, "digest_min"),
        ({"url": URL, "quiet": {"zone": "Asia/Shanghai", "start": "22:00"}}, "quiet.end"),
        ({"url": URL, "quiet": {**NIGHT, "zone": "Asia/Atlantis"}}, "quiet.zone"),
        ({"url": URL, "quiet": {**NIGHT, "zone": "../../etc/passwd"}}, "quiet.zone"),
        ({"url": URL, "quiet": {**NIGHT, "end": "22:00"}}, "quiet"),
        ({"url": URL, "quiet": {**NIGHT, "end": "25:00"}}, "quiet.end"),
    ],
)  # fmt: skip
async def test_bad_body_is_refused_naming_the_field(account: Caller, body: Json, field: str) -> None:
    answer = await account.post(PATH, body)
    assert answer.status_code == 422
    assert [e["field"] for e in answer.json()["errors"]] == [field]
    assert await account.items(PATH) == []


async def test_place_that_is_none_is_answered_with_the_form_of_one(account: Caller) -> None:
    errors = (await account.post(PATH, {"url": URL, "sites": ["branch"], "circuits": ["a b"]})).json()["errors"]
    assert {error["field"]: error["message"] for error in errors} == {
        "circuits.0": "must be an id such as ACME.BJ-1: letters, digits, dots, hyphens and underscores",
        "sites.0": "must be network/site, such as 010/head office",
    }


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        (PATH, {"url": URL, "quiet": {**NIGHT, "end": "24:00"}}, "must be a time of day such as 22:00"),
        (PATH, {"url": "https://noc.example.com:65536/hooks"}, "must have a port from 1 to 65535"),
        (
            f"{PATH}/{{id}}/replay",
            {"event": "notices.hw-power-1"},
            "must be an event's id such as VT261121-7K3QM9XA-12",
        ),
        (f"{PATH}/{{id}}/replay", {"ticket": "VT1"}, "must be a ticket's number such as VT261121-7K3QM9XA"),
    ],
)
async def test_what_has_a_form_is_refused_with_an_example(account: Caller, path: str, body: Json, message: str) -> None:
    refused = await account.post(path.format(id=(await made(account))["id"]), body)
    assert [error["message"] for error in refused.json()["errors"]] == [message]


async def test_an_account_has_twenty_at_most_and_others_none_the_less(account: Caller, other: Caller) -> None:
    first, *_ = [await made(account) for _ in range(MOST_SUBSCRIPTIONS)]
    refused = await account.post(PATH, {"url": URL})
    assert (refused.status_code, refused.json()["legal"]) == (409, ["delete"])
    await made(other)
    await account.send("DELETE", f"{PATH}/{first['id']}")
    await made(account)


@pytest.mark.parametrize("id", ["sub_", "nonsense", "sub_" + "0" * 20, "%00"])
async def test_unknown_subscription_is_not_found(account: Caller, id: str) -> None:
    assert (await account.get(f"{PATH}/{id}")).status_code == 404
