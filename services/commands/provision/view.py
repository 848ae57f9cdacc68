"""Shows what provisioning does: a bar while it runs, each change as a line, and at the end what is not done."""

from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared.bus.rights import Difference


class View:
    def __init__(self, users: int, *, dry_run: bool, folder: Path) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        console = Console(stderr=True)
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._progress.add_task("users", total=users)
        self._users = users
        self._dry_run = dry_run
        self._folder = folder
        self._at = ""
        self._seen = 0
        self._changes: list[Difference] = []
        self._warnings: list[str] = []
        self.failed: dict[str, str] = {}

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()
        for change in self._changes:
            click.echo("\n".join(change.lines()))
        for warning in self._warnings:
            click.echo(f"Warning: {warning}", err=True)
        if kind is None:
            click.echo(self._summary())

    def warn(self, warnings: Iterable[str]) -> None:
        self._warnings += warnings

    def begin(self, user: str) -> None:
        self._at = user

    def done(self, change: Difference) -> None:
        self._step()
        if change:
            self._changes.append(change)

    def refused(self, user: str, reason: str) -> None:
        self._step()
        self.failed[user] = reason

    def how_far(self) -> str:
        """Of a run that did not reach its end, or not for all."""
        lines = [f"{user}: {reason}" for user, reason in self.failed.items()]
        done = self._seen - len(self.failed)
        if self._seen < self._users and self._at:
            lines.append(f"Stopped at {self._at}.")
        lines.append(f"{done} of {self._users} users are as they should be; run the same command again for the others.")
        return "\n".join(lines)

    def _step(self) -> None:
        self._seen += 1
        self._progress.advance(self._task)

    def _summary(self) -> str:
        changed, as_they_should = len(self._changes), self._users - len(self._changes) - len(self.failed)
        verb = "would change" if self._dry_run else "changed"
        text = f"{self._users} users: {changed} {verb}, {as_they_should} as they should be."
        if not self._dry_run and any(change.password != "kept" for change in self._changes):
            text += f"\nNew passwords are in {self._folder}, one file a user, for you only."
        return text
