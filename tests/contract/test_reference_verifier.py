"""What a receiver really gets is taken by the reference library from npm (v1), and by OpenSSL in Node (v1a)."""

from dataclasses import replace
from datetime import timedelta

from services.notifier.channels.port import Notice
from services.notifier.channels.webhook.channel import WebhookChannel
from services.notifier.channels.webhook.signing import new_secret, public_keys
from services.notifier.model.keys import Keys
from services.notifier.model.preferences import EVERYTHING
from services.notifier.model.subscription import Subscription
from shared.clock import SystemClock
from shared.contracts.event import Event
from shared.contracts.facts import NoteAdded
from shared.ids import SubscriptionId
from shared.testing.clock import START
from shared.testing.receiver import Receiver
from shared.testing.standardwebhooks import Judgement, Received, judge
from tests.cases import ACCOUNT, log_of
from tests.notifying import LOOPBACK, SECRET, VAULT

ID = SubscriptionId("sub_1")
FORMER, NEW = new_secret(), new_secret()
ROTATED = Keys(VAULT.seal(FORMER, of=ID)).rotated(VAULT.seal(NEW, of=ID), SystemClock().now())
_, EVENTS = log_of(NoteAdded("光缆中断 “quoted” <b> \\ \u2028 😀"), NoteAdded("x" * 2000))
BAD, GOOD = Judgement(v1=False, v1a=False), Judgement(v1=True, v1a=True)


async def received(*messages: list[Event]) -> list[tuple[dict[str, str], str]]:
    """Headers and body of each, as they came over a socket."""
    channel = WebhookChannel(SystemClock(), SECRET, VAULT, timeout=timedelta(seconds=5), networks=LOOPBACK, http=True)
    async with Receiver() as receiver:
        subscription = Subscription(ID, ACCOUNT, "webhook", receiver.url, EVERYTHING, START, ROTATED)
        for events in messages:
            await channel.deliver(subscription, channel.render(Notice(subscription, events)))
        await channel.close()
    return [(dict(hook.headers), hook.body.decode()) for hook in receiver.hooks]


async def test_every_message_verifies_by_both_secrets_and_both_keys() -> None:
    found = await received(*([event] for event in EVENTS), list(EVENTS))
    subscription = Subscription(ID, ACCOUNT, "webhook", "", EVERYTHING, START, ROTATED)
    keys = public_keys(SECRET, subscription, SystemClock().now())
    by = list(zip((NEW, FORMER), keys, strict=True))
    assert judge([Received(*checks, headers, body) for headers, body in found for checks in by]) == [GOOD] * 8


async def test_nothing_else_verifies() -> None:
    ((headers, body),) = await received([EVENTS[1]])
    subscription = Subscription(ID, ACCOUNT, "webhook", "", EVERYTHING, START, ROTATED)
    key, _ = public_keys(SECRET, subscription, SystemClock().now())
    (other,) = public_keys(SECRET, replace(subscription, keys=Keys("", 7)), SystemClock().now())
    assert judge([
        Received(new_secret(), other, headers, body), Received(NEW, key, headers, body + " "),
        Received(NEW, key, headers | {"webhook-id": "another"}, body),
        Received(NEW, key, headers | {"webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}, body),
    ]) == [BAD] * 4  # fmt: skip
