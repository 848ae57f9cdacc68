"""Simulated key accounts: they report faults at a chosen rate, repeat themselves, add notes, and judge the repair.

They speak only through the center's HTTP door, each account with its own key, by a seeded script.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from datetime import timedelta
from itertools import count
from random import Random
from typing import Any

from shared.contracts.facts import Impact
from shared.errors import Unavailable
from shared.testing.client import Answer, CenterClient
from shared.testing.pace import Pace

log = logging.getLogger(__name__)
OURS = "demo-"
"""How the references of simulated reports begin: a ticket of anybody else's is not ours to confirm."""
IMPACTS: Mapping[Impact, Sequence[str]] = {
    "down": ("No light at either end", "Both routers have lost the line", "No traffic since the last storm"),
    "degraded": ("Every tenth packet is lost", "Half of the bandwidth is missing"),
    "intermittent": ("The line drops for a minute, again and again", "Errors in bursts"),
}
NOTES = ("The branch opens at 8, please come before", "We have rebooted our router, no change", "The guard has the key")
SOMETIMES, SELDOM = 0.15, 0.06
TRY_AGAIN_S = 0.5

Circuit = Mapping[str, Any]


class Customers:
    """`keys` by account. `most`: how many faults there are in all; None: without end."""

    def __init__(
        self,
        client: CenterClient,
        keys: Mapping[str, str],
        *,
        circuits: Sequence[Circuit],
        pace: Pace,
        rate_per_minute: float,
        look_every_s: float,
        most: int | None = None,
        seed: int = 0,
    ) -> None:
        self._client = client
        self._keys = keys
        self._circuits = [c for c in circuits if c["account"] in keys]
        self._pace = pace
        self._every_s = 60 / rate_per_minute
        self._look_every_s = look_every_s
        self._most = most
        self._rng = Random(f"customers/{seed}")
        self._run = secrets.token_hex(4)
        self._numbers = count(1)
        self._open: dict[str, Circuit] = {}
        self._judging: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.did: Counter[str] = Counter()

    @property
    def opened(self) -> int:
        """Tickets that these customers' reports opened."""
        return self.did["opened"]

    async def run(self) -> None:
        """Until the pace is stopped, or `most` faults were reported and all their tickets are over."""
        looking = asyncio.create_task(self._look_again_and_again())
        while (self._most is None or self.opened < self._most) and not self._pace.stopped:
            await self._patiently(self._report())
            await self._pace.wait_s(self._rng.expovariate(1 / self._every_s))
        await looking
        await asyncio.gather(*self._tasks)

    async def _report(self) -> None:
        """One report; now and then the same once more, as a client does that got no answer."""
        suffering = list(self._open.values())
        circuit = self._rng.choice(suffering if suffering and self._rng.random() < SELDOM else self._circuits)
        impact = self._rng.choices(list(IMPACTS), (5, 3, 2))[0]
        number = f"{OURS}{self._run}-{next(self._numbers)}"
        body = {
            "circuit": circuit["id"], "impact": impact, "description": self._rng.choice(IMPACTS[impact]),
            "reference": number, "contact": {"name": f"engineer on duty, {circuit['account']}"},
        }  # fmt: skip
        for _ in range(2 if self._rng.random() < SELDOM else 1):
            self._reported(await self._post(circuit["account"], "/v1/faults", body, once=number), circuit)

    def _reported(self, answer: Answer, circuit: Circuit) -> None:
        if not answer.ok:
            self.did["refused"] += 1
            log.warning("a report was refused: %s", answer.body.get("detail", answer.status))
            return
        self.did["repeated" if answer.replayed else "opened" if answer.status == 201 else "joined"] += 1
        ticket = answer.body["id"]
        if answer.status == 201:  # what a report joined may be somebody else's ticket, and never end
            self._open[ticket] = circuit
        if not answer.replayed and self._rng.random() < SOMETIMES:
            self._start(self._add_note(ticket, circuit["account"]))

    async def _add_note(self, ticket: str, account: str) -> None:
        if await self._pace.wait(timedelta(minutes=self._rng.uniform(5, 60))):
            body = {"text": self._rng.choice(NOTES)}
            if (await self._post(account, f"/v1/tickets/{ticket}/notes", body, once=f"{ticket}-note")).ok:
                self.did["noted"] += 1

    async def _look_again_and_again(self) -> None:
        """At every account's open tickets: what is resolved wants a judgement, what is gone is over."""
        while await self._pace.wait_s(self._look_every_s):
            await self._patiently(self._look())
            if self._most is not None and self.opened >= self._most and not self._open:
                return

    async def _look(self) -> None:
        await asyncio.gather(*map(self._look_at, self._keys))

    async def _look_at(self, account: str) -> None:
        before = [id for id, circuit in self._open.items() if circuit["account"] == account]
        items = self._client.items("/v1/tickets", self._keys[account], state="open", limit=200)
        now = {ticket["id"]: ticket async for ticket in items}
        for id in before:
            if id not in now:
                self._open.pop(id, None)
        for ticket in now.values():
            if ticket["status"] == "resolved" and ticket["id"] not in self._judging and _is_ours(ticket):
                self._judging.add(ticket["id"])
                self._start(self._judge(ticket))

    async def _judge(self, ticket: Mapping[str, Any]) -> None:
        """Most say that the service is back; some have to say it of the second repair."""
        id, account = ticket["id"], ticket["account"]
        try:
            if not await self._pace.wait(timedelta(minutes=self._rng.uniform(2, 20))):
                return
            verb = "reopen" if ticket["reopened"] == 0 and self._rng.random() < SOMETIMES else "confirm"
            once = f"{id}-{verb}-{ticket['reopened']}-{self._run}"
            answer = await self._post(account, f"/v1/tickets/{id}/{verb}", {}, once=once)
            self.did[f"{verb}ed" if answer.ok else "too late"] += 1
        finally:
            self._judging.discard(id)

    async def _post(self, account: str, path: str, body: dict[str, Any], *, once: str) -> Answer:
        return await self._client.post(path, self._keys[account], body, idempotency_key=once)

    def _start(self, work: Awaitable[None]) -> None:
        task = asyncio.create_task(self._patiently(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _patiently(self, work: Awaitable[None]) -> None:
        """A center that is away for long is not asked about this any more."""
        try:
            await work
        except Unavailable as error:
            log.info("the customers get no answer: %s", error)
            await self._pace.wait_s(TRY_AGAIN_S)


def _is_ours(ticket: Mapping[str, Any]) -> bool:
    return str(ticket["reference"] or "").startswith(OURS)
