"""Every setting as a flag, made from the settings class, so that flags, environment and file never disagree."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from pydantic import ValidationError

from services.commands.settings import written
from shared.contracts.objections import objection
from shared.settings import Settings, load
from shared.sparing import Sparing

FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
F = TypeVar("F", bound=Callable[..., Any])


def settings_options(command: F) -> F:
    """Adds `--config FILE` and one flag a setting; `settings_from` reads them."""
    for name, field in reversed(Settings.model_fields.items()):
        text = f"{field.description} (default: {written(field.default) or 'none'}; environment: VRC_{name.upper()})"
        flag = f"--{name.replace('_', '-')}"
        if field.annotation is bool:
            option = click.option(f"{flag}/--no-{flag[2:]}", name, default=None, help=text)
        else:
            option = click.option(flag, name, default=None, help=text)
        command = option(command)
    file = click.Path(exists=True, dir_okay=False, path_type=Path)
    return click.option("--config", type=file, help="TOML file of settings", envvar="VRC_CONFIG")(command)


def settings_from(config: Path | None, flags: dict[str, Any]) -> Settings:
    """Ends the command with a message that names the setting that is wrong."""
    try:
        settings = load(config, **flags)
    except ValidationError as error:
        lines = [": ".join(filter(None, (".".join(map(str, e["loc"])), _objection(e)))) for e in error.errors()]
        raise click.ClickException("Settings are not valid.\n  " + "\n  ".join(lines)) from None
    except (OSError, ValueError) as error:
        raise click.ClickException(str(error)) from None
    log_to_stderr(settings)
    return settings


def require_data(settings: Settings) -> None:
    """Ends a command that is about what is there already: a misspelled folder would become a new, empty center.

    One that is no folder at all is said by whoever opens it.
    """
    if settings.embedded and not settings.sqlite_path.exists() and not settings.data_dir.is_file():
        raise click.ClickException(f"{settings.sqlite_path} does not exist: name the data with --data-dir.")


def settings_given(config: Path | None, flags: Mapping[str, Any]) -> list[str]:
    """What was given of them, for a command line: it holds no more than the one before."""
    given = ["--config", str(config)] if config else []
    for name, value in flags.items():
        flag = name.replace("_", "-")
        match value:
            case None:
                pass
            case bool():
                given.append(f"--{flag}" if value else f"--no-{flag}")
            case _:
                given += [f"--{flag}", str(value)]
    return given


def _objection(error: Any) -> str:
    return "is no setting; vrc settings lists them" if error["type"] == "extra_forbidden" else objection(error)


def log_to_stderr(settings: Settings) -> None:
    """Libraries speak from warnings on, and nobody says the same without end, unless everything is asked for."""
    handler = logging.StreamHandler()
    if settings.log_level != "debug":
        handler.addFilter(Sparing())
        for library in ("aiokafka", "alembic", "uvicorn", "httpx"):
            logging.getLogger(library).setLevel(logging.WARNING)
    logging.basicConfig(level=settings.log_level.upper(), format=FORMAT, handlers=[handler])
