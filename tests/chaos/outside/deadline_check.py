"""Tickets whose deadlines come due within seconds, some of them worked on, and the verdict on what was told of them."""

import asyncio
import time
from contextlib import AsyncExitStack
from random import Random
from typing import Self

from tests.chaos.outside.client import Client, NoAnswer, Request, Routes
from tests.chaos.outside.due import came_due, judge, ms
from tests.chaos.outside.ledger import Credentials, Json, Ledger
from tests.chaos.outside.reporters import Circuit, Reporters
from tests.chaos.outside.verdict import Finding
from tests.chaos.outside.world import fetch_tickets

ACCEPTED, RESTORED = 0.5, 0.5
AT_LAST_S = 30.0
"""By then whatever was promised is over: what is not back yet is restored, else it would be told of for ever."""
SETTLES_WITHIN_S, LOOK_EVERY_S = 120.0, 1.0
AT_ONCE = 8


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class DeadlineCheck:
    """As a context manager the load runs until `conclude`. `patience_s`: about how long a network takes for a step."""

    def __init__(
        self, routes: Routes, credentials: Credentials, *, rate: float, rng: Random, patience_s: float
    ) -> None:
        self._credentials = credentials
        self._rng = rng
        self._patience_s = patience_s
        self._rate = rate
        self._stack = AsyncExitStack()
        self._stories: set[asyncio.Task[None]] = set()
        self.ledger = Ledger("d")
        self.client = Client(routes)
        self._reporters = Reporters(self.client, self.ledger, rate=rate, rng=rng, opened=self._opened)
        self.expected: list[int] = []
        """Instants (ms) at which the restoration of some ticket comes due in part or whole."""

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.client)
        self._stack.push_async_callback(self._abandon)
        self._stack.push_async_callback(self._reporters.abandon)
        circuits = [
            Circuit(found["id"], account, key)
            for account, key in self._credentials.accounts.items()
            for found in await self.client.items("/v1/circuits", key)
        ]
        self._rng.shuffle(circuits)
        self._reporters.start(circuits, workers=8)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _abandon(self) -> None:
        for task in self._stories:
            task.cancel()
        await asyncio.gather(*self._stories, return_exceptions=True)

    def _opened(self, ticket: str, circuit: Circuit) -> None:
        task = asyncio.create_task(self._story(ticket, circuit))
        self._stories.add(task)
        task.add_done_callback(self._stories.discard)

    async def _story(self, ticket: str, circuit: Circuit) -> None:
        """Its networks accept it soon, or not; one of them restores it soon, or at last; nobody ever confirms."""
        try:
            (report, *_) = await self.client.items(f"/v1/tickets/{ticket}/log", circuit.key)
            promised, began = report["data"]["terms"], ms(report["data"]["reported_at"])
            parts = (*promised["warn_percent"], 100)
            self.expected += [began + promised["restore_ms"] * percent // 100 for percent in parts]
            networks, soon = await self._ordered(ticket, circuit.key), self._rng.random() < ACCEPTED
            for network in networks if soon else ():
                await self._say(ticket, network, "accept")
            if not (soon and self._rng.random() < RESTORED):
                await asyncio.sleep(AT_LAST_S)
            for network in networks[:1]:
                await self._say(ticket, network, "accept")
                await self._say(ticket, network, "restore")
        except NoAnswer:
            return  # the client has written it down

    async def _ordered(self, ticket: str, key: str) -> list[str]:
        for _ in range(int(SETTLES_WITHIN_S / LOOK_EVERY_S)):
            found = await self.client.get(f"/v1/tickets/{ticket}", key)
            if found["orders"]:
                return [str(order["network"]) for order in found["orders"]]
            await asyncio.sleep(LOOK_EVERY_S)
        return []

    async def _say(self, ticket: str, network: str, verb: str) -> None:
        await asyncio.sleep(self._rng.uniform(0, 2 * self._patience_s))
        key = self._credentials.networks[network]
        await self.client.ask(Request("POST", f"/v1/orders/{ticket}.{network}/{verb}", key, {}))

    async def conclude(self, down: list[tuple[int, int]]) -> tuple[dict[str, int], list[Finding]]:
        """Ends the load, gives the center time to catch up, and judges; `down` are the times without any center."""
        await self._reporters.finish()
        await self._abandon()
        until, give_up_at = now_ms(), time.monotonic() + SETTLES_WITHIN_S
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            logs = await self._logs()
            findings = judge(logs, until)
            if not any(broken for _, broken in findings) or time.monotonic() > give_up_at:
                break
        findings.append(("parts not ready at the end", await self.client.troubles()))
        findings.append(("defects answered", self.client.defects))
        due = came_due(logs, until)
        entries = [entry for log in logs.values() for entry in log if entry["actor"] == "system:clock"]
        counts = {
            "tickets": len(logs),
            "deadlines that came due": len(due),
            "of them while nothing ran": sum(any(start <= at <= end for start, end in down) for at in due),
            "entries by the clock": len(entries),
        }
        return counts, findings

    async def _logs(self) -> dict[str, list[Json]]:
        tickets = await fetch_tickets(self.client, self._credentials.operator)
        places = asyncio.Semaphore(AT_ONCE)

        async def log(ticket: str) -> tuple[str, list[Json]]:
            async with places:
                return ticket, await self.client.items(f"/v1/tickets/{ticket}/log", self._credentials.operator)

        found = dict(await asyncio.gather(*map(log, tickets)))
        reopened = "ticket.reopened"  # by a further report of somebody: another story
        return {id: log for id, log in found.items() if all(entry["type"] != reopened for entry in log)}
