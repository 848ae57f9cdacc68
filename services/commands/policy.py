"""`vrc policy check`: what is wrong with an SLA policy, and what it says, before a center promises by it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from shared.clock import SystemClock, rfc3339

if TYPE_CHECKING:
    from shared.tickets.targets import Policy

HERE = click.Path(exists=True, path_type=Path)


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


def _summary(policy: "Policy") -> str:
    since = f"valid from {rfc3339(policy.valid_from)}" if policy.valid_from else "valid since ever"
    calendars = ", ".join(policy.calendars) or "none: all round the clock"
    parts = (f"{len(policy.tiers)} tiers", f"{len(policy.rules)} rules", f"calendars: {calendars}", since)
    return f"version {policy.version}: {', '.join(parts)}"
