"""What has to be there before the center starts: `vrc migrate`, and what `vrc up` does by itself.

`vrc up` runs it as a process of its own, the settings as JSON on standard input:

nothing of it stays in the memory of the process that serves, and a password is on nobody's command line.
"""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from services.commands.options import log_to_stderr, settings_from, settings_options
from services.commands.topics import prepare_topics
from services.demo_data import load_demo
from services.run import BadSettings, open_database, secrets_for, unusable
from shared.audit.shell import at_shell
from shared.audit.trail import Act, record
from shared.auth.keys import Mint
from shared.clock import SystemClock
from shared.db.port import Tx
from shared.db.sqlite import AlreadyRunning
from shared.errors import CenterError, LoginRefused
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.db.migrate import Migrated


def add_to(group: click.Group) -> None:
    @group.command("migrate")
    @settings_options
    def migrate_(config: Path | None, **flags: Any) -> None:
        """Bring the database up to date, before a new version starts; with --demo load demonstration data too."""
        prepare(settings_from(config, flags), say=True)


def main() -> None:
    settings = Settings.model_validate_json(sys.stdin.read())
    log_to_stderr(settings)
    prepare(settings, topics=True)


def prepare(settings: Settings, *, topics: bool = False, say: bool = False) -> None:
    """Ends the process with a message when it can't be done; repeating it is harmless."""
    try:
        _make_folder(settings)
        asyncio.run(_hold_and_prepare(settings, say=say))
        if topics:
            asyncio.run(prepare_topics(settings))
    except LoginRefused as error:
        sys.exit(f"Error: database: PostgreSQL does not let the center in: {error.why}")
    except (AlreadyRunning, BadSettings, CenterError, OSError) as error:
        sys.exit(f"Error: {error}")


def _make_folder(settings: Settings) -> None:
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(settings, error) from None


async def _hold_and_prepare(settings: Settings, *, say: bool) -> None:
    from shared.db.migrate import CannotMigrate, migrate

    services = settings.database if settings.database_owner else None
    database = open_database(settings)  # first, because it refuses a second process on the same data
    try:
        await database.transact(_nothing)  # SQLite's writer makes the file WAL first: it can't while migrations read it
        try:
            migrated = await asyncio.to_thread(migrate, settings.database_url, services=services)
        except CannotMigrate as error:
            raise BadSettings(str(error)) from None
        if say:
            click.echo(f"The database is at version {migrated.after}; it was {_before(migrated)}.")
        if migrated.before != migrated.after:
            await database.transact(lambda tx: record(tx, _migration(migrated)))
        if settings.demo:
            mint = Mint(settings.environment, await secrets_for(settings, database))
            await load_demo(database, mint, SystemClock(), settings.data_dir)
    finally:
        await database.close()


async def _nothing(tx: Tx) -> None:
    """An empty transaction."""


def _before(migrated: "Migrated") -> str:
    if migrated.before is None:
        return "empty"
    return "so before" if migrated.before == migrated.after else f"at {migrated.before}"


def _migration(migrated: "Migrated") -> Act:
    who, details = at_shell(), {"before": migrated.before}
    return Act(SystemClock().now(), who.actor, "schema.migrated", f"schema:{migrated.after}", details, who.origin)


if __name__ == "__main__":
    main()
