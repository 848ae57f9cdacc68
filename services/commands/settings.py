"""`vrc settings`: every setting with its default, its environment variable and what it means, as Markdown."""

import click

from shared.settings import Settings

HEAD = """\
# Settings

Written by `vrc settings`; a test keeps this page true. A flag (`--metrics-port 9465`) wins over the environment
(`VRC_METRICS_PORT=9465`), which wins over a TOML file (`--config center.toml` or `VRC_CONFIG`; `metrics_port = 9465`).
Durations are seconds or ISO 8601; networks are separated by commas, and so are duties, which are a table in TOML.
`vrc up` without a database runs embedded on loopback and therefore lets webhooks reach loopback over http, unless
`webhook_networks` is set. A command line can be read by everybody on the machine: put a database's password and
`oidc_client_secret` in the file or the environment.

| key | default | environment | meaning |
|---|---|---|---|
"""


def add_to(group: click.Group) -> None:
    @group.command()
    def settings() -> None:
        """Every setting, its default and its meaning."""
        click.echo(page(), nl=False)


def page() -> str:
    return HEAD + "".join(
        f"| `{name}` | {_shown(field.default)} | `VRC_{name.upper()}` | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )


def _shown(default: object) -> str:
    if default is None or default in ((), {}):
        return "–"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
