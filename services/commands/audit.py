"""`vrc audit verify|anchor|anchors|key`: whether the record is what was recorded, and what to keep elsewhere for it."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from services.commands.itself import itself
from services.commands.options import settings_from, settings_options
from services.run import BadSettings, open_database, open_secrets, require_schema, secrets_for
from shared.audit import store
from shared.audit.anchors import Anchor, NoAnchor
from shared.audit.keeper import Keeper
from shared.audit.signing import Signer
from shared.audit.verify import Keys, Progress, Report, Span, verify
from shared.clock import SystemClock, to_ms
from shared.contracts.instant import Instant
from shared.db.port import Database
from shared.db.sqlite import AlreadyRunning, SqliteReader
from shared.errors import CenterError
from shared.metrics import Metrics
from shared.settings import Settings


class Unchecked(click.ClickException):
    """Nothing can be said of the record: not that it holds, and not that it doesn't."""

    exit_code = 2


def add_to(group: click.Group) -> None:
    @group.group("audit")
    def audit() -> None:
        """Verify the record, and make and export its anchors."""

    _add_verify(audit)
    _add_anchor(audit)
    _add_exports(audit)


def _add_verify(group: click.Group) -> None:
    file = click.Path(exists=True, dir_okay=False, path_type=Path)

    @group.command("verify")
    @click.option("--from", "since", type=_Moment(), help="Acts since then, and tickets at work since then")
    @click.option("--to", "until", type=_Moment(), help="Acts before then, and tickets opened before then")
    @click.option("--anchors", type=file, help="Anchors that were kept elsewhere, a line each")
    @click.option("--key", "keys", multiple=True, help="The public key of the anchors (vrc audit key), as it was kept "
                  "elsewhere; once more for each that there was before a new master key")  # fmt: skip
    @settings_options
    def verify_(
        config: Path | None, since: datetime | None, until: datetime | None, anchors: Path | None,
        keys: tuple[str, ...], **flags: Any,
    ) -> None:  # fmt: skip
        """Find any edit, deletion, insertion, reordering or cut of the record.

        It ends with 1 when there is one, with 2 when it can't say. It only reads, beside a running center too.
        """
        settings = settings_from(config, flags)
        if not all(re.fullmatch("[0-9a-f]{64}", key) for key in keys):
            raise click.UsageError("--key: must be 64 hexadecimal digits, as vrc audit key prints them.")
        span = Span(to_ms(since) if since else 0, to_ms(until) if until else Span().until)
        kept = _kept(anchors) if anchors else None
        with _explained(), _bar() as progress:
            report = asyncio.run(_verify(settings, keys, kept, span, progress))
        _tell(report)
        if report.findings:
            raise click.exceptions.Exit(1)


def _add_anchor(group: click.Group) -> None:
    @group.command("anchor")
    @settings_options
    def anchor(config: Path | None, **flags: Any) -> None:
        """Anchor all chains now, and print the signed line. A running center does it by itself once a day."""
        settings = settings_from(config, flags)
        with _explained():
            made = asyncio.run(_anchor(settings))
        if isinstance(made, Anchor):
            click.echo(made.line)
        else:
            raise Unchecked(made)


def _add_exports(group: click.Group) -> None:
    @group.command("anchors")
    @settings_options
    def anchors(config: Path | None, **flags: Any) -> None:
        """Print every anchor, oldest first: keep them where who can write to the database can't."""
        settings = settings_from(config, flags)
        with _explained():
            found = asyncio.run(_anchors(settings))
        for one in found:
            click.echo(one.line)

    @group.command("key")
    @settings_options
    def key(config: Path | None, **flags: Any) -> None:
        """Print the public key that anchors are checked with."""
        with _explained():
            click.echo(_signer(settings_from(config, flags)).public_key)


def _kept(anchors: Path) -> list[str]:
    try:
        return [line for line in anchors.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise Unchecked(f"{anchors} can't be read as anchors ({error}).") from None


class _Moment(click.ParamType[datetime]):
    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return TypeAdapter[datetime](Instant).validate_python(value)
        except ValidationError:
            self.fail("must be an instant with a zone, such as 2027-01-31T00:00:00Z", param, ctx)


def _signer(settings: Settings) -> Signer:
    return Signer(open_secrets(settings).derive("audit"))


async def _verify(
    settings: Settings, keys: tuple[str, ...], kept: list[str] | None, span: Span, progress: Progress
) -> Report:
    signer = _signer(settings) if settings.master_key_path.exists() else None
    database = _readable(settings)
    try:
        await require_schema(database)
        return await verify(database, Keys(keys, signer), kept=kept, span=span, progress=progress)
    finally:
        await database.close()


async def _anchor(settings: Settings) -> Anchor | str:
    """The anchor, or why there is none."""
    database = open_database(settings)
    try:
        await require_schema(database)
        signer = Signer((await secrets_for(settings, database)).derive("audit"))
        keeper = Keeper(database, SystemClock(), signer, Metrics())
        made = await keeper.anchor()
    finally:
        await database.close()
    return made or str(
        keeper.finding or f"Another process was anchoring at this moment; look with {itself('audit', 'anchors')}."
    )


async def _anchors(settings: Settings) -> list[Anchor]:
    database = _readable(settings)
    try:
        await require_schema(database)
        return [one if isinstance(one, Anchor) else _raise(one) for one in await store.anchors(database)]
    finally:
        await database.close()


def _readable(settings: Settings) -> Database | SqliteReader:
    """A running embedded center holds its database; it can be read all the same."""
    return SqliteReader(settings.sqlite_path) if settings.embedded else open_database(settings)


def _raise(finding: object) -> Anchor:
    raise NoAnchor(str(finding))


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except AlreadyRunning:
        anchors = itself("audit", "anchors")
        raise Unchecked(f"This center is running, and anchors by itself; its anchors: {anchors}.") from None
    except (BadSettings, CenterError, ValueError) as error:
        raise Unchecked(str(error)) from None


@contextmanager
def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import Progress as Bars

    with Bars(console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def show(what: str, done: int, all_: int) -> None:
            task = tasks.setdefault(what, None) or bars.add_task(what)
            tasks[what] = task
            bars.update(task, completed=done, total=all_)

        yield show


def _tell(report: Report) -> None:
    click.echo(f"{report.acts:>12,} acts\n{report.entries:>12,} entries of {report.tickets:,} tickets")
    click.echo(f"{report.anchors:>12,} anchors")
    for note in report.notes:
        click.echo(f"Note: {note}.")
    for finding in report.findings:
        click.echo(f"FOUND {finding}")
    click.echo(
        f"{len(report.findings)} places were tampered with." if report.findings else "Nothing was tampered with."
    )
