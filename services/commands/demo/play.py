"""Runs a demonstration: the simulated people, and an operator's live stream that shows what they do."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Iterator
from pathlib import Path

import click
import httpx

from services.commands.credentials import Credentials, read_credentials
from services.commands.demo.board import Board
from services.commands.demo.view import View
from services.commands.itself import itself
from services.commands.stream import StreamRefused, follow
from shared.contracts.vocabulary import Lang
from shared.errors import Unavailable
from shared.testing.simulation import Manner, Simulation

SETTLES_S = 0.3
"""The last facts are still on their way when the last person is done."""


def run(url: str, credentials: Path, *, manner: Manner, lang: Lang) -> None:
    """Ends the command with a message when the center does not answer."""
    keys = read_credentials(credentials)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    _require_running(url)
    try:
        asyncio.run(_demo(url, keys, manner=manner, lang=lang))
    except (Unavailable, StreamRefused) as error:
        raise click.ClickException(str(error)) from None


async def _demo(url: str, keys: Credentials, *, manner: Manner, lang: Lang) -> None:
    simulation = Simulation(url, keys.accounts, keys.networks, manner=manner)
    with View(Board(), speed=manner.speed, lang=lang) as view, _stops(simulation):
        showing = asyncio.create_task(_show(view, url, key=keys.operator))
        showing.add_done_callback(lambda _: simulation.stop())
        try:
            await simulation.run()
            await asyncio.wait([showing], timeout=SETTLES_S)
        finally:
            showing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await showing


async def _show(view: View, url: str, *, key: str) -> None:
    async with contextlib.aclosing(follow(url, "/v1/stream", key=key)) as facts:
        async for fact in facts:
            view.show(fact)


@contextlib.contextmanager
def _stops(simulation: Simulation) -> Iterator[None]:
    """Ctrl-C lets everybody finish what they are saying."""
    loop, numbers = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, simulation.stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


def _require_running(url: str) -> None:
    try:
        httpx.get(f"{url}/healthz", timeout=5.0, trust_env=False)
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise click.ClickException(
            f"No center answers at {url} ({type(error).__name__}); start one: {itself('up', '--demo')}"
        ) from None
