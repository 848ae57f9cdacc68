"""`vrc registry import|export|diff|show`: accounts, circuits and local networks in and out of files.

Straight to the database; the embedded center must not be running meanwhile (it holds its database alone).
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from services.commands.options import require_data, settings_from, settings_options
from shared.db.sqlite import AlreadyRunning
from shared.errors import CenterError
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.db.port import Database
    from shared.registry.files.reading import Source
    from shared.registry.importing import Outcome
    from shared.registry.shelves import Kind

T = TypeVar("T")
READ = "read the registry over HTTP: GET /v1/registry/accounts, /circuits and /networks"
CHANGE = "change the registry over HTTP: POST /v1/registry/import"
WHAT = {"added": "+", "changed": "~", "removed": "-"}
SOURCE = click.argument("source", type=click.Path(exists=True, path_type=Path))


def add_to(group: click.Group) -> None:
    @group.group("registry")
    def registry() -> None:
        """Accounts, circuits and local networks in and out of files, and as they were."""

    _add_import(registry)
    _add_export(registry)
    _add_show(registry)


def _add_import(registry: click.Group) -> None:
    removes = click.option("--remove", is_flag=True, help="Remove what the files of a kind do not name")

    @registry.command("import")
    @SOURCE
    @removes
    @click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing")
    @settings_options
    def import_(source: Path, remove: bool, dry_run: bool, config: Path | None, **flags: Any) -> None:
        """All of SOURCE or nothing: a folder of CSV files, or a YAML file. What it names is added or replaced."""
        outcome = _import(settings_from(config, flags), source, remove=remove, dry_run=dry_run)
        _show(outcome, details=dry_run)

    @registry.command("diff")
    @SOURCE
    @removes
    @settings_options
    def diff(source: Path, remove: bool, config: Path | None, **flags: Any) -> None:
        """What an import of SOURCE would change; ends with 1 when there is a difference, as diff does."""
        outcome = _import(settings_from(config, flags), source, remove=remove, dry_run=True)
        _show(outcome, details=True)
        sys.exit(1 if outcome.counts else 0)


def _add_export(registry: click.Group) -> None:
    @registry.command("export")
    @click.argument("target", type=click.Path(path_type=Path))
    @settings_options
    def export(target: Path, config: Path | None, **flags: Any) -> None:
        """Everything into TARGET: one YAML file if it ends in .yaml, else CSV files in that folder."""
        from shared.registry.files.export import csv_folder, export, yaml_file

        settings = settings_from(config, flags)
        try:
            with (yaml_file if _is_yaml(target) else csv_folder)(target) as write:
                count = _with_database(settings, lambda database: export(database, write))
        except OSError as error:
            raise click.ClickException(f"{target} can't be written ({error.strerror}: {error.filename}).") from None
        click.echo(f"{count} entries in {target}")


def _add_show(registry: click.Group) -> None:
    @registry.command("show")
    @click.argument("kind", type=click.Choice(["account", "circuit", "network"]))
    @click.argument("id")
    @click.option("--version", type=click.IntRange(0), help="As it was when the registry had this version")
    @settings_options
    def show(kind: "Kind", id: str, version: int | None, config: Path | None, **flags: Any) -> None:
        """One entry as JSON, with the change that made it what it is."""
        found = _with_database(settings_from(config, flags), lambda database: _entry(database, kind, id, version))
        if found["entry"] is None:
            raise click.ClickException(f"There is no {kind} {id} in version {found['version']} of the registry.")
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))


async def _entry(database: "Database", kind: "Kind", id: str, version: int | None) -> dict[str, Any]:
    from shared.clock import from_ms, rfc3339
    from shared.registry import history

    at = await history.current(database) if version is None else version
    entry = await history.entry_at(database, kind, id, at)
    change = await history.last_change(database, kind, id, at)
    since = change and {
        "version": change["version"], "previous": change["previous"], "by": change["actor"],
        "at": rfc3339(from_ms(change["at"])),
    }  # fmt: skip
    import orjson

    return {"version": at, "since": since, "entry": None if entry is None else orjson.loads(orjson.dumps(entry))}


def _is_yaml(path: Path) -> bool:
    return path.suffix in (".yaml", ".yml")


def _import(settings: Settings, source: Path, *, remove: bool, dry_run: bool) -> "Outcome":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    from shared.audit.shell import at_shell
    from shared.auth.desk import end_keys_of
    from shared.clock import SystemClock
    from shared.registry.files.reading import lines_of, source_of, take
    from shared.registry.importing import ImportRefused
    from shared.registry.writing import Author

    shell = at_shell()
    by = Author(shell.actor, SystemClock().now(), shell.origin)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("Reading and comparing")
        found: Source = source_of(source, progress=lambda lines: bar.advance(task, lines))
        if not found.files:
            raise click.ClickException(f"{source} has none of the registry's files, such as circuits.csv.")
        try:
            bar.update(task, total=lines_of(found))
            leaving = partial(end_keys_of, by=by)
            return _with_database(
                settings,
                lambda database: take(database, found, by=by, remove=remove, leaving=leaving, dry_run=dry_run),
                instead=CHANGE,
            )
        except ImportRefused as refused:
            faults = "\n  ".join(map(str, refused.faults))
            raise click.ClickException(f"Nothing was changed.\n  {faults}") from None
        except OSError as error:
            said = f"Nothing was changed: {error.filename} can't be read ({error.strerror})."
            raise click.ClickException(said) from None


def _show(outcome: "Outcome", *, details: bool) -> None:
    for difference in outcome.shown if details else ():
        fields = f" ({', '.join(difference.fields)})" if difference.fields else ""
        click.echo(f"{WHAT[difference.what]} {difference.kind} {difference.id}{fields}")
    if details and (more := outcome.counts.total() - len(outcome.shown)):
        click.echo(f"… and {more} more")
    for what, count in sorted(outcome.counts.items()):
        click.echo(f"{count} × {what}")
    click.echo(f"{'No change; v' if not outcome.counts else 'V'}ersion {outcome.version} of the registry")


def _with_database(settings: Settings, work: "Callable[[Database], Awaitable[T]]", *, instead: str = READ) -> T:
    """Ends the command with a message when the database can't be had; `instead` is what a running center offers."""
    from services.run import BadSettings, open_database, require_schema

    require_data(settings)

    async def run() -> T:
        database = open_database(settings)
        try:
            await require_schema(database)
            return await work(database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except AlreadyRunning:
        raise click.ClickException(
            f"The embedded center is running and holds its database alone. Stop it first, or {instead}."
        ) from None
    except BadSettings as error:
        raise click.ClickException(str(error)) from None
    except CenterError as error:
        from shared.registry.importing import ImportRefused

        if isinstance(error, ImportRefused):
            raise
        raise click.ClickException(str(error)) from None
