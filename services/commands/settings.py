"""`vrc settings`: every setting with its default, its environment variable and what it means, as Markdown."""

from datetime import timedelta

import click

from shared.settings import Settings

HEAD = """\
# Settings

Written by `vrc settings`; a test keeps this page true. A flag (`--metrics-port 9465`) wins over the environment
(`VRC_METRICS_PORT=9465`), which wins over a TOML file (`--config center.toml` or `VRC_CONFIG`; `metrics_port = 9465`).
Durations are seconds or ISO 8601; networks are separated by commas, and so are duties, which are a table in TOML.
`vrc up` without a database runs embedded on loopback and therefore lets webhooks reach loopback over http, unless
`webhook_networks` is set. A `VRC_…` variable that is no setting is refused, as an unknown key of the file is.
(Those that Kubernetes makes of its services, `VRC_…_SERVICE_HOST` and the like, are passed over.)
A command line can be read by everybody on the machine: put a database's password and `oidc_client_secret` in the file
or the environment.

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


def written(value: object) -> str | None:
    """As one would write it in the environment; None where one would write nothing."""
    if value in (None, "", (), {}):
        return None
    match value:
        case bool():
            return str(value).lower()
        case timedelta():
            return f"{value.total_seconds():f}".rstrip("0").rstrip(".")
        case tuple():
            return ",".join(map(str, value))
        case _:
            return str(value)


def _shown(default: object) -> str:
    text = written(default)
    return "–" if text is None else f"`{text}`"
