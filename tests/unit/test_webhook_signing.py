"""Our signatures are what the reference library of Standard Webhooks accepts, and nothing else is."""

import base64
import time
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notifier.channels.webhook.channel import Message, headers, render
from services.notifier.channels.webhook.signing import new_secret, sign
from shared.contracts.event import Event, public
from tests.cases import log_of, notes

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="


def event() -> Event:
    _, (_, entry) = log_of(*notes(1))
    return entry


def signed(body: bytes) -> dict[str, str]:
    at = int(time.time())  # the library looks at the real clock
    return dict(headers(Message(event().id, body), secret=SECRET, timestamp_s=at))


def test_reference_library_accepts_our_webhook() -> None:
    body = render([event()]).body
    assert Webhook(SECRET).verify(body, signed(body)) == orjson.loads(body)


@settings(deadline=None)
@given(st.binary(max_size=2000).map(base64.b64encode))
def test_signature_is_the_reference_library_s(body: bytes) -> None:
    at = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    ours = sign(SECRET, id="msg-1", timestamp_s=int(at.timestamp()), body=body)
    assert ours == Webhook(SECRET).sign("msg-1", at, body.decode())


def test_reference_library_refuses_another_body() -> None:
    body = render([event()]).body
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"note 1", b"note 2"), signed(body))


def test_new_secrets_are_32_random_bytes() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32 for secret in secrets)


def test_webhook_carries_the_one_public_form_of_the_event() -> None:
    body = orjson.loads(render([event()]).body)
    assert body == {
        "type": "ticket.noted",
        "timestamp": "2026-11-21T08:01:00.000Z",
        "data": orjson.loads(orjson.dumps(public(event()))),
    }


def test_webhook_of_an_event_is_always_the_same_bytes() -> None:
    assert render([event()]).body == render([event()]).body
