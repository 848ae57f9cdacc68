"""A demonstration on the terminal: figures and the last facts; where the output is no terminal, a line a fact."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from services.commands import words
from services.commands.demo.board import Board
from shared.contracts.vocabulary import STATUS, Lang

TITLES = {
    "tickets": ("障碍单", "tickets"),
    "reports": ("故障申告", "fault reports"),
    "facts": ("日志条数", "facts in the logs"),
    "repair": ("修障历时中位数（模拟）", "report to restoration, median, simulated"),
}


class View:
    """`speed` turns times on the wall into simulated ones."""

    def __init__(self, board: Board, *, speed: float, lang: Lang) -> None:
        self._board = board
        self._speed = speed
        self._lang: Lang = lang
        self._console = Console()
        self._live = Live(console=self._console, get_renderable=self._screen, refresh_per_second=4)

    def __enter__(self) -> "View":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._console.is_terminal:
            self._live.stop()
        else:
            self._console.print(self._figures())

    def show(self, fact: Mapping[str, Any]) -> None:
        self._board.see(fact)
        if not self._console.is_terminal:
            print(self._line(fact), flush=True)

    def _screen(self) -> RenderableType:
        return Group(
            self._figures(), Text("\n".join(map(self._line, self._board.last)), no_wrap=True, overflow="ellipsis")
        )

    def _figures(self) -> Table:
        table = Table(show_header=False)
        counts = self._board.counts
        for status in STATUS:
            if counts[status]:
                table.add_row(self._title("tickets"), words.status_word(status, self._lang), f"{counts[status]:,}")
        table.add_row(self._title("reports"), "", f"{self._board.reports:,}")
        table.add_row(self._title("facts"), "", f"{self._board.facts:,}")
        if (repair := self._board.median_repair) is not None:
            table.add_row(self._title("repair"), "", _hours(repair * self._speed))
        return table

    def _line(self, fact: Mapping[str, Any]) -> str:
        return f"{words.clock_time(fact['at'])}  {fact['ticket']}  {words.line(fact, self._lang)}"

    def _title(self, name: str) -> str:
        return TITLES[name][0 if self._lang == "zh" else 1]


def _hours(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"
