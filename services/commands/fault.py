"""`vrc fault`: file one fault report, and say how to watch its ticket."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from services.commands.asking import why_refused
from services.commands.credentials import FILE, URL, as_whom, at_center, key_for
from services.commands.itself import itself

if TYPE_CHECKING:
    import httpx

TRIES = 3


def add_to(group: click.Group) -> None:
    @group.command()
    @click.argument("circuit")
    @click.option(
        "--impact", type=click.Choice(["down", "degraded", "intermittent"]), default="down", show_default=True
    )
    @click.option("--description", required=True, help="What is seen, where, and since when")
    @click.option("--reference", help="Your own number for this fault")
    @click.option("--contact", help="Whom to call")
    @click.option("--segment", help="The circuit's segment that is known to be faulty")
    @click.option("--wait", is_flag=True, help="Follow the ticket until it is over")
    @click.option("--lang", type=click.Choice(["zh", "en"]), default="en", show_default=True, help="For --wait")
    @at_center
    @as_whom
    def fault(url: str, credentials: Path, key: str | None, account: str | None, wait: bool, **said: Any) -> None:
        """Report a fault of CIRCUIT."""
        from services.commands.watch import until_over

        lang = said.pop("lang")
        speaks = key_for(credentials, key=key, account=account)
        body = {name: value for name, value in said.items() if value is not None}
        answer = _report(url, key=speaks, body=body)
        ticket = answer.json()["id"]
        click.echo(f"{ticket}  {'reported' if answer.status_code == 201 else 'joined: the circuit had an open ticket'}")
        if wait:
            until_over(ticket, url=url, key=speaks, lang=lang, answered=True)
        else:
            more = _spoken_to(url=url, credentials=credentials, key=_typed(key), account=account)
            click.echo(f"Watch it:  {itself('watch', ticket, *more)}")


def _report(url: str, *, key: str, body: dict[str, Any]) -> "httpx.Response":
    """Tries again with the same key while the center is away, so that one report is one ticket."""
    import secrets

    import httpx

    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": f"vrc-fault-{secrets.token_hex(16)}"}
    trouble = ""
    with httpx.Client(base_url=url, headers=headers, timeout=10.0, trust_env=False) as http:
        for _ in range(TRIES):
            try:
                answer = http.post("/v1/faults", json=body)
            except httpx.TransportError as error:
                trouble = type(error).__name__
                continue
            if answer.is_success:
                return answer
            if answer.status_code != 503:
                raise click.ClickException(why_refused(answer))
            trouble = "it is not ready"
    raise click.ClickException(f"The center at {url} does not answer ({trouble}).")


def _typed(key: str | None) -> str | None:
    """One of the environment is there for the next command too."""
    typed = click.get_current_context().get_parameter_source("key") is ParameterSource.COMMANDLINE
    return key if typed else None


def _spoken_to(*, url: str, credentials: Path, key: str | None, account: str | None) -> list[str]:
    more = ["--url", url] if url != URL else []
    more += ["--credentials", str(credentials)] if credentials != FILE else []
    more += ["--key", key] if key else []
    return more + (["--as", account] if account else [])
