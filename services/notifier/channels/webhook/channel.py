"""The webhook channel: a notice, rendered once for all its tries and signed anew for each, to one receiver.

The body of an event is the same bytes on every try and `webhook-id` the same name; only time and signature move.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING

import orjson

from services.notifier.channels.port import Context, Notice
from services.notifier.channels.webhook import targets
from services.notifier.channels.webhook.signing import PREFIX, Signer, new_secret, private_key, sign, signer
from services.notifier.channels.webhook.targets import Network
from services.notifier.model.outcome import Attempt
from services.notifier.model.standing import NOTICES
from services.notifier.model.subscription import Subscription
from shared.clock import Clock, rfc3339, to_ms
from shared.contracts.event import Event, public
from shared.ids import SubscriptionId
from shared.secrets import Secrets, Vault

if TYPE_CHECKING:
    from services.notifier.channels.webhook.transport import Transport

HELD_KEYS = 10_000
USER_AGENT = "vrc-webhook/0.1"


DIGEST = "ticket.digest"


@dataclass(frozen=True, slots=True)
class Message:
    id: str
    body: bytes


def render(events: Iterable[Event]) -> Message:
    """`{"type", "timestamp", "data"}` as Standard Webhooks has it; `data` is an event's one public form.

    Several that waited together are one message of type `ticket.digest`: its `data` names their ticket and holds
    their public forms; it is called by the first and the last of them.
    """
    first, *more = events
    if first.type in NOTICES:
        return _notice(first)
    if not more:
        data = public(first)
        return Message(first.id, orjson.dumps({"type": first.type, "timestamp": data["at"], "data": data}))
    last = more[-1]
    data = {"ticket": first.ticket, "account": first.account, "events": [public(event) for event in (first, *more)]}
    timestamp = data["events"][-1]["at"]
    body = orjson.dumps({"type": DIGEST, "timestamp": timestamp, "data": data})
    return Message(f"{first.id}-{last.seq}", body)


def _notice(event: Event) -> Message:
    """What is told of a subscription has no ticket and no status."""
    data = {
        "id": event.id, "at": rfc3339(event.at), "type": event.type, "account": event.account,
        "data": orjson.Fragment(event.data),
    }  # fmt: skip
    return Message(event.id, orjson.dumps({"type": event.type, "timestamp": data["at"], "data": data}))


def headers(message: Message, *, signers: Iterable[Signer], timestamp_s: int) -> Mapping[str, str]:
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": message.id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": sign(signers, id=message.id, timestamp_s=timestamp_s, body=message.body),
    }


def make(context: Context) -> "WebhookChannel":
    given = context.settings
    return WebhookChannel(
        context.clock, context.secrets, context.vault, timeout=given.webhook_timeout, networks=given.webhook_networks,
        http=given.webhook_http,
    )  # fmt: skip


class WebhookChannel:
    """`http` and `networks`: what else than https to public addresses a webhook may use."""

    reads_history = False

    def __init__(
        self,
        clock: Clock,
        secrets: Secrets,
        vault: Vault,
        *,
        timeout: timedelta,
        networks: Iterable[Network],
        http: bool,
    ) -> None:
        self._clock = clock
        self._secrets = secrets
        self._vault = vault
        self.timeout = timeout
        self._networks = tuple(networks)
        self._http = http
        self._signer = lru_cache(HELD_KEYS)(self._open_signer)
        self._transport: Transport | None = None

    def objection(self, target: str) -> str | None:
        return targets.objection(target, http=self._http, networks=self._networks)

    def new_secret(self) -> str:
        return new_secret()

    def render(self, notice: Notice) -> Message:
        return render(notice.events)

    async def deliver(self, subscription: Subscription, message: Message) -> Attempt:
        now = self._clock.now()
        signed = headers(message, signers=self._signers(subscription, now), timestamp_s=to_ms(now) // 1000)
        transport = self._transport or await self._open()
        return await transport.post(subscription.target, message.body, signed)

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.close()

    def _signers(self, subscription: Subscription, now: datetime) -> Sequence[Signer]:
        keys = subscription.keys
        if keys.former_until is None:
            return (self._signer(subscription.id, keys.generation, keys.secret),)
        return [self._signer(subscription.id, *generation) for generation in keys.generations(now)]

    def _open_signer(self, id: SubscriptionId, generation: int, sealed: str) -> Signer:
        """A secret of before they were sealed is there in the clear until the notifier has started once."""
        secret = sealed if sealed.startswith(PREFIX) else self._vault.open(sealed, of=id)
        return signer(secret, private_key(self._secrets, id, generation))

    async def _open(self) -> "Transport":
        """aiohttp takes 10 MiB and up to half a second to import: only who sends webhooks pays, and nobody waits."""
        module = await asyncio.to_thread(import_module, "services.notifier.channels.webhook.transport")
        if self._transport is None:
            self._transport = module.Transport(self._clock, timeout=self.timeout, networks=self._networks)
        return self._transport
