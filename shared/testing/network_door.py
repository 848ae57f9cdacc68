"""How a simulated local network hears of its orders and answers: the center's HTTP door, or Kafka (`kafka_door`)."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import orjson

from shared.contracts import progress as p
from shared.contracts.facts import OrderKind
from shared.ids import NetworkCode, OrderId, TicketId
from shared.testing.client import CenterClient
from shared.testing.pace import Pace

log = logging.getLogger(__name__)
AT_A_TIME = 8


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order came, or came again; `issue` tells each coming apart. `accepted`: somebody took it before."""

    order: OrderId
    ticket: TicketId
    network: NetworkCode
    circuit: str
    kind: OrderKind
    round: int
    description: str
    issue: str
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class StoodDown:
    """The order is no longer to be worked on, for whatever reason."""

    order: OrderId


News = Ordered | StoodDown


class Door(Protocol):
    """Both methods raise Unavailable while the center or the broker is away; the same may then be said again."""

    async def news(self) -> Sequence[News]:
        """What came since the last call; waits a while when nothing did."""

    async def say(self, order: OrderId, said: p.Progress, *, once: str) -> bool:
        """False: it was refused, because somebody else was first. `once` makes a repetition recognisable."""

    async def close(self) -> None: ...


class HttpDoor:
    """Each network looks at its live orders every `look_every_s`, in turn, with its own key.

    A few look at a time, evenly over that span: all 238 at once would keep everybody else waiting.
    """

    def __init__(
        self, client: CenterClient, keys: Mapping[NetworkCode, str], *, pace: Pace, look_every_s: float
    ) -> None:
        self._client = client
        self._keys = keys
        self._pace = pace
        self._look_every_s = look_every_s
        self._known: dict[NetworkCode, dict[OrderId, str]] = {code: {} for code in keys}
        self._codes = list(keys)
        self._next = 0

    async def news(self) -> Sequence[News]:
        few = self._codes[self._next : self._next + AT_A_TIME]
        if not await self._pace.wait_s(self._look_every_s * len(few) / len(self._codes)):
            return []
        self._next = self._next + AT_A_TIME if self._next + AT_A_TIME < len(self._codes) else 0
        found = await asyncio.gather(*map(self._look, few))
        return [piece for pieces in found for piece in pieces]

    async def say(self, order: OrderId, said: p.Progress, *, once: str) -> bool:
        network = NetworkCode(order.rsplit(".", 1)[1])
        path = f"/v1/orders/{order}/{p.VERB_OF[type(said)]}"
        answer = await self._client.post(path, self._keys[network], body_of(said), idempotency_key=once)
        if not answer.ok:
            log.info("order %s: %s", order, answer.body.get("detail", answer.status))
        return answer.ok

    async def close(self) -> None:
        return None

    async def _look(self, code: NetworkCode) -> Sequence[News]:
        before, now = self._known[code], dict[OrderId, str]()
        news: list[News] = []
        async for item in self._client.items(f"/v1/networks/{code}/orders", self._keys[code], state="live", limit=200):
            order = _ordered(item)
            now[order.order] = order.issue
            if before.get(order.order) != order.issue:
                news.append(order)
        self._known[code] = now
        return [*(StoodDown(order) for order in before if order not in now), *news]


def _ordered(item: dict[str, Any]) -> Ordered:
    return Ordered(
        order=OrderId(item["id"]), ticket=TicketId(item["ticket"]), network=NetworkCode(item["network"]),
        circuit=item["circuit"], kind=item["kind"], round=item["round"], description=item["description"],
        issue=item["issued_at"], accepted=item["state"] == "accepted",
    )  # fmt: skip


def body_of(said: p.Progress) -> dict[str, Any]:
    """As JSON, without what is not said."""
    fields: dict[str, Any] = orjson.loads(orjson.dumps(said, option=orjson.OPT_UTC_Z))
    return {name: value for name, value in fields.items() if value is not None}
