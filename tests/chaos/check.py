"""Load, receivers and verdict from outside a running center: it imports no product code, and a test sees to that.

Also a program of its own, for a center that somebody else runs, and kills:

    python -m tests.chaos.check --url http://127.0.0.1:8080 --credentials var/demo-credentials.json --seconds 60
"""

import argparse
import asyncio
import json
import secrets
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Self

from tests.chaos.outside.client import Client, Request, Routes
from tests.chaos.outside.ledger import Credentials, Json, Ledger
from tests.chaos.outside.pause import pause
from tests.chaos.outside.players import Players, Stage
from tests.chaos.outside.receiver import Receiver
from tests.chaos.outside.reporters import Circuit, Reporters
from tests.chaos.outside.topics import published
from tests.chaos.outside.verdict import Evidence, Finding, judge
from tests.chaos.outside.voice import Voice
from tests.chaos.outside.world import World, fetch, fetch_tickets, undispatched, unheard

REST_WITHIN_S = 180.0
LOOK_EVERY_S = 0.5
EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Verdict:
    counts: Mapping[str, int]
    findings: list[Finding]

    @property
    def kept(self) -> bool:
        return not any(broken for _, broken in self.findings)

    def table(self, name: str) -> str:
        """What there was, then a line a promise, with some examples where it was broken."""
        lines = [name, *(f"  {count:6,}  {what}" for what, count in self.counts.items()), "  broken promises:"]
        for promise, broken in self.findings:
            lines.append(f"  {len(broken):6,}  {promise}")
            lines += [f"            {example}" for example in broken[:EXAMPLES]]
        return "\n".join([*lines, f"  {'all promises kept' if self.kept else 'PROMISES BROKEN'}"])


class Check:
    """As a context manager: the load runs from its beginning until `conclude`. `rate` is reports a second."""

    def __init__(
        self,
        routes: Routes,
        credentials: Credentials,
        *,
        rate: float,
        rng: Random,
        workers: int = 16,
        share_played: float = 0.5,
        kafka: str | None = None,
    ) -> None:
        self._credentials = credentials
        self._workers = workers
        self._kafka = kafka
        self._stack = AsyncExitStack()
        self.ledger = Ledger(f"m{secrets.token_hex(3)}")
        self.client = Client(routes)
        self.receiver = Receiver(rng)
        self._voice = Voice(kafka, rng) if kafka is not None else None
        stage = Stage(self.client, self.ledger, credentials, self._voice)
        self._players = Players(stage, rng=rng, share=share_played)
        self._reporters = Reporters(self.client, self.ledger, rate=rate, rng=rng, opened=self._players.opened)

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.client)
        await self._stack.enter_async_context(self.receiver)
        if self._voice is not None:
            self._stack.push_async_callback(self._voice.close)
        self._stack.push_async_callback(self._players.abandon)
        self._stack.push_async_callback(self._reporters.abandon)
        try:
            await self._begin()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _begin(self) -> None:
        circuits = [circuit for account in self._credentials.accounts for circuit in await self._circuits_of(account)]
        for account, key in self._credentials.accounts.items():
            await self._subscribe(account, key)
        self._reporters.start(circuits, workers=self._workers)

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def hurry(self) -> None:
        """A burst: every worker reports now."""
        self._reporters.hurry()

    async def conclude(self) -> Verdict:
        """Ends the load, waits until the center has come to rest (three minutes at the most), and judges."""
        await self._reporters.finish()
        await self._players.finish()
        self.receiver.behaves = True
        await self._rest()
        await self._require_ready()
        world = await self._still()
        return Verdict(self._counts(world), judge(self._evidence(world)))

    async def _circuits_of(self, account: str) -> list[Circuit]:
        """Half of them are reported on by the desk, with the operator's key."""
        keys = (self._credentials.accounts[account], self._credentials.operator)
        found = await self.client.items("/v1/circuits", keys[0])
        return [Circuit(circuit["id"], account, keys[n % 2]) for n, circuit in enumerate(found)]

    async def _subscribe(self, account: str, key: str) -> None:
        request = Request("POST", "/v1/subscriptions", key, {"url": self.receiver.url(account)})
        answer = await self.client.ask(request)
        if answer.status != 201:
            raise RuntimeError(f"no subscription for {account}: {answer.status} {answer.body[:300]!r}")
        self.receiver.expect(account, answer.json["secret"])

    async def _rest(self) -> None:
        """Returns when nothing is owed to anybody, or when waiting for it has been long enough."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + REST_WITHIN_S
        before = -1
        while loop.time() < give_up_at:
            tickets = (await fetch_tickets(self.client, self._credentials.operator)).values()
            owed = undispatched(tickets) or unheard(tickets, self.receiver.taken)
            entries = sum(ticket["seq"] for ticket in tickets)
            if not owed and entries == before:
                return
            before = entries
            await asyncio.sleep(LOOK_EVERY_S)

    async def _still(self) -> World:
        """The world in which nothing happened while it was looked at: in a long run a deadline may pass meanwhile."""
        give_up_at = asyncio.get_running_loop().time() + REST_WITHIN_S
        while True:
            world = await fetch(self.client, self._credentials)
            if self._kafka is not None:
                found = await published(self._kafka)
                world.topics, world.told_refused = dict(found.ids), found.refused
            after = await fetch_tickets(self.client, self._credentials.operator)
            if _seqs(after) == _seqs(world.tickets) or asyncio.get_running_loop().time() > give_up_at:
                return world
            await self._rest()

    async def _require_ready(self) -> None:
        for trouble in await self.client.troubles():
            self.ledger.broken["parts not ready at the end"].append(trouble)

    def _evidence(self, world: World) -> Evidence:
        seen = {**self.ledger.broken, **self.receiver.broken, "defects answered": self.client.defects}
        return Evidence(world, self.ledger, self.receiver.heard, seen, self.receiver.taken)

    def _counts(self, world: World) -> Mapping[str, int]:
        return {
            "reports acknowledged": self.ledger.reports,
            "repeated with their key": self.ledger.repeated,
            "steps acknowledged": len(self.ledger.acknowledged) - self.ledger.reports,
            "steps said over Kafka": len(self.ledger.said),
            "refused (409)": len(self.ledger.refused),
            "tries without an answer": self.client.retries,
            "tickets": len(world.tickets),
            "orders": sum(map(len, world.orders.values())),
            "log entries": sum(map(len, world.logs.values())),
            "webhooks arrived": self.receiver.arrived,
            "of them failed on purpose": self.receiver.failed,
            "cut off by a kill": self.receiver.cut_off,
        }


def _seqs(tickets: Mapping[str, Json]) -> Mapping[str, int]:
    return {id: ticket["seq"] for id, ticket in tickets.items()}


def read_credentials(path: Path) -> Credentials:
    found = json.loads(path.read_text(encoding="utf-8"))
    return Credentials(found["operator"], found["accounts"], found["networks"])


async def watch(arguments: argparse.Namespace) -> Verdict:
    routes, credentials = Routes.all_at(arguments.url), read_credentials(arguments.credentials)
    rng = Random(arguments.seed)
    async with Check(routes, credentials, rate=arguments.rate, rng=rng, kafka=arguments.kafka) as check:
        await pause(arguments.seconds, unless=asyncio.Event())
        return await check.conclude()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--credentials", type=Path, default=Path("var/demo-credentials.json"))
    parser.add_argument("--kafka", help="bootstrap servers, where there are some")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=float, default=20.0, help="reports a second")
    parser.add_argument("--seed", type=int)
    verdict = asyncio.run(watch(parser.parse_args()))
    print(verdict.table("verdict"))
    sys.exit(not verdict.kept)


if __name__ == "__main__":
    main()
