"""E-mail and SMS over HTTP: subscribed to where they are set up, for oneself or for all of the registry's contacts."""

import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.notifier.model.subscription import MOST_SUBSCRIPTIONS
from services.notifier.service import NotifierService
from shared.clock import to_ms
from shared.db.port import Database
from shared.health import Health
from shared.metrics import Metrics
from shared.registry.model import Account, ContactPoint
from shared.registry.writing import put
from shared.settings import Settings
from shared.testing.clock import START, ManualClock
from shared.testing.sms_gateway import receipt
from shared.web.app import layered, make_app
from shared.web.by_key import ByKey
from tests.cases import ACCOUNT, SEED, TICKET
from tests.keys import issued, keyring_on, only_its_own, save
from tests.notifying import NAMES, SECRET, HandFed
from tests.people import Caller, Json, done

PATH = "/v1/subscriptions"
FROM_CONTACTS = "/v1/contact-subscriptions"
MANAGERS = "/v1/manager-subscriptions"
KEYS = {role: issued(role, name) for role, name in (("account", ACCOUNT), ("operator", "noc"), ("network", "010"))}
SET_UP: dict[str, Any] = {
    "mail_host": "127.0.0.1", "mail_security": "none", "mail_from": "vip@vrc.test", "sms_gateway": "http://127.0.0.1:1/",
}  # fmt: skip
MANAGER = ContactPoint("李经理", email="manager@operator.example", window="09:00-17:00")
CONTACTS = (
    ContactPoint("张三", phone="+86 138 0013 8000", email="zhang@customer.example", window="08:00-18:00"),
    ContactPoint("desk", phone="+86 10 5550 0134", email="desk@customer.example", language="en"),
    ContactPoint("nobody"),
)


@asynccontextmanager
async def center(store: Database, clock: ManualClock, settings: Settings) -> AsyncIterator[Mapping[str, Caller]]:
    account = Account(ACCOUNT, "华网电力", "Huawang Power", "other", "diamond", contacts=CONTACTS, manager=MANAGER)
    await store.transact(lambda tx: put(tx, [account], [], [], by=SEED))
    await store.transact(lambda tx: save(tx, KEYS.values()))
    keyring, metrics, health = keyring_on(store, clock), Metrics(), Health()
    await keyring.load()
    service = NotifierService(
        store, clock, events=HandFed(), readers=only_its_own, names=NAMES, secrets=SECRET, settings=settings,
        metrics=metrics, health=health,
    )  # fmt: skip
    routes = make_app(service.routers, authenticators=[ByKey(keyring)], health=health)
    transport = httpx.ASGITransport(app=layered(routes, metrics=metrics, access_log=None))
    async with httpx.AsyncClient(transport=transport, base_url="http://center") as client:
        yield {role: Caller(client, key.key) for role, key in KEYS.items()}
    await service.stop()


@pytest.fixture
async def callers(store: Database, clock: ManualClock) -> AsyncIterator[Mapping[str, Caller]]:
    async with center(store, clock, Settings(**SET_UP)) as made:
        yield made


@pytest.fixture
def account(callers: Mapping[str, Caller]) -> Caller:
    return callers["account"]


def refused(answer: httpx.Response) -> Json:
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    return error


@pytest.mark.parametrize(("channel", "settings"), [("email", "mail_host and mail_from"), ("sms", "sms_gateway")])
async def test_channel_that_is_not_set_up_says_what_to_set(
    sqlite_store: Database, clock: ManualClock, channel: str, settings: str
) -> None:
    async with center(sqlite_store, clock, Settings()) as callers:
        error = refused(await callers["account"].post(PATH, {"channel": channel, "target": "x"}))
        contacts = refused(await callers["account"].post(FROM_CONTACTS, {"channels": [channel]}))
    assert error["field"] == contacts["field"] == "channel"
    assert settings in error["message"]


async def test_channel_that_nobody_knows_names_those_there_are(account: Caller) -> None:
    error = refused(await account.post(PATH, {"channel": "pigeon", "target": "x"}))
    assert error["message"] == "is none of webhook, email, sms"


@pytest.mark.parametrize(("channel", "target"), [("email", "noc@customer.example"), ("sms", "+8613800138000")])
async def test_subscription_to_a_peoples_channel_has_no_secret(account: Caller, channel: str, target: str) -> None:
    made = done(await account.post(PATH, {"channel": channel, "target": target, "language": "en"}))
    assert (made["channel"], made["target"], made["language"], made["secret"], made["url"]) == (
        channel, target, "en", None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("channel", "target", "said"),
    [
        ("email", "noc@customer.example\r\nRCPT TO:<x@y.example>", "target"), ("email", "noc", "an e-mail address"),
        ("sms", "13800138000", "international"), ("sms", "+861055500134", "mobile"), ("sms", "+19005550123", "+86"),
    ],
)  # fmt: skip
async def test_target_that_can_get_nothing_is_refused(account: Caller, channel: str, target: str, said: str) -> None:
    error = refused(await account.post(PATH, {"channel": channel, "target": target}))
    assert error["field"] == "target"
    assert said in error["message"] + error["field"]


async def test_contacts_of_the_registry_are_told_in_their_language_and_hours(account: Caller) -> None:
    answer = done(await account.post(FROM_CONTACTS, {"channels": ["email", "sms"]}))
    assert [(m["channel"], m["target"], m["language"], m["changes"]) for m in answer["made"]] == [
        ("email", "zhang@customer.example", "zh", "milestones"), ("sms", "+8613800138000", "zh", "milestones"),
        ("email", "desk@customer.example", "en", "milestones"),
    ]  # fmt: skip
    assert answer["made"][0]["quiet"] == {"zone": "Asia/Shanghai", "start": "18:00", "end": "08:00"}
    assert [(left["contact"], left["channel"]) for left in answer["left_out"]] == [
        ("desk", "sms"), ("nobody", "email"), ("nobody", "sms"),
    ]  # fmt: skip
    assert "mobile" in answer["left_out"][0]["because"]


async def test_contacts_that_are_told_already_are_left_as_they_are(account: Caller) -> None:
    done(await account.post(FROM_CONTACTS, {"channels": ["email"]}))
    again = done(await account.post(FROM_CONTACTS, {"channels": ["email"], "changes": "all"}))
    assert again["made"] == []
    assert {left["because"] for left in again["left_out"]} == {
        "is subscribed already", "has no address in the registry",
    }  # fmt: skip
    assert len(await account.items(PATH)) == 2


async def test_one_mail_of_the_contacts_answers_for_the_least_also_when_another_has_ended(account: Caller) -> None:
    done(await account.post(FROM_CONTACTS, {"channels": ["sms", "email"], "changes": "urgent"}))
    (first,) = await answering(account)
    await account.send("DELETE", f"{PATH}/{first['id']}")
    (second,) = await answering(account)
    assert {first["target"], second["target"]} == {"zhang@customer.example", "desk@customer.example"}
    done(await account.post(PATH, {"channel": "email", "target": "noc@customer.example"}))
    assert await answering(account) == []


async def answering(account: Caller) -> list[Json]:
    return [found for found in await account.items(PATH) if found["answers_for_least"]]


async def test_contacts_beyond_what_an_account_may_have_are_named(account: Caller) -> None:
    for number in range(MOST_SUBSCRIPTIONS - 1):
        done(await account.post(PATH, {"channel": "email", "target": f"x{number}@customer.example"}))
    answer = done(await account.post(FROM_CONTACTS, {"channels": ["email"]}))
    assert [made["target"] for made in answer["made"]] == ["zhang@customer.example"]
    assert f"at most {MOST_SUBSCRIPTIONS}" in answer["left_out"][0]["because"]


@pytest.mark.parametrize("role", ["operator", "network"])
async def test_nobody_but_the_account_has_its_people_told(callers: Mapping[str, Caller], role: str) -> None:
    assert (await callers[role].post(FROM_CONTACTS, {"channels": ["email"]})).status_code == 403


async def test_manager_whom_the_registry_names_is_told_of_warnings(callers: Mapping[str, Caller]) -> None:
    asked = {"account": ACCOUNT, "channels": ["email", "sms"]}
    answer = done(await callers["operator"].post(MANAGERS, asked))
    (made,) = answer["made"]
    assert (made["target"], made["language"], made["quiet"]["start"]) == ("manager@operator.example", "zh", "17:00")
    assert sorted(made["events"]) == ["ticket.attainment_fell", "ticket.escalated", "ticket.repeated"]
    assert [left["because"] for left in answer["left_out"]] == ["has no number in the registry"]
    assert [held["id"] for held in await callers["account"].items(PATH)] == [made["id"]]
    assert done(await callers["operator"].post(MANAGERS, asked))["made"] == []


async def test_manager_of_an_account_that_there_is_not_is_not_found(callers: Mapping[str, Caller]) -> None:
    asked = {"account": "nobody", "channels": ["email"]}
    assert (await callers["operator"].post(MANAGERS, asked)).status_code == 404


@pytest.mark.parametrize("role", ["account", "network"])
async def test_nobody_but_operators_has_managers_told(callers: Mapping[str, Caller], role: str) -> None:
    asked = {"account": ACCOUNT, "channels": ["email"]}
    assert (await callers[role].post(MANAGERS, asked)).status_code == 403


@pytest.mark.parametrize("body", [{}, {"channels": []}, {"channels": ["webhook"]}, {"channels": ["email"], "x": 1}])
async def test_bad_body_is_refused(account: Caller, body: Json) -> None:
    assert (await account.post(FROM_CONTACTS, body)).status_code == 422


RECEIPTS = "/v1/sms/receipts"
SECRET_KEY = "whsec_" + base64.b64encode(bytes(range(32))).decode()
BODY: Json = {"id": f"{TICKET}-1.sub_00000000000000000000", "state": "delivered"}


@pytest.fixture
async def door(sqlite_store: Database, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Caller]:
    secret = tmp_path / "receipts.secret"
    secret.touch(mode=0o600)
    secret.write_text(SECRET_KEY)
    async with center(sqlite_store, clock, Settings(**SET_UP, sms_receipt_secret_file=secret)) as callers:
        yield Caller(callers["account"]._http, None)


async def knock(door: Caller, body: Json = BODY, *, key: str = SECRET_KEY, late_s: int = 0, **changes: str) -> int:
    content, headers = receipt(key, body, id="msg_1", timestamp_s=to_ms(START) // 1000 - late_s)
    return (await door.send("POST", RECEIPTS, content, {**headers, **changes})).status_code


async def test_signed_receipt_of_something_unknown_is_let_in_and_not_found(door: Caller) -> None:
    assert await knock(door) == 404
    assert await knock(door, {"id": "x"}) == 422
    assert await knock(door, {**BODY, "reason": "a\u202eb"}) == 422


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-signature": ""}, {"webhook-signature": "v1,"}, {"webhook-id": "msg_2"}, {"webhook-timestamp": "0"},
        {"webhook-timestamp": "soon"}, {"webhook-timestamp": "9" * 30}, {"webhook-signature": "v2,x v1,x"},
    ],
)  # fmt: skip
async def test_receipt_with_a_changed_header_is_refused(door: Caller, changes: dict[str, str]) -> None:
    assert await knock(door, **changes) == 401


@pytest.mark.parametrize("late_s", [-301, 301, 86_400])
async def test_receipt_of_another_time_is_refused(door: Caller, late_s: int) -> None:
    assert await knock(door, late_s=late_s) == 401
    assert await knock(door, late_s=300 if late_s > 0 else -300) == 404


async def test_receipt_under_another_secret_is_refused_before_it_is_looked_at(door: Caller) -> None:
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    assert await knock(door, key=other) == 401
    assert await knock(door, {"id": 7}, key=other) == 401


async def test_account_has_no_business_at_the_gateways_door(account: Caller) -> None:
    assert (await account.post(RECEIPTS, BODY)).status_code == 404  # not set up: nobody is expected


async def test_secret_that_can_not_be_read_is_an_operators_trouble(
    sqlite_store: Database, clock: ManualClock, tmp_path: Path
) -> None:
    async with center(sqlite_store, clock, Settings(**SET_UP, sms_receipt_secret_file=tmp_path / "none")) as callers:
        assert await knock(Caller(callers["account"]._http, None)) == 503
