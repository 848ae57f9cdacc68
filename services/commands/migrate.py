"""`vrc migrate`: bring the database up to date. Also run as a module by `vrc up`."""

import sys
from pathlib import Path
from typing import Any

import click

from services.commands.options import settings_from, settings_options


def add_to(group: click.Group) -> None:
    @group.command()
    @settings_options
    def migrate(config: Path | None, **flags: Any) -> None:
        """Bring the database up to date; run it before a new version starts."""
        run(settings_from(config, flags).database_url)


def run(url: str) -> None:
    from shared.db.migrate import migrate

    migrate(url)


if __name__ == "__main__":
    run(sys.argv[1])
