"""The command `vrc`. Each command is thin; what it runs is imported when it runs."""

import click

from services.commands import (
    audit,
    break_glass,
    contracts,
    demo,
    fault,
    keys,
    measures,
    policy,
    prepare,
    provision,
    registry,
    replay,
    serve,
    settings,
    simulate,
    statement,
    tier,
    topics,
    verify,
    watch,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="vip-response-center")
def main() -> None:
    """The VIP Response Center."""


for command in (
    serve,
    prepare,
    registry,
    topics,
    contracts,
    provision,
    keys,
    audit,
    measures,
    settings,
    policy,
    tier,
    break_glass,
    fault,
    watch,
    statement,
    verify,
    demo,
    replay,
    simulate,
):
    command.add_to(main)


if __name__ == "__main__":
    main()
