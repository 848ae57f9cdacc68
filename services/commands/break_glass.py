"""`vrc break-glass`: make, change or remove the one account that signs in without the OpenID provider."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from services.commands.options import require_data, settings_from, settings_options
from services.commands.prepare import prepare
from services.run import BadSettings, open_database
from shared.audit.shell import at_shell
from shared.audit.trail import Act, Action, record
from shared.clock import SystemClock
from shared.db.port import Tx
from shared.db.sqlite import AlreadyRunning
from shared.errors import CenterError
from shared.operators.break_glass import LONGEST, SHORTEST, hashed, put_password, remove
from shared.operators.claims import BREAK_GLASS
from shared.settings import Settings

T = TypeVar("T")
log = logging.getLogger(__name__)


def add_to(group: click.Group) -> None:
    @group.group("break-glass")
    def break_glass() -> None:
        """The account for the hour in which the OpenID provider is away. It does not exist until it is set."""

    @break_glass.command("set")
    @settings_options
    def set_(config: Path | None, **flags: Any) -> None:
        """Make the account, or give it another password; locks and sessions of the old one are over."""
        settings = settings_from(config, flags)
        hash = hashed(_asked_password())
        now = SystemClock().now()

        async def put(tx: Tx) -> None:
            await put_password(tx, hash, now)
            await record(tx, _act("breakglass.set", now))

        _change(settings, put)
        log.warning("BREAK-GLASS: the password was set")
        click.echo("The break-glass account has this password now. Write it on paper and seal it.")

    @break_glass.command("remove")
    @settings_options
    def remove_(config: Path | None, **flags: Any) -> None:
        """Remove the account and end its sessions."""

        async def end(tx: Tx) -> bool:
            if was_there := await remove(tx):
                await record(tx, _act("breakglass.removed", SystemClock().now()))
            return was_there

        settings = settings_from(config, flags)
        require_data(settings)
        if not _change(settings, end):
            raise click.ClickException("There is no break-glass account.")
        log.warning("BREAK-GLASS: the account was removed")
        click.echo("The break-glass account does not exist any more.")


def _act(action: Action, now: datetime) -> Act:
    who = at_shell()
    return Act(now, who.actor, action, f"operator:{BREAK_GLASS}", {}, who.origin)


def _asked_password() -> str:
    """Typed twice, never shown. Ends the command when it can't be one."""
    password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    if not SHORTEST <= len(password) <= LONGEST or not password.isprintable():
        raise click.ClickException(f"The password must have {SHORTEST} to {LONGEST} characters, all of them printable.")
    return password


def _change(settings: Settings, body: Callable[[Tx], Awaitable[T]]) -> T:
    """Ends the command with a message when the database can't be changed."""
    if settings.embedded:
        prepare(settings)  # nobody else would have made its database before the first start
    try:
        return asyncio.run(_transact(settings, body))
    except (AlreadyRunning, BadSettings, CenterError) as error:
        raise click.ClickException(str(error)) from None


async def _transact(settings: Settings, body: Callable[[Tx], Awaitable[T]]) -> T:
    database = open_database(settings)
    try:
        return await database.transact(body)
    finally:
        await database.close()
