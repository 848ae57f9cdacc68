"""Which center a command speaks to, and with which keys: those of a credentials file (see `vrc up --demo`)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from services.commands.itself import itself

F = TypeVar("F", bound=Callable[..., Any])
URL = "http://127.0.0.1:8080"
FILE = Path("var/demo-credentials.json")


def at_center(command: F) -> F:
    """Adds `--url` and `--credentials`."""
    path = click.Path(dir_okay=False, path_type=Path)
    file = click.option(
        "--credentials", type=path, default=FILE, show_default=True,
        help='Keys, as vrc up --demo writes them: {"operator": …, "accounts": {id: …}, "networks": {code: …}}',
    )  # fmt: skip
    url = click.option("--url", default=URL, show_default=True, envvar="VRC_URL", help="Where the center listens")
    return url(file(command))


def as_whom(command: F) -> F:
    """Adds `--key` and `--as`; `key_for` reads them."""
    key = click.option("--key", envvar="VRC_KEY", help="An API key, instead of one of the credentials file")
    account = click.option("--as", "account", help="Speak as this account, with its key (default: as the operator)")
    return key(account(command))


def key_for(credentials: Path, *, key: str | None, account: str | None) -> str:
    """The key to speak with. Ends the command with a message when there is none."""
    if key:
        return key
    found = read_credentials(credentials)
    if account is None:
        return found.operator
    if account not in found.accounts:
        raise click.ClickException(f"{credentials} has no account {account}; it has {', '.join(found.accounts)}.")
    return found.accounts[account]


@dataclass(frozen=True, slots=True)
class Credentials:
    """API keys; the operator's stands in for accounts and networks that have none here."""

    operator: str
    accounts: Mapping[str, str]
    networks: Mapping[str, str]

    def of_account(self, account: str) -> str:
        return self.accounts.get(account) or self.operator

    def of_network(self, code: str) -> str:
        return self.networks.get(code) or self.operator


def read_credentials(path: Path) -> Credentials:
    """Ends the command with a message when the file cannot be used."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return Credentials(found["operator"], found["accounts"], found["networks"])
    except FileNotFoundError:
        raise click.ClickException(
            f"{path} does not exist: start the center with {itself('up', '--demo')}, or name its file with "
            "--credentials."
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise click.ClickException(f"{path} holds no credentials ({type(error).__name__}: {error}).") from None
