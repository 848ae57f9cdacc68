"""`vrc networks provision` and `vrc services provision`: users, rights and topics of a broker that is locked.

`passwords` is the folder they go to, `steps` finds what differs and carries it out, `view` shows it.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from services.commands.options import settings_from, settings_options
from services.commands.topics import known_networks
from shared.bus.rights import SERVICE_USERS, Holder, ServiceUser, of_network, of_service
from shared.errors import CenterError
from shared.ids import NetworkCode
from shared.settings import Settings

F = TypeVar("F", bound=Callable[..., Any])


def add_to(group: click.Group) -> None:
    @group.group()
    def networks() -> None:
        """The local networks' way in."""

    @group.group()
    def services() -> None:
        """The center's own users of the broker."""

    _add_networks(networks)
    _add_services(services)


def _add_networks(group: click.Group) -> None:
    @group.command("provision")
    @click.argument("codes", nargs=-1, metavar="[AREA CODE]...")
    @click.option("--all", "every", is_flag=True, help="Every local network of the registry")
    @_how
    @settings_options
    def provision(
        codes: tuple[str, ...], every: bool, passwords: Path | None, rotate: bool, dry_run: bool, config: Path | None,
        **flags: Any,
    ) -> None:  # fmt: skip
        """Give local networks their topics, users and rights on Kafka, and take away what is too much.

        Repeating it is harmless. Needs a user that may administer the broker.
        """
        if bool(codes) == every:
            raise click.UsageError("Name area codes, or say --all.")
        settings = _locked(settings_from(config, flags))
        known = _known(settings)
        if not known:
            raise click.ClickException("The registry has no local networks. Bring them in first: vrc registry import.")
        if unknown := sorted(set(codes) - set(known)):
            raise click.ClickException(f"No local network of the registry: {', '.join(unknown)}.")
        chosen = [NetworkCode(code) for code in dict.fromkeys(codes)] or known
        _run(settings, [of_network(code) for code in chosen], passwords, rotate=rotate, dry_run=dry_run, known=known)


def _add_services(group: click.Group) -> None:
    @group.command("provision")
    @click.argument("names", nargs=-1, type=click.Choice(SERVICE_USERS))
    @_how
    @settings_options
    def provision(
        names: tuple[ServiceUser, ...], passwords: Path | None, rotate: bool, dry_run: bool, config: Path | None,
        **flags: Any,
    ) -> None:  # fmt: skip
        """Give the services their users and rights on Kafka: intake, dispatcher and notifier unless named.

        `center` is one user with the rights of all three, for vrc up. Repeating it is harmless.
        """
        settings = _locked(settings_from(config, flags))
        chosen: Collection[ServiceUser] = dict.fromkeys(names) or ("intake", "dispatcher", "notifier")
        holders = [of_service(name, partitions=settings.kafka_partitions) for name in chosen]
        _run(settings, holders, passwords, rotate=rotate, dry_run=dry_run)


def _how(command: F) -> F:
    """Adds what both commands may be told."""
    folder = click.Path(file_okay=False, path_type=Path)
    options = (
        click.option(
            "--passwords",
            type=folder,
            help="Folder for new passwords, a file each (default: kafka-passwords in data_dir)",
        ),
        click.option("--rotate", is_flag=True, help="New passwords also for users that have one"),
        click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing"),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _locked(settings: Settings) -> Settings:
    if settings.kafka is None:
        raise click.ClickException("kafka: set it; without Kafka there are no users.")
    return settings


def _known(settings: Settings) -> Sequence[NetworkCode]:
    try:
        return asyncio.run(known_networks(settings))
    except (CenterError, OSError) as error:
        raise click.ClickException(str(error)) from None


def _run(
    settings: Settings,
    holders: Sequence[Holder],
    passwords: Path | None,
    *,
    rotate: bool,
    dry_run: bool,
    known: Sequence[NetworkCode] | None = None,
) -> None:
    """`known` are all local networks there are, to notice users of others. Ends with status 1 if anything failed."""
    from services.commands.provision.passwords import Passwords
    from services.commands.provision.steps import provision
    from services.commands.provision.view import View

    folder = passwords or settings.data_dir / "kafka-passwords"
    view = View(len(holders), dry_run=dry_run, folder=folder)
    try:
        with view:
            asyncio.run(
                provision(settings, holders, Passwords(folder), rotate=rotate, dry_run=dry_run, known=known, view=view)
            )
    except (CenterError, OSError) as error:
        raise click.ClickException(f"{error}\n{view.how_far()}") from None
    if view.failed:
        raise click.ClickException(view.how_far())
