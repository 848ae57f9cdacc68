"""`vrc policy`: check a policy before a center promises by it, and explain what one ticket was promised and why."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from services.commands.credentials import as_whom, at_center, key_for
from shared.clock import SystemClock, rfc3339

if TYPE_CHECKING:
    from shared.tickets.targets import Policy

HERE = click.Path(exists=True, path_type=Path)
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
Json = Mapping[str, Any]


def add_to(group: click.Group) -> None:
    @group.group("policy")
    def policy() -> None:
        """The SLA policy: what is promised."""

    @policy.command("check")
    @click.argument("file", type=HERE)
    def check(file: Path) -> None:
        """Say what is wrong with the SLA policy FILE, or a folder of versions, by file, line and field."""
        from shared.tickets.policy_file import read_policies

        try:
            found = read_policies(file)
        except (ValueError, OSError) as error:
            click.echo(str(error), err=True)
            raise SystemExit(1) from None
        now = SystemClock().now()
        for version in found.versions:
            click.echo(_summary(version) + (", valid now" if version == found.at(now) else ""))
        for remark in found.remarks(now):
            click.echo(f"warning: {remark}", err=True)

    @policy.command("explain")
    @click.argument("ticket")
    @at_center
    @as_whom
    def explain(ticket: str, url: str, credentials: Path, key: str | None, account: str | None) -> None:
        """Say what TICKET was promised, by which version and rule, what else was met, and what has changed since."""
        found = _fetch(url, ticket, key=key_for(credentials, key=key, account=account))
        click.echo("\n".join(_explained(found)))


def _summary(policy: "Policy") -> str:
    since = f"valid from {rfc3339(policy.valid_from)}" if policy.valid_from else "valid since ever"
    calendars = ", ".join(policy.calendars) or "none: all round the clock"
    parts = (f"{len(policy.tiers)} tiers", f"{len(policy.rules)} rules", f"calendars: {calendars}", since)
    return f"version {policy.version}: {', '.join(parts)}"


def _fetch(url: str, ticket: str, *, key: str) -> Json:
    from urllib.parse import quote

    import httpx

    headers = {"Authorization": f"Bearer {key}"}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=10.0, trust_env=False) as http:
            answer = http.get(f"/v1/tickets/{quote(ticket, safe='')}/terms")
    except httpx.TransportError as error:
        raise click.ClickException(f"The center at {url} does not answer ({type(error).__name__}).") from None
    if not answer.is_success:
        raise click.ClickException(f"{ticket}: the center answered {answer.status_code}.")
    found: Json = answer.json()
    return found


def _explained(found: Json) -> Iterator[str]:
    yield f"{found['ticket']}  tier {found['tier'] or '–'}, {found['impact']}, policy {found['policy'] or '–'}"
    if not found["targets"]:
        yield "Nothing was promised: it was opened before there were terms."
    for given in found["targets"]:
        yield f"  {given['target']:<11}{_value(given['target'], given['value']):<10}by {given['by']}"
    yield from _rules(found)
    for name, value in (found["now"] or {}).items():
        yield f"today this version would give {name} {_value(name, value)}: the file or the registry has changed since"
    for step in found["steps"][1:]:
        changes = "; ".join(f"{name} {_value(name, c['before'])} → {_value(name, c['after'])}"
                            for name, c in step["changed"].items())  # fmt: skip
        yield f"{step['at']}  entry {step['seq']}, {step['by']}: {changes} ({step['reason']})"
    for said in found["said"]:
        yield f"{said['at']}  entry {said['seq']}, {said['by']} reported: {said['impact']}"


def _rules(found: Json) -> Iterator[str]:
    if found["rules"] is None:
        yield f"Version {found['policy']} is not on file here: which other rules were met is not known."
    for rule in found["rules"] or ():
        why = ", ".join(f"{condition} {'/'.join(words)}" for condition, words in rule["met_by"].items())
        gives = ", ".join(f"{name} {_value(name, value)}" for name, value in rule["gives"].items())
        holds = f"holds for {', '.join(rule['holds'])}" if rule["holds"] else "more specific rules hold instead"
        yield f"  rule {rule['name']} ({why}) gives {gives}: {holds}"


def _value(name: str, value: int | str | None) -> str:
    """`2 h`, `15 min`; a calendar or any other word as it is."""
    if value is None:
        return "24x7" if name == "calendar" else "none"
    if isinstance(value, str):
        return value
    return f"{value / HOUR_MS:g} h" if value % HOUR_MS == 0 else f"{value / MINUTE_MS:g} min"
