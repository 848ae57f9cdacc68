"""Our signatures are what the reference library of Standard Webhooks accepts, and nothing else is."""

import base64
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.notifier.channels.webhook.channel import Message, headers, render
from services.notifier.channels.webhook.signing import Signer, new_secret, private_key, public_keys, sign, signer
from services.notifier.model.keys import FORMER_IS_GOOD_FOR, Keys
from services.notifier.model.preferences import EVERYTHING
from services.notifier.model.subscription import Subscription
from shared.contracts.event import Event, public
from shared.ids import SubscriptionId
from shared.secrets import Secrets
from shared.testing.clock import START
from tests.cases import ACCOUNT, log_of, notes

SECRET, FORMER = (f"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKY{end}=" for end in "oA")
CENTER = Secrets(bytes(32))
ID = SubscriptionId("sub_1")


def event() -> Event:
    _, (_, entry) = log_of(*notes(1))
    return entry


def signers(secret: str = SECRET, generation: int = 1) -> list[Signer]:
    return [signer(secret, private_key(CENTER, ID, generation))]


def subscription(keys: Keys) -> Subscription:
    return Subscription(ID, ACCOUNT, "webhook", "https://example.com", EVERYTHING, START, keys)


def signed(body: bytes, *, by: list[Signer] | None = None) -> dict[str, str]:
    at = int(time.time())  # the library looks at the real clock
    return dict(headers(Message(event().id, body), signers=by or signers(), timestamp_s=at))


def verifies_v1a(given: dict[str, str], body: bytes, public_key: str) -> bool:
    """As the specification has it: any of the signatures, over id, timestamp and body."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    content = f"{given['webhook-id']}.{given['webhook-timestamp']}.".encode() + body
    for version, _, signature in (part.partition(",") for part in given["webhook-signature"].split()):
        try:
            if version == "v1a":
                key.verify(base64.b64decode(signature), content)
                return True
        except InvalidSignature:
            continue
    return False


def test_reference_library_accepts_our_webhook() -> None:
    body = render([event()]).body
    assert Webhook(SECRET).verify(body, signed(body)) == orjson.loads(body)


@settings(deadline=None)
@given(st.binary(max_size=2000).map(base64.b64encode))
def test_signature_is_the_reference_library_s(body: bytes) -> None:
    at = datetime(2026, 11, 21, 8, 30, tzinfo=UTC)
    v1, _ = sign(signers(), id="msg-1", timestamp_s=int(at.timestamp()), body=body).split()
    assert v1 == Webhook(SECRET).sign("msg-1", at, body.decode())


def test_reference_library_refuses_another_body() -> None:
    body = render([event()]).body
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body.replace(b"note 1", b"note 2"), signed(body))


def test_public_key_verifies_what_was_signed_and_nothing_else() -> None:
    body = render([event()]).body
    (public_key,) = public_keys(CENTER, subscription(Keys(SECRET)), START)
    assert verifies_v1a(signed(body), body, public_key)
    assert not verifies_v1a(signed(body), body + b" ", public_key)
    assert not verifies_v1a(signed(body) | {"webhook-id": "another"}, body, public_key)


def test_no_two_subscriptions_or_generations_have_the_same_key() -> None:
    """What one customer got signed is no webhook at another's."""
    given = [subscription(Keys(SECRET, generation)) for generation in (1, 2)]
    given.append(replace(given[0], id=SubscriptionId("sub_2")))
    assert len({key for each in given for key in public_keys(CENTER, each, START)}) == 3
    assert public_keys(CENTER, given[0], START) != public_keys(Secrets(b"1" * 32), given[0], START)


def test_for_a_day_after_a_rotation_both_secrets_and_both_keys_verify() -> None:
    body = render([event()]).body
    rotated = Keys(FORMER).rotated(SECRET, START)
    both = [signer(secret, private_key(CENTER, ID, number)) for number, secret in rotated.generations(START)]
    given = signed(body, by=both)
    for secret in (SECRET, FORMER):
        assert Webhook(secret).verify(body, given)
    keys = public_keys(CENTER, subscription(rotated), START)
    assert [verifies_v1a(given, body, key) for key in keys] == [True, True]
    assert keys[1:] == public_keys(CENTER, subscription(Keys(FORMER)), START)


def test_after_that_day_only_the_new_ones_do() -> None:
    rotated = Keys(FORMER).rotated(SECRET, START)
    later = START + FORMER_IS_GOOD_FOR
    assert rotated.generations(later - timedelta(milliseconds=1)) == [(2, SECRET), (1, FORMER)]
    assert rotated.generations(later) == [(2, SECRET)]


def test_rotating_again_ends_the_oldest_at_once() -> None:
    twice = Keys("first").rotated("second", START).rotated("third", START)
    assert twice.generations(START) == [(3, "third"), (2, "second")]


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
    assert render([event()]) == render([event()])
