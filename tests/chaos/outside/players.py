"""Local networks' centers, customers and the NOC, for some of the tickets: each ticket one story.

Other people act on the same tickets at the same time, so a step that has become impossible (409) ends a story quietly;
whatever else but 200 is a broken promise.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from random import Random

from tests.chaos.outside.client import Client, NoAnswer, Request
from tests.chaos.outside.ledger import Credentials, Json, Ledger
from tests.chaos.outside.pause import pause
from tests.chaos.outside.reporters import Circuit
from tests.chaos.outside.voice import NAMES, Unheard, Voice

LOOK_EVERY_S = 0.25
PATIENCE_S = 120.0
LONGEST_THOUGHT_S = 0.5
OVER_KAFKA = 0.4


class Over(Exception):
    """Nothing more can be played on this ticket."""


@dataclass(frozen=True, slots=True)
class Stage:
    """What all stories share. With a `voice`, networks also speak over Kafka; `hurry`: without pauses from now on."""

    client: Client
    ledger: Ledger
    credentials: Credentials
    voice: Voice | None = None
    hurry: asyncio.Event = field(default_factory=asyncio.Event)


class Players:
    """`share` of the tickets are played, `most` at once."""

    def __init__(self, stage: Stage, *, rng: Random, share: float, most: int = 48) -> None:
        self._stage = stage
        self._rng = rng
        self._share = share
        self._most = most
        self._stories: set[asyncio.Task[None]] = set()

    def opened(self, ticket: str, circuit: Circuit) -> None:
        if self._rng.random() > self._share or len(self._stories) >= self._most:
            return
        story = Story(self._stage, Random(self._rng.random()), ticket=ticket, customer=circuit.key)
        task = asyncio.create_task(story.play())
        self._stories.add(task)
        task.add_done_callback(self._stories.discard)

    async def finish(self) -> None:
        """Stories under way are played to their end."""
        self._stage.hurry.set()
        await asyncio.gather(*self._stories)

    async def abandon(self) -> None:
        for task in self._stories:
            task.cancel()
        await asyncio.gather(*self._stories, return_exceptions=True)


class Story:
    """One ticket's; `customer` is the API key that reported it."""

    def __init__(self, stage: Stage, rng: Random, *, ticket: str, customer: str) -> None:
        self._client = stage.client
        self._ledger = stage.ledger
        self._credentials = stage.credentials
        self._voice = stage.voice
        self._hurry = stage.hurry
        self._rng = rng
        self._ticket = ticket
        self._customer = customer

    async def play(self) -> None:
        stories: list[Callable[[], Awaitable[None]]] = [
            self._repaired, self._reopened, self._cancelled, self._handed_over, self._declined,
        ]  # fmt: skip
        try:
            await self._rng.choices(stories, weights=[50, 15, 10, 15, 10])[0]()
        except (Over, NoAnswer, Unheard):
            return

    async def _repaired(self) -> None:
        first, *others = await self._ordered()
        for network in (first, *others):
            await self._say(network, "accept", "engineer")
        await self._say(first, "progress", "note", stage="on_site")
        await self._command("notes", "text")
        await self._say(self._rng.choice((first, *others)), "restore", "remedy", cause="fibre")
        await self._command("confirm", "comment")

    async def _reopened(self) -> None:
        first, *_ = await self._ordered()
        await self._say(first, "accept", "engineer")
        await self._say(first, "restore", "remedy")
        await self._command("reopen", "reason")
        await self._until(lambda t: any(o["network"] == first and o["state"] == "issued" for o in t["orders"]))
        await self._say(first, "accept", "engineer")
        await self._say(first, "restore", "remedy")
        await self._command("confirm", "comment")

    async def _cancelled(self) -> None:
        if self._rng.random() < 0.5:
            await self._ordered()
        await self._command("cancel", "reason")

    async def _handed_over(self) -> None:
        first, *others = await self._ordered()
        to = self._another([first, *others])
        await self._say(first, "accept", "engineer")
        await self._say(first, "hand-over", "reason", to=to)
        await self._say(to, "accept", "engineer")
        await self._say(to, "restore", "remedy")
        await self._command("confirm", "comment")

    async def _declined(self) -> None:
        declining = await self._ordered()
        for network in declining:
            await self._say(network, "decline", "note", reason="no_resources")
        network = self._another(declining)
        by_hand: Json = {"networks": [network]}
        await self._post(f"/v1/tickets/{self._ticket}/route", self._credentials.operator, by_hand, "reason")
        await self._say(network, "accept", "engineer")
        await self._say(network, "restore", "remedy")
        await self._command("confirm", "comment")

    def _another(self, than: Collection[str]) -> str:
        """So that whoever is ordered twice in one round was ordered by mistake."""
        return self._rng.choice([code for code in self._credentials.networks if code not in than])

    async def _ordered(self) -> list[str]:
        """The networks with an order, in an order of chance, as soon as there are any."""
        ticket = await self._until(lambda t: bool(t["orders"]))
        networks = [str(order["network"]) for order in ticket["orders"]]
        self._rng.shuffle(networks)
        return networks

    async def _until(self, holds: Callable[[Json], bool]) -> Json:
        """Gives up on a ticket that is over, and after two minutes: the verdict will say what is wrong with it."""
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + PATIENCE_S
        while loop.time() < give_up_at:
            ticket = await self._client.get(f"/v1/tickets/{self._ticket}", self._customer)
            if holds(ticket):
                return ticket
            if ticket["status"] in ("closed", "cancelled", "rejected"):
                break
            await asyncio.sleep(LOOK_EVERY_S)
        raise Over

    async def _say(self, network: str, verb: str, marked: str, **said: str) -> None:
        if self._voice is not None and verb in NAMES and self._rng.random() < OVER_KAFKA:
            await self._say_over_kafka(self._voice, network, verb, marked, **said)
            return
        await self._post(
            f"/v1/orders/{self._ticket}.{network}/{verb}", self._credentials.networks[network], said, marked
        )

    async def _say_over_kafka(self, voice: Voice, network: str, verb: str, marked: str, **said: str) -> None:
        """Returns when the message has taken effect: there is no other answer."""
        before = await self._until(lambda _: True)
        marker = self._ledger.new_marker()
        await voice.say(network, f"{self._ticket}.{network}", verb, {**said, marked: marker}, id=marker)
        self._ledger.said[marker] = self._ticket
        await self._until(lambda ticket: _order(ticket, network) != _order(before, network))

    async def _command(self, verb: str, marked: str) -> None:
        await self._post(f"/v1/tickets/{self._ticket}/{verb}", self._customer, {}, marked)

    async def _post(self, path: str, key: str, body: Json, marked: str) -> None:
        """`marked` is the body's field that carries the marker into the log."""
        await pause(self._rng.uniform(0, LONGEST_THOUGHT_S), unless=self._hurry)
        marker = self._ledger.new_marker()
        answer = await self._client.ask(Request("POST", path, key, {**body, marked: marker}, marker=marker))
        if answer.status == 409:
            self._ledger.refuse(marker)
            raise Over
        if answer.status != 200:
            self._ledger.broken["refused requests"].append(f"{path}: {answer.status} {answer.body[:200]!r}")
            raise Over
        self._ledger.acknowledge(marker, self._ticket)


def _order(ticket: Json, network: str) -> Json | None:
    return next((order for order in ticket["orders"] if order["network"] == network), None)
