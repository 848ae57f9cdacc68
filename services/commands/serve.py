"""`vrc up`, `vrc intake`, `vrc dispatcher`, `vrc notifier`: run the center, or one service of it."""

import asyncio
import json
import resource
import secrets
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from services.commands.demo.beside import simulated
from services.commands.itself import itself
from services.commands.options import settings_from, settings_options
from services.demo_data import CREDENTIALS
from services.run import ALL, BadSettings, Center, ServiceName, center, settle
from shared.db.sqlite import AlreadyRunning
from shared.errors import CenterError
from shared.ids import AccountId
from shared.registry import reading
from shared.settings import Settings

LOOPBACK = ("127.0.0.0/8", "::1/128")


def add_to(group: click.Group) -> None:
    @group.command()
    @settings_options
    def up(config: Path | None, **flags: Any) -> None:
        """Run all services in one process; embedded unless PostgreSQL and Kafka are set."""
        settings = settings_from(config, flags)
        if settings.embedded:
            settings = _for_one_machine(settings)
        _prepare(settings)
        _run(settings, ALL)

    for name in ALL:
        group.add_command(_service_command(name))


def _service_command(name: ServiceName) -> click.Command:
    @click.command(name, help=f"Run the {name} as a process of its own (PostgreSQL and Kafka).")
    @settings_options
    def run(config: Path | None, **flags: Any) -> None:
        settings = settings_from(config, flags)
        if settings.embedded:
            raise click.ClickException(
                f"vrc {name} shares its work with other processes, which needs PostgreSQL and Kafka: "
                f"set database and kafka, or run everything embedded with {itself('up')}."
            )
        _run(settings, (name,))

    return run


def _for_one_machine(settings: Settings) -> Settings:
    """The embedded center listens on loopback, so webhooks may go there too, unless settings say otherwise."""
    if "webhook_networks" in settings.model_fields_set:
        return settings
    return Settings.model_validate({**settings.model_dump(), "webhook_networks": LOOPBACK, "webhook_http": True})


def _prepare(settings: Settings) -> None:
    """In a process of its own: what migrating and loading take would stay in this one's memory."""
    command = [sys.executable, "-m", "services.commands.prepare"]
    if subprocess.run(command, check=False, input=settings.model_dump_json().encode()).returncode:
        raise click.ClickException("The center could not be prepared; see above.")


def _run(settings: Settings, services: Collection[ServiceName]) -> None:
    import uvloop

    sys.modules["pydantic.v1"] = None  # type: ignore[assignment]  # not used; FastAPI loads 2 MiB to find that out
    _allow_many_connections()
    try:
        uvloop.run(_serve(settings, services))
    except asyncio.CancelledError:
        click.echo("Stopped before it had started.")
    except (BadSettings, AlreadyRunning, CenterError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _allow_many_connections() -> None:
    """As many open files as the system lets this process have: 1,024, which many start with, are few live streams."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):  # a system may name more than it gives
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _serve(settings: Settings, services: Collection[ServiceName]) -> None:
    from shared.web.server import Listener

    stopping, started, this = asyncio.Event(), asyncio.Event(), asyncio.current_task()

    def stop() -> None:
        stopping.set()
        if this and not started.is_set():  # it may wait half a minute for its database
            this.cancel()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    async with center(settings, services=services) as running:
        started.set()
        credentials = settings.data_dir / CREDENTIALS if settings.demo and services == ALL else None
        door = Listener(running.app, host=settings.host, port=settings.port)
        scrape = Listener(running.metrics.app(), host=settings.metrics_host, port=settings.metrics_port)
        await door.start()
        await scrape.start()
        settle()
        await _say_where(running, door.bound_port, scrape.bound_port, services, credentials)
        async with simulated(settings, door.bound_port, credentials):
            await stopping.wait()
            click.echo("Stopping.")
        running.end_streams()
        await asyncio.gather(door.stop(), scrape.stop())


async def _say_where(
    running: Center, port: int, metrics_port: int, services: Collection[ServiceName], credentials: Path | None
) -> None:
    base = f"http://{running.settings.host}:{port}"
    click.echo(f"{' + '.join(services)} on {base}    OpenAPI: {base}/openapi.json")
    click.echo(f"Metrics on http://{running.settings.metrics_host}:{metrics_port}/metrics")
    if credentials:
        account, key = _first_account(credentials)
        (circuit,) = await reading.circuits(running.database, AccountId(account), after="", most=1)
        click.echo(f"Credentials in {credentials}\n\nReport a fault:\n\n{_example(base, key, circuit.id)}\n")


def _first_account(credentials: Path) -> tuple[str, str]:
    """Its id and key."""
    id, key = next(iter(json.loads(credentials.read_text())["accounts"].items()))
    return id, key


def _example(base: str, key: str, circuit: str) -> str:
    """A curl command that works as printed; it has a key of its own, for that of an earlier one would only repeat."""
    once = f"report-{secrets.token_hex(6)}"
    body = json.dumps({"circuit": circuit, "impact": "down", "description": "No light at either end since 08:30"})
    return (
        f"  curl -i {base}/v1/faults -H 'Authorization: Bearer {key}' \\\n"
        f"    -H 'Idempotency-Key: {once}' -H 'Content-Type: application/json' \\\n    -d '{body}'"
    )
