"""Plays a whole history: in order within an incident, many incidents side by side."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import click
import orjson

from services.commands.credentials import Credentials, read_credentials
from services.commands.files import write
from services.commands.replay.history import History, Incident, Row, read_history
from services.commands.replay.player import FOREIGN, Player
from services.commands.replay.report import Bar, show
from services.commands.replay.tally import Ended, Tally
from shared.errors import Unavailable
from shared.testing.client import CenterClient

Circuit = Mapping[str, Any]
Part = tuple[Incident, Circuit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """`speed` 0: as fast as it goes, `at_once` incidents side by side. `name`: see Player."""

    speed: float = 0.0
    at_once: int = 16
    historic: bool = False
    name: str = "1"


class Stopped(Exception):
    """Somebody asked the replay to stop."""


def run(file: Path, *, url: str, credentials: Path, manner: Manner, out: Path | None) -> None:
    """Ends the command with a message when the replay did not come to its end."""
    keys = read_credentials(credentials)
    try:
        history = read_history(file)
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    tally = Tally()
    try:
        ended = asyncio.run(_run(history, keys, url=url, manner=manner, tally=tally))
    except (Unavailable, Stopped) as error:
        show(tally)
        raise click.ClickException(f"{error} Run the same command again to go on from here.") from None
    show(tally)
    if out:
        write(out, lines(ended))


async def _run(history: History, keys: Credentials, *, url: str, manner: Manner, tally: Tally) -> Sequence[Ended]:
    async with CenterClient(url, at_once=max(manner.at_once, 16)) as client, _stop_on_signals(client) as stop:
        bar = asyncio.create_task(Bar(tally, history.rows).run())
        try:
            return await replay(history, keys, client=client, manner=manner, tally=tally, stop=stop)
        finally:
            bar.cancel()
            await asyncio.gather(bar, return_exceptions=True)


async def replay(
    history: History, keys: Credentials, *, client: CenterClient, manner: Manner, tally: Tally, stop: asyncio.Event
) -> Sequence[Ended]:
    """How each incident's ticket ended. Raises Unavailable, Stopped."""
    tally.rows = history.rows
    tally.unmapped.update(history.unreadable)
    taken = await _open_tickets(client, keys)
    parts = _assigned(history, await _circuits(client, keys), taken=taken, tally=tally)
    player = Player(client, keys, history=history, tally=tally, run=manner.name, historic=manner.historic)
    schedule = _Schedule(history, manner.speed, stop)
    waiting = iter(parts)
    ended: list[Ended] = []

    async def play() -> None:
        for incident, circuit in waiting:
            if end := await player.play(incident, circuit, schedule.due):
                ended.append(end)

    side_by_side = len(parts) if manner.speed else min(manner.at_once, len(parts))
    await _all([asyncio.create_task(play()) for _ in range(side_by_side)], stop)
    return sorted(ended, key=lambda e: e.incident)


async def _all(playing: Sequence[asyncio.Task[None]], stop: asyncio.Event) -> None:
    """Nobody is cancelled: the first that fails stops the others at their next row."""
    if playing:
        await asyncio.wait(playing, return_when=asyncio.FIRST_EXCEPTION)
    stop.set()
    outcomes = await asyncio.gather(*playing, return_exceptions=True)
    troubles = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if troubles:
        raise min(troubles, key=lambda trouble: isinstance(trouble, Stopped))


def lines(ended: Sequence[Ended]) -> bytes:
    return b"".join(orjson.dumps(e.line()) + b"\n" for e in ended)


async def _circuits(client: CenterClient, keys: Credentials) -> Sequence[Circuit]:
    """All circuits in an order that scatters them over the country and is the same everywhere."""
    found = [circuit async for circuit in client.items("/v1/circuits", keys.operator, limit=200)]
    return sorted(found, key=lambda c: sha256(c["id"].encode()).digest())


async def _open_tickets(client: CenterClient, keys: Credentials) -> Mapping[str, str | None]:
    """Circuit → the reference of its open ticket: a report there would join it."""
    found = client.items("/v1/tickets", keys.operator, state="open", limit=200)
    return {ticket["circuit"]: ticket["reference"] async for ticket in found}


def _assigned(
    history: History, circuits: Sequence[Circuit], *, taken: Mapping[str, str | None], tally: Tally
) -> Sequence[Part]:
    """Each incident with a circuit of its own, in order of its number; what finds none is counted."""
    numbers = sorted(incident.number for incident in history.incidents)
    circuit_of = dict(zip(numbers, circuits, strict=False))
    parts = []
    for incident in history.incidents:
        circuit = circuit_of.get(incident.number)
        if circuit is None:
            tally.unmapped["there are more incidents than circuits"] += len(incident.rows)
        elif taken.get(circuit["id"], incident.number) != incident.number:
            tally.unmapped[FOREIGN] += len(incident.rows)
        else:
            parts.append((incident, circuit))
    return parts


class _Schedule:
    """When a row's turn has come: at its own distance from the first row, `speed` times faster."""

    def __init__(self, history: History, speed: float, stop: asyncio.Event) -> None:
        self._speed = speed
        self._stop = stop
        self._first = history.incidents[0].rows[0].at if history.incidents else None
        self._began = asyncio.get_running_loop().time()

    async def due(self, row: Row) -> None:
        if self._speed and self._first:
            after_s = (row.at - self._first).total_seconds() / self._speed
            await _until(self._stop, self._began + after_s - asyncio.get_running_loop().time())
        if self._stop.is_set():
            raise Stopped("Stopped.")


async def _until(stop: asyncio.Event, pause_s: float) -> None:
    if pause_s <= 0:
        return
    try:
        async with asyncio.timeout(pause_s):
            await stop.wait()
    except TimeoutError:
        return


@asynccontextmanager
async def _stop_on_signals(client: CenterClient) -> AsyncIterator[asyncio.Event]:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def ask() -> None:
        stop.set()
        client.give_up()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ask)
    yield stop
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.remove_signal_handler(number)
