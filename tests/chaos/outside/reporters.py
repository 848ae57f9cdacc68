"""Key accounts that report faults at a steady rate, each worker on circuits of its own.

Now and then two systems of one account report the same outage at once, the same circuit is reported again, or an
acknowledged report is repeated with its key, which must get the same answer to the byte.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.chaos.outside.client import Answer, Client, NoAnswer, Request
from tests.chaos.outside.ledger import Json, Ledger
from tests.chaos.outside.pause import pause

REPEATED, TWICE_AT_ONCE, AGAIN = 0.06, 0.06, 0.2
KEPT = 200  # reports a worker may repeat


@dataclass(frozen=True, slots=True)
class Circuit:
    id: str
    account: str
    key: str
    """An API key that may report on it."""


class Reporters:
    """`opened` is called with the ticket and the account of each report that opened a ticket."""

    def __init__(
        self, client: Client, ledger: Ledger, *, rate: float, rng: Random, opened: Callable[[str, Circuit], None]
    ) -> None:
        self._client = client
        self._ledger = ledger
        self._rate = rate
        self._rng = rng
        self._opened = opened
        self._hurry = asyncio.Event()
        self._stopping = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, circuits: Sequence[Circuit], *, workers: int) -> None:
        for n in range(workers):
            rng = Random(self._rng.random())
            self._tasks.append(asyncio.create_task(self._work(rng, circuits[n::workers], workers / self._rate)))

    def hurry(self) -> None:
        """Everybody reports now."""
        self._hurry.set()
        self._hurry = asyncio.Event()

    async def finish(self) -> None:
        """What was begun is tried until it is answered."""
        self._stopping = True
        self._hurry.set()
        await asyncio.gather(*self._tasks)

    async def abandon(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _work(self, rng: Random, circuits: Sequence[Circuit], every_s: float) -> None:
        kept: list[tuple[Request, Answer]] = []
        circuit = rng.choice(circuits)
        while True:
            await pause(rng.uniform(0, 2 * every_s), unless=self._hurry)
            if self._stopping:
                return
            if rng.random() > AGAIN:
                circuit = rng.choice(circuits)
            try:
                await self._one(rng, circuit, kept)
            except NoAnswer:
                continue  # the client has written it down

    async def _one(self, rng: Random, circuit: Circuit, kept: list[tuple[Request, Answer]]) -> None:
        dice = rng.random()
        if dice < REPEATED and kept:
            await self._repeat(*rng.choice(kept))
        elif dice < REPEATED + TWICE_AT_ONCE:
            kept += await asyncio.gather(self._report(rng, circuit), self._report(rng, circuit))
        else:
            kept.append(await self._report(rng, circuit))
        del kept[:-KEPT]

    async def _report(self, rng: Random, circuit: Circuit) -> tuple[Request, Answer]:
        marker = self._ledger.new_marker()
        body: Json = {
            "circuit": circuit.id,
            "impact": rng.choice(("down", "degraded", "intermittent")),
            "description": f"光路中断 No light, report {marker}",
            "reference": marker,
        }
        request = Request("POST", "/v1/faults", circuit.key, body, marker=marker)
        answer = await self._client.ask(request)
        if answer.status not in (200, 201):
            self._ledger.broken["refused requests"].append(f"{marker}: {answer.status} {answer.body[:200]!r}")
            return request, answer
        ticket = str(answer.json["id"])
        self._ledger.acknowledge(marker, ticket)
        self._ledger.reports += 1
        if answer.status == 201:
            self._opened(ticket, circuit)
        return request, answer

    async def _repeat(self, request: Request, before: Answer) -> None:
        again = await self._client.ask(request)
        self._ledger.repeated += 1
        if (again.status, again.body) != (before.status, before.body) or not again.replayed:
            self._ledger.broken["changed answers"].append(
                f"{request.marker}: {before.status} {before.body[:60]!r}, then {again.status} {again.body[:60]!r}"
            )
