"""The command `vrc`. A command's module, and all that it needs, is loaded when that command is given: `vrc watch` loads
no server, and a server loads no other command."""

from importlib import import_module

import click

MODULES = {
    "up": "serve",
    "intake": "serve",
    "dispatcher": "serve",
    "notifier": "serve",
    "migrate": "prepare",
    "registry": "registry",
    "topics": "topics",
    "asyncapi": "contracts",
    "networks": "provision",
    "services": "provision",
    "secret": "keys",
    "adopt-secret": "keys",
    "keys": "keys",
    "audit": "audit",
    "measures": "measures",
    "settings": "settings",
    "policy": "policy",
    "tier": "tier",
    "break-glass": "break_glass",
    "fault": "fault",
    "watch": "watch",
    "statement": "statement",
    "verify": "verify",
    "report": "report",
    "demo": "demo",
    "simulate": "simulate",
    "replay": "replay",
}
"""Command → its module in `services.commands`, whose `add_to` adds it."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(MODULES)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name in MODULES and name not in self.commands:
            import_module(f"services.commands.{MODULES[name]}").add_to(self)
        return super().get_command(ctx, name)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vip-response-center")
def main() -> None:
    """The VIP Response Center."""


if __name__ == "__main__":
    main()
