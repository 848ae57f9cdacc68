"""`vrc measures recount`: what was measured of every ticket, made again from the logs and compared."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import click

from services.commands.options import require_data, settings_from, settings_options
from shared.clock import SystemClock
from shared.db.sqlite import AlreadyRunning
from shared.errors import CenterError
from shared.settings import Settings


def add_to(group: click.Group) -> None:
    @group.group("measures")
    def measures() -> None:
        """What metrics, reports and predictions are made of: a row a ticket."""

    @measures.command("recount")
    @settings_options
    def recount(config: Path | None, **flags: Any) -> None:
        """Measure every ticket anew from its log and add all up anew; say what was not as it should be, and mend it.

        Ends with 1 when there were any. The production center may run meanwhile, the embedded one may not.
        """
        from services.run import BadSettings

        settings = settings_from(config, flags)
        require_data(settings)
        try:
            tickets, changed, totals = asyncio.run(_recount(settings))
        except (AlreadyRunning, BadSettings, CenterError, OSError, sqlite3.OperationalError) as error:
            raise click.ClickException(str(error)) from None
        mended = " and were mended." if changed or totals else "."
        click.echo(f"{tickets} tickets measured: {changed} rows and {totals} totals differed{mended}")
        if changed or totals:
            raise SystemExit(1)


async def _recount(settings: Settings) -> tuple[int, int, int]:
    from services.dispatcher.measures.handlers import Measuring
    from services.run import open_database
    from shared.registry.following import loaded

    database = open_database(settings)
    tickets = 0

    def seen(more: int) -> None:
        nonlocal tickets
        tickets += more

    try:
        measuring = Measuring(database, await loaded(database), SystemClock())
        totals = await measuring.recount_totals()
        changed = await measuring.recount_all(seen)
        return tickets, changed, totals
    finally:
        await database.close()
