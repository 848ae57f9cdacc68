"""`vrc watch`: one ticket, live in the terminal, until it is over."""

from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from services.commands.credentials import as_whom, at_center, key_for

if TYPE_CHECKING:
    from shared.contracts.vocabulary import Lang

TRIES = 3
OVER = ("closed", "cancelled", "rejected")


def add_to(group: click.Group) -> None:
    @group.command()
    @click.argument("ticket")
    @at_center
    @as_whom
    @click.option("--lang", type=click.Choice(["zh", "en"]), default="en", show_default=True, help="中文 or English")
    def watch(ticket: str, url: str, credentials: Path, key: str | None, account: str | None, lang: "Lang") -> None:
        """Follow TICKET until it is closed, cancelled or rejected."""
        until_over(ticket, url=url, key=key_for(credentials, key=key, account=account), lang=lang)


def until_over(ticket: str, *, url: str, key: str, lang: "Lang", answered: bool = False) -> None:
    """Prints every fact of the ticket from its beginning; Ctrl-C ends it early. Raises ClickException.

    A center that has `answered`, now or before, is waited for; one that never did is soon given up.
    """
    import asyncio

    from services.commands.stream import StreamRefused

    try:
        asyncio.run(_print_facts(ticket, url=url, key=key, lang=lang, answered=answered))
    except StreamRefused as error:
        raise click.ClickException(f"{ticket}: {error}") from None
    except KeyboardInterrupt:
        raise click.exceptions.Exit(130) from None


async def _print_facts(ticket: str, *, url: str, key: str, lang: "Lang", answered: bool) -> None:
    from urllib.parse import quote

    from services.commands import words
    from services.commands.stream import follow

    seen = breaks = 0

    def lost(why: str) -> None:
        """The first facts come with the connection."""
        nonlocal breaks
        breaks += 1
        if breaks == TRIES and not (answered or seen):
            raise click.ClickException(f"The center at {url} does not answer ({why}).")
        click.echo(f"No connection to {url}; trying again.", err=True)

    path = f"/v1/tickets/{quote(ticket, safe='')}/stream"
    async with aclosing(follow(url, path, key=key, on_lost=lost)) as facts:
        async for fact in facts:
            if fact["seq"] <= seen:
                continue
            seen = fact["seq"]
            status = words.status_word(fact["status"], lang)
            click.echo(f"{words.clock_time(fact['at'])}  {words.line(fact, lang)}  [{status}]")
            if fact["status"] in OVER:
                return
