"""`vrc keys issue|list|rotate|revoke` on the database of the settings, `vrc secret` and `vrc adopt-secret`.

A new key goes to standard output alone, so that it can be piped into where it is kept; everything said about it goes to
standard error.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import TypeAdapter, ValidationError

from services.commands.itself import itself
from services.commands.options import require_data, settings_from, settings_given, settings_options
from services.run import BadSettings, open_database, open_secrets, secrets_for
from shared import secrets
from shared.audit.shell import at_shell
from shared.audit.trail import Act, record
from shared.auth import master, store
from shared.auth.desk import GRANTS_FIELD, KeyDesk
from shared.auth.keys import IssuedKey, Key, KeyTerms, Mint
from shared.auth.permissions import DUTIES, SCOPES, KeyRole
from shared.clock import SystemClock, rfc3339
from shared.contracts.instant import Instant
from shared.db.port import Database, Tx
from shared.db.sqlite import AlreadyRunning
from shared.errors import CenterError
from shared.settings import Settings

T = TypeVar("T")
PAGE = 200


def add_to(group: click.Group) -> None:
    @group.command("secret")
    @click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
    def secret_(file: Path) -> None:
        """Make a center's master key: a FILE of its owner's alone, never overwritten."""
        try:
            secrets.make(file)
        except OSError as error:
            if isinstance(error, FileExistsError) and file.exists():
                raise click.ClickException(f"{file} exists and is left alone: a key in use must not be lost.") from None
            raise click.ClickException(f"{file} can't be written: {error.strerror}") from None
        click.echo(f"{file} holds a new master key. Keep a copy where backups are kept.", err=True)

    @group.command("adopt-secret")
    @settings_options
    def adopt_secret_(config: Path | None, **flags: Any) -> None:
        """Put the database under the master key of the settings, in place of one that is lost or known to others.

        All API keys, tracking links, answer links and subscriptions' secrets are void from then on, for good.
        """
        settings = settings_from(config, flags)
        require_data(settings)
        with _explained():
            ended = asyncio.run(_adopt(settings))
        click.echo(f"{settings.master_key_path} is the master key now. {ended} API keys have ended; issue new ones.")

    @group.group("keys")
    def keys() -> None:
        """Issue, list, rotate and revoke API keys."""

    _add_issue(keys)
    _add_list(keys)
    _add_rotate(keys)
    _add_revoke(keys)


class _Moment(click.ParamType[datetime]):
    name = "instant"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        try:
            return TypeAdapter[datetime](Instant).validate_python(value)
        except ValidationError:
            self.fail("must be an instant with a zone, such as 2027-01-31T00:00:00Z", param, ctx)


class _Network(click.ParamType[Any]):
    name = "cidr"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return ip_network(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _add_issue(group: click.Group) -> None:
    @group.command("issue")
    @click.option("--account", help="For this key account; needs --scope")
    @click.option("--network", help="For the local network with this area code")
    @click.option("--operator", help="For this operator or program of ours; needs --duty")
    @click.option("--scope", "scopes", multiple=True, type=click.Choice(list(SCOPES)))
    @click.option("--duty", "duties", multiple=True, type=click.Choice(list(DUTIES)))
    @click.option("--expires", type=_Moment(), help="When it ends by itself, such as 2027-01-31T00:00:00Z")
    @click.option("--from", "addresses", multiple=True, type=_Network(), help="A network it may be used from")
    @click.option("--label", default="", help="What it is for")
    @settings_options
    def issue(
        config: Path | None, scopes: tuple[str, ...], duties: tuple[str, ...], expires: datetime | None,
        addresses: tuple[Any, ...], label: str, account: str | None, network: str | None, operator: str | None,
        **flags: Any,
    ) -> None:  # fmt: skip
        """Issue a key; it is shown once."""
        whose: list[tuple[KeyRole, str | None]] = [("account", account), ("network", network), ("operator", operator)]
        named = [(role, subject) for role, subject in whose if subject]
        if len(named) != 1:
            raise click.UsageError("Name one of --account, --network and --operator.")
        ((role, subject),) = named
        for field, given in (("scopes", scopes), ("duties", duties)):
            if given and field != GRANTS_FIELD[role]:
                raise click.UsageError(f"{field} are not for keys of role {role}.")
        terms = KeyTerms(role, subject, frozenset(scopes + duties), expires, addresses, label)
        _tell(_at_desk(config, flags, lambda desk, _: desk.issue(terms), new=True))


def _add_list(group: click.Group) -> None:
    @group.command("list")
    @click.option("--subject", help="Only those of this account, network or operator")
    @click.option("--all", "all_", is_flag=True, help="Those that are over, too")
    @settings_options
    def list_(config: Path | None, subject: str | None, all_: bool, **flags: Any) -> None:
        """List the keys that are live, newest first."""
        now = SystemClock().now()
        found = _at_desk(config, flags, lambda _, database: _all(database, subject))
        shown = [key for key in found if all_ or key.state(now) == "live"]
        click.echo(f"{len(shown)} keys", err=True)
        for key in shown:
            click.echo(_line(key, now))


def _add_rotate(group: click.Group) -> None:
    @group.command("rotate")
    @click.argument("key_id")
    @click.option("--expires", type=_Moment(), help="When the successor ends by itself (default: it lives as long)")
    @settings_options
    def rotate(config: Path | None, key_id: str, expires: datetime | None, **flags: Any) -> None:
        """Issue a successor on the same terms; the old one works on until it is revoked."""
        _tell(_at_desk(config, flags, lambda desk, _: desk.rotate(key_id, expires_at=expires)))
        revoke = itself("keys", "revoke", key_id, *settings_given(config, flags))
        click.echo(f"Revoke the old one when nobody sends it any more: {revoke}", err=True)


def _add_revoke(group: click.Group) -> None:
    @group.command("revoke")
    @click.argument("key_id")
    @settings_options
    def revoke(config: Path | None, key_id: str, **flags: Any) -> None:
        """End a key: within 5 seconds it opens nothing any more, and its open streams end."""
        _at_desk(config, flags, lambda desk, _: desk.revoke(key_id))
        click.echo(f"{key_id} is revoked.", err=True)


def _at_desk(
    config: Path | None, flags: dict[str, Any], do: Callable[[KeyDesk, Database], Awaitable[T]], *, new: bool = False
) -> T:
    """Ends the command with a message when it can't be done. `new`: there may be no database yet."""
    settings = settings_from(config, flags)
    if not new:
        require_data(settings)

    async def at_desk() -> T:
        async with _opened(settings) as database:
            mint = Mint(settings.environment, await secrets_for(settings, database))
            return await do(KeyDesk(database, mint, SystemClock()), database)

    with _explained(" or use POST and GET /v1/keys"):
        return asyncio.run(at_desk())


@contextmanager
def _explained(instead: str = "") -> Iterator[None]:
    try:
        yield
    except AlreadyRunning:
        raise click.ClickException(
            f"This center is running, and its database is its own: stop it first{instead and ','}{instead}."
        ) from None
    except (BadSettings, CenterError, OSError) as error:
        raise click.ClickException(str(error)) from None


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[Database]:
    database = open_database(settings)
    try:
        if settings.embedded:
            from shared.db.migrate import migrate  # Alembic costs 12 MiB, and vrc up imports this module too

            await asyncio.to_thread(migrate, settings.database_url)  # as vrc up does: there may be no database yet
        yield database
    finally:
        await database.close()


async def _adopt(settings: Settings) -> int:
    secrets, now, who = open_secrets(settings), SystemClock().now(), at_shell()

    async def adopt(tx: Tx) -> int:
        ended = await master.adopt(tx, secrets, now)
        await record(tx, Act(now, who.actor, "master_key.adopted", "center:master-key", {"ended": ended}, who.origin))
        return ended

    async with _opened(settings) as database:
        return await database.transact(adopt)


async def _all(database: Database, subject: str | None) -> list[Key]:
    found: list[Key] = []
    before: tuple[int, str] | None = None
    while page := await store.newest(database, role=None, subject=subject, before=before, most=PAGE):
        found += page
        before = store.place(page[-1])
    return found


def _tell(issued: IssuedKey) -> None:
    click.echo(_line(issued.record, issued.record.created_at), err=True)
    click.echo("The key, shown this once:", err=True)
    click.echo(issued.key)


def _line(key: Key, now: datetime) -> str:
    t = key.terms
    ends = f"expires {rfc3339(t.expires_at)}" if t.expires_at else "does not expire"
    used = f"last used {rfc3339(key.last_used_at)}" if key.last_used_at else "not used yet"
    where = f"from {', '.join(map(str, t.addresses))}" if t.addresses else "from everywhere"
    may = ", ".join(sorted(t.grants)) or "what networks may"
    return f"{key.id}  {key.state(now)}  {t.role} {t.subject}: {may}; {ends}, {used}, {where}  {t.label}".rstrip()
