"""The simulated people inside `vrc up --demo --demo-rate N`: the same ones, over HTTP loopback."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import click

from shared.settings import Settings

log = logging.getLogger(__name__)
ANY_ADDRESS = ("0.0.0.0", "::", "")


@asynccontextmanager
async def simulated(settings: Settings, port: int, credentials: Path | None) -> AsyncIterator[None]:
    """While the block runs; nothing without a rate or without demonstration credentials."""
    if not settings.demo_rate or credentials is None:
        yield
        return
    from services.commands.credentials import read_credentials
    from shared.testing.simulation import Manner, Simulation

    logging.getLogger("httpx").setLevel(logging.WARNING)
    keys = read_credentials(credentials)
    host = "127.0.0.1" if settings.host in ANY_ADDRESS else settings.host
    manner = Manner(rate=settings.demo_rate)
    people = Simulation(f"http://{host}:{port}", keys.accounts, keys.networks, manner=manner)
    click.echo(
        f"Simulated key accounts report {settings.demo_rate:g} faults a minute; simulated local networks repair them."
    )
    task = asyncio.create_task(people.run(), name="simulation")
    task.add_done_callback(_ended)
    try:
        yield
    finally:
        people.stop()
        await asyncio.gather(task, return_exceptions=True)


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()):
        log.error("the simulation ended: %s", error)
