"""`vrc tier review`: what spend figures make of every account's tier, shown, and applied when confirmed."""

import asyncio
import sqlite3
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from services.commands.options import require_data, settings_from, settings_options
from shared.clock import SystemClock
from shared.db.sqlite import AlreadyRunning
from shared.errors import CenterError
from shared.settings import Settings

if TYPE_CHECKING:
    from shared.registry.tiers.store import Proposal
    from shared.registry.writing import Author

MOST_NAMED = 20
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def add_to(group: click.Group) -> None:
    @group.group("tier")
    def tier() -> None:
        """Key accounts' tiers."""

    @tier.command("review")
    @click.option("--scheme", type=FILE, required=True, help="The tier scheme, TOML: see deploy/config/tiers/")
    @click.option("--spend", type=FILE, required=True, help="CSV with the columns account and spend")
    @click.option("--as-of", type=click.DateTime(["%Y-%m-%d"]), help="The day it is decided for (default: today, UTC)")
    @click.option("--yes", is_flag=True, help="Apply without asking, for scripts")
    @settings_options
    def review(scheme: Path, spend: Path, as_of: datetime | None, yes: bool, config: Path | None, **flags: Any) -> None:
        """Propose promotions, demotions and expiries from spend figures; show them; apply them when confirmed."""
        from services.run import BadSettings

        settings = settings_from(config, flags)
        require_data(settings)
        try:
            asyncio.run(_review(settings, scheme, spend, as_of, yes=yes))
        except (AlreadyRunning, BadSettings, CenterError, ValueError, OSError, sqlite3.OperationalError) as error:
            raise click.ClickException(str(error)) from None


async def _review(settings: Settings, scheme_file: Path, spend_file: Path, day: datetime | None, *, yes: bool) -> None:
    from services.run import open_database, require_schema
    from shared.audit.shell import at_shell
    from shared.registry.tiers import store
    from shared.registry.tiers.files import read_scheme, read_spend, refuse
    from shared.registry.writing import Author

    now = SystemClock().now()
    scheme, lines = read_scheme(scheme_file), read_spend(spend_file)
    spend, as_of = {account: figure for account, (_, figure) in lines.items()}, (day or now).date()
    shell = at_shell()
    author = Author(shell.actor, now, shell.origin)
    database = open_database(settings)
    try:
        await require_schema(database)
        proposed = await database.transact(lambda tx: store.propose(tx, scheme, spend, as_of))
        _show(proposed)
        if not yes and not click.confirm(_question(proposed, author)):
            click.echo("Nothing was changed.")
            return
        changed = await database.transact(lambda tx: store.apply(tx, scheme, proposed, as_of, by=author))
        click.echo(f"{changed} tiers changed, {sum(p.is_review for p in proposed)} reviews recorded by {author.actor}.")
    except store.UnknownAccounts as error:
        unknown = sorted(error.accounts, key=lambda account: lines[account][0])
        refuse([f"{spend_file}, line {lines[account][0]}: account: {account} is unknown" for account in unknown])
    except store.Overtaken as error:
        raise click.ClickException(str(error)) from None
    finally:
        await database.close()


def _question(proposed: Sequence["Proposal"], author: "Author") -> str:
    changes, reviews = (sum(getattr(p, name) for p in proposed) for name in ("changes", "is_review"))
    return f"Change {changes} tiers and record {reviews} reviews as {author.actor}?"


def _show(proposed: Sequence["Proposal"]) -> None:
    """Every account that changes or is held, then how many of each and who has no figure."""
    from rich.console import Console
    from rich.table import Table

    table = Table("account", "name", "sector", "spend", "tier", "", "why")
    for p in proposed:
        if p.finding.verdict != "unchanged":
            spend = "–" if p.spend is None else f"{p.spend:,}"
            tier = p.before if p.before == p.finding.tier else f"{p.before} → {p.finding.tier}"
            names, found = f"{p.name_zh} {p.name_en}", p.finding
            table.add_row(p.account, names, p.sector, spend, tier, found.verdict, found.why)
    if table.row_count:
        Console(markup=False, width=None if sys.stdout.isatty() else 200).print(table)
    count = Counter(p.finding.verdict for p in proposed)
    click.echo(", ".join(f"{n} {verdict}" for verdict, n in count.most_common()) or "There are no accounts.")
    if missing := [p.account for p in proposed if p.spend is None]:
        more = f" and {len(missing) - MOST_NAMED} more" if len(missing) > MOST_NAMED else ""
        click.echo(f"Not in the file: {', '.join(missing[:MOST_NAMED])}{more}")
