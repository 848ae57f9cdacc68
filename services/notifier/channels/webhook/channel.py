"""The webhook channel: one event, rendered and signed anew for each try, to one subscription's receiver.

The body of an event is the same bytes on every try and `webhook-id` the same name; only time and signature move.
"""

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING

import orjson

from services.notifier.channels.webhook.signing import sign
from services.notifier.channels.webhook.targets import Network
from services.notifier.model import Outcome, Subscription
from shared.clock import Clock, to_ms
from shared.contracts.event import Event, public

if TYPE_CHECKING:
    from services.notifier.channels.webhook.transport import Transport

USER_AGENT = "vrc-webhook/0.1"


def render(event: Event) -> bytes:
    """`{"type", "timestamp", "data"}` as Standard Webhooks has it; `data` is the event's one public form."""
    data = public(event)
    return orjson.dumps({"type": event.type, "timestamp": data["at"], "data": data})


def headers(event: Event, body: bytes, *, secret: str, timestamp_s: int) -> dict[str, str]:
    return {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": event.id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": sign(secret, id=event.id, timestamp_s=timestamp_s, body=body),
    }


class WebhookChannel:
    def __init__(self, clock: Clock, *, timeout: timedelta, networks: Iterable[Network]) -> None:
        self._clock = clock
        self._timeout = timeout
        self._networks = tuple(networks)
        self._transport: Transport | None = None

    async def deliver(self, subscription: Subscription, event: Event) -> Outcome:
        body = render(event)
        timestamp_s = to_ms(self._clock.now()) // 1000
        signed = headers(event, body, secret=subscription.secret, timestamp_s=timestamp_s)
        transport = self._transport or await self._open()
        return await transport.post(subscription.url, body, signed)

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.close()

    async def _open(self) -> "Transport":
        """aiohttp takes 10 MiB and up to half a second to import: only who sends webhooks pays, and nobody waits."""
        module = await asyncio.to_thread(import_module, "services.notifier.channels.webhook.transport")
        if self._transport is None:
            self._transport = module.Transport(self._clock, timeout=self._timeout, networks=self._networks)
        return self._transport
