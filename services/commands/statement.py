"""`vrc statement`: a ticket's statement, to a file or the terminal."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from services.commands.credentials import as_whom, at_center, key_for
from services.commands.files import Writable, write

if TYPE_CHECKING:
    from shared.contracts.vocabulary import Lang


def add_to(group: click.Group) -> None:
    @group.command()
    @click.argument("ticket")
    @click.option("-o", "--output", type=Writable(), help="Write it to this file")
    @click.option("--html", is_flag=True, help="As a page to read and print; what is checked is the JSON")
    @click.option("--lang", type=click.Choice(["zh", "en"]), default="en", show_default=True, help="For --html")
    @at_center
    @as_whom
    def statement(
        ticket: str, output: Path | None, html: bool, lang: "Lang", url: str, credentials: Path, key: str | None,
        account: str | None,
    ) -> None:  # fmt: skip
        """The signed statement of TICKET: what happened, what was promised, and the proof. Check it with vrc verify."""
        from urllib.parse import quote

        from services.commands.asking import ask

        speaks = key_for(credentials, key=key, account=account)
        path = f"/v1/tickets/{quote(ticket, safe='')}/statement"
        if html:
            said = ask(url, f"{path}.html", key=speaks, params={"lang": lang}).text
        else:
            said = json.dumps(ask(url, path, key=speaks).json(), ensure_ascii=False, indent=2) + "\n"
        if output is None:
            click.echo(said, nl=False)
        else:
            write(output, said.encode())
            click.echo(f"{ticket}: {output}")
