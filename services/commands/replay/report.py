"""What a replay shows: a bar while it runs, a table at its end."""

import asyncio

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.commands.replay.tally import Tally

LOOK_EVERY_S = 0.2
LINES = 10


class Bar:
    """Rows played of all; plain lines, ten in all, where the output is no terminal."""

    def __init__(self, tally: Tally, rows: int) -> None:
        self._tally = tally
        self._rows = rows
        self._console = Console()

    async def run(self) -> None:
        """Until cancelled."""
        if self._console.is_terminal:
            await self._bar()
        else:
            await self._lines()

    async def _bar(self) -> None:
        columns = (TextColumn("rows"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task("", total=self._rows)
            try:
                while True:
                    progress.update(task, completed=self._tally.seen)
                    await asyncio.sleep(LOOK_EVERY_S)
            finally:
                progress.update(task, completed=self._tally.seen)

    async def _lines(self) -> None:
        shown = 0
        while True:
            if (tenths := LINES * self._tally.seen // max(self._rows, 1)) > shown:
                shown = tenths
                self._console.print(f"{self._tally.seen} of {self._rows} rows")
            await asyncio.sleep(LOOK_EVERY_S)


def show(tally: Tally) -> None:
    table = Table("what", "how many", title="Replay", title_justify="left")
    table.columns[1].justify = "right"
    _section(table, "rows of the file", {"": tally.rows})
    _section(table, "rows that took a step", {"": tally.with_steps})
    _section(table, "rows that needed nothing", {"": tally.without})
    _section(table, "rows that could not be mapped", {"": tally.unmapped.total(), **tally.unmapped})
    if left := tally.rows - tally.seen:
        _section(table, "rows not played", {"": left})
    table.add_section()
    _section(table, "step", tally.steps)
    if tally.repeated:
        _section(table, "of these, done before (by an earlier replay, or its answer was late)", {"": tally.repeated})
    table.add_section()
    _section(table, "tickets now", tally.states)
    Console().print(table)


def _section(table: Table, what: str, counts: dict[str, int]) -> None:
    for name, count in counts.items():
        table.add_row(f"{what}: {name}" if name else what, f"{count:,}")
