"""Files that a command is to write: that it can't is said before any work is done, and in words that name the file."""

import os
from pathlib import Path
from typing import Any

import click


class Writable(click.Path):
    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.parent.is_dir():
            self.fail(f"{path} can't be written: {path.parent} is no folder; make it or name another.", param, ctx)
        if not path.exists() and not os.access(path.parent, os.W_OK | os.X_OK):
            self.fail(f"{path} can't be written: {path.parent} is closed to you. Name another file.", param, ctx)
        return path


def write(path: Path, content: bytes) -> None:
    """Ends the command with a message when that fails after all."""
    try:
        path.write_bytes(content)
    except OSError as error:
        raise click.ClickException(f"{path} can't be written: {error.strerror}.") from None
