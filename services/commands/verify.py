"""`vrc verify`: whether a statement is what the center said, without asking the center."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from shared.statement.reading import Statement
    from shared.statement.verify import Verdict

LARGEST = 64 * 2**20


class Unjudged(click.ClickException):
    """Nothing can be said of the file."""

    exit_code = 2


def add_to(group: click.Group) -> None:
    file = click.Path(exists=True, dir_okay=False, path_type=Path)

    @group.command()
    @click.argument("file", type=file)
    @click.option("--key", help="The center's public key (vrc audit key), as it was got elsewhere than with the file")
    def verify(file: Path, key: str | None) -> None:
        """Check the statement in FILE: its chain of entries, its signature, and every figure and verdict in it.

        Ends with 0 when all of it holds, with 1 when something doesn't, with 2 when that can't be said: FILE is no
        statement, or there is no --key (the rest is checked all the same). It asks nobody.
        """
        from shared.statement import verify as v
        from shared.statement.reading import NotAStatement, read

        if key is not None and not re.fullmatch("[0-9a-f]{64}", key):
            raise click.UsageError("--key: must be 64 hexadecimal digits, as vrc audit key prints them.")
        if file.stat().st_size > LARGEST:
            raise Unjudged(f"{file} is larger than {LARGEST // 2**20} MiB: no statement is.")
        try:
            statement = read(file.read_bytes())
            verdict = v.verify(statement, key)
        except NotAStatement as error:
            raise Unjudged(f"{file} is no statement: {error}.") from None
        except ValueError as error:
            raise click.UsageError(f"--key: {error}") from None
        _tell(statement, verdict)


def _tell(statement: "Statement", verdict: "Verdict") -> None:
    last = statement.entries[-1].entry
    click.echo(f"Statement of {statement.ticket}: {len(statement.entries)} entries, the last with {last.hash.hex()}")
    for finding in verdict.findings:
        click.echo(f"WRONG {finding}")
    if verdict.findings:
        click.echo("It does not hold: it is not what a center said.")
        raise click.exceptions.Exit(1)
    if not verdict.key_known:
        click.echo("Its entries, figures and verdicts fit together, and it is signed with the key that it names:")
        click.echo(f"  {statement.key}")
        click.echo("Whether that is the center's was not checked: give the center's with --key.")
        raise click.exceptions.Exit(2)
    click.echo("It holds: chain, figures, verdicts, and the center's signature.")
