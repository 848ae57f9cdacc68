"""Every account's webhook receiver, on loopback: checks what arrives at once, and fails now and then on purpose.

Some answers it holds back for a while, so that whoever is killed is killed in mid-delivery.

An event counts as taken when it was answered with 2xx, and its sender was still there to hear it. What arrives must be
the next event of its ticket, or one that was taken before: anything else came out of order, or after a hole.
"""

import asyncio
import json
from collections import defaultdict
from dataclasses import dataclass
from random import Random
from typing import Self

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from tests.chaos.outside.ledger import Json

FAILS, RESETS, HELD = 0.015, 0.015, 0.3
HELD_S = 0.3


@dataclass(slots=True)
class Heard:
    account: str
    body: bytes
    tries: int = 1


class Receiver:
    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._secrets: dict[str, Webhook] = {}
        self._runner = web.ServerRunner(web.Server(self._receive))
        self.port = 0
        self.behaves = False
        """From now on everything is taken."""
        self.heard: dict[str, Heard] = {}
        """By webhook-id."""
        self.taken: dict[str, int] = defaultdict(int)
        """Ticket → the seq up to which everything was taken."""
        self.broken: dict[str, list[str]] = defaultdict(list)
        self.arrived = 0
        self.failed = 0
        self.held = 0
        """Webhooks whose senders wait for an answer."""
        self.cut_off = 0
        """Webhooks whose senders were gone before they were answered."""

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def url(self, account: str) -> str:
        return f"http://127.0.0.1:{self.port}/{account}"

    def expect(self, account: str, secret: str) -> None:
        self._secrets[account] = Webhook(secret)

    async def _receive(self, request: web.BaseRequest) -> web.Response:
        account, body = request.path[1:], await request.read()
        self.arrived += 1
        try:
            self._secrets[account].verify(body, dict(request.headers))
        except (WebhookVerificationError, KeyError) as error:
            self.broken["wrong webhooks"].append(f"{account}: {type(error).__name__}: {error}")
            return web.Response(status=400)
        is_first = self._hear(request.headers["webhook-id"], account, body)
        dice = 1.0 if self.behaves or not is_first else self._rng.random()
        if dice < FAILS + RESETS:
            self.failed += 1
            if dice < RESETS and request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if not self.behaves and self._rng.random() < HELD:
            await self._hold()
        if request.transport is None:
            self.cut_off += 1
            return web.Response(status=500)
        self._take(json.loads(body)["data"])
        return web.Response(status=204)

    async def _hold(self) -> None:
        self.held += 1
        await asyncio.sleep(self._rng.uniform(0, HELD_S))
        self.held -= 1

    def _hear(self, id: str, account: str, body: bytes) -> bool:
        """Whether it was not heard before."""
        if (before := self.heard.get(id)) is None:
            self.heard[id] = Heard(account, body)
            event: Json = json.loads(body)["data"]
            self._require_order(id, event)
            return True
        before.tries += 1
        if (before.account, before.body) != (account, body):
            self.broken["wrong webhooks"].append(f"{id}: another account or content than the time before")
        return False

    def _require_order(self, id: str, event: Json) -> None:
        ticket, seq = event["ticket"], event["seq"]
        if id != f"{ticket}-{seq}" or event["id"] != id:
            self.broken["wrong webhooks"].append(f"{id}: holds {event['id']}")
        if seq != self.taken[ticket] + 1:
            self.broken["webhooks out of order"].append(f"{id} arrived while {self.taken[ticket]} was the last taken")

    def _take(self, event: Json) -> None:
        self.taken[event["ticket"]] = max(self.taken[event["ticket"]], event["seq"])
