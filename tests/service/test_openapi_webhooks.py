"""The OpenAPI document describes the webhooks that are really sent: every fact, its body and its headers."""

from typing import Any, get_args

import jsonschema_rs
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.notifier.channels.webhook.channel import DIGEST, headers, render
from services.notifier.channels.webhook.signing import new_secret, private_key, signer
from services.notifier.model.standing import NOTICES, TEST
from services.notifier.store import notices
from shared.contracts import facts
from shared.contracts.event import Event
from shared.contracts.facts import Fact
from shared.ids import AccountId, SubscriptionId
from shared.testing.clock import START
from shared.tickets.model import Status
from tests.cases import TICKET
from tests.centers import House
from tests.notifying import SECRET
from tests.people import done
from tests.strategies import FACTS

Json = dict[str, Any]
STATUSES = st.sampled_from(get_args(Status))
ALREADY_THERE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
async def document(embedded: House) -> Json:
    return done(await embedded.nobody.get("/openapi.json"))


def event(fact: Fact, status: str) -> Event:
    name = facts.NAMES[type(fact)]
    return Event(TICKET, 7, START, name, "account:hw-power", AccountId("hw-power"), status, facts.encode(fact))


def fits(document: Json, value: Any, schema: Json) -> bool:
    whole = {"components": document["components"], "allOf": [schema]}
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True).is_valid(value)


async def test_there_is_a_webhook_for_every_fact_and_no_other(document: Json) -> None:
    assert set(document["webhooks"]) == {*facts.TYPES, DIGEST, *NOTICES}
    assert all(webhook["post"]["security"] == [] for webhook in document["webhooks"].values())


@ALREADY_THERE
@given(fact=FACTS, status=STATUSES)
async def test_body_that_is_sent_is_as_described_and_as_no_other_is(document: Json, fact: Fact, status: str) -> None:
    sent = event(fact, status)
    for name, webhook in document["webhooks"].items():
        schema = webhook["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert fits(document, orjson.loads(render([sent]).body), schema) == (name == sent.type)


@ALREADY_THERE
@given(facts=st.lists(FACTS, min_size=2, max_size=4), status=STATUSES)
async def test_digest_that_is_sent_is_as_described(document: Json, facts: list[Fact], status: str) -> None:
    message = render([event(fact, status) for fact in facts])
    post = document["webhooks"][DIGEST]["post"]
    assert fits(document, orjson.loads(message.body), post["requestBody"]["content"]["application/json"]["schema"])
    (named,) = [p for p in post["parameters"] if p["name"] == "webhook-id"]
    assert fits(document, message.id, named["schema"])


@pytest.mark.parametrize("type", sorted(NOTICES))
async def test_notice_that_is_sent_is_as_described(document: Json, type: str) -> None:
    trouble = {
        "subscription": "sub_1", "channel": "webhook", "receiver": "noc.example.com", "failing_since": None,
        "reason": "gone", "status": 410, "event": f"{TICKET}-1",
    }  # fmt: skip
    data = b"{}" if type == TEST else orjson.dumps(trouble)
    message = render([notices.event(AccountId("hw-power"), 3, START, type, data)])
    post = document["webhooks"][type]["post"]
    assert fits(document, orjson.loads(message.body), post["requestBody"]["content"]["application/json"]["schema"])
    (named,) = [p for p in post["parameters"] if p["name"] == "webhook-id"]
    assert fits(document, message.id, named["schema"])


@ALREADY_THERE
@given(fact=FACTS, status=STATUSES)
async def test_headers_that_are_sent_are_those_described(document: Json, fact: Fact, status: str) -> None:
    sent = event(fact, status)
    by = signer(new_secret(), private_key(SECRET, SubscriptionId("sub_1"), 1))
    signed = headers(render([sent]), signers=[by], timestamp_s=1_764_000_000)
    described = {p["name"]: p for p in document["webhooks"][sent.type]["post"]["parameters"]}
    assert set(described) == {name for name in signed if name.startswith("webhook-")}
    assert all(p["required"] and fits(document, signed[name], p["schema"]) for name, p in described.items())
