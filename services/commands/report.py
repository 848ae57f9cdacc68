"""`vrc report attainment`: how many were repaired in time, as a table on the terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import click

from services.commands.credentials import as_whom, at_center, key_for

Line = Mapping[str, Any]
FIGURES: Mapping[str, str] = {
    "tickets": "tickets",
    "within_5h_percent": "in 5 h",
    "within_2h_percent": "in 2 h",
    "kept_percent": "as promised",
    "mean_ms": "mean",
    "median_ms": "median",
    "p90_ms": "90 %",
}


def add_to(group: click.Group) -> None:
    @group.group("report")
    def report() -> None:
        """What was repaired, and how soon."""

    @report.command("attainment")
    @click.option("--by", default="", help="One or two of account, tier, network, province, segment, cause, month, …")
    @click.option("--from", "since", metavar="DAY", help="The first day, in China [the first of the month]")
    @click.option("--to", "until", metavar="DAY", help="The day after the last [tomorrow]")
    @click.option("--account", "of", help="Of this account only")
    @at_center
    @as_whom
    def attainment(
        by: str, since: str | None, until: str | None, of: str | None, url: str, credentials: Path, key: str | None,
        account: str | None,
    ) -> None:  # fmt: skip
        """How many were repaired within 5 hours, 2 hours and the promise, and how long repairs took (h:mm)."""
        from services.commands.asking import ask

        said = {"by": by, "from": since, "to": until, "account": of, "format": "json"}
        params = {name: value for name, value in said.items() if value}
        found = ask(url, "/v1/reports/attainment", key=key_for(credentials, key=key, account=account), params=params)
        click.echo("\n".join(_told(found.json(), [name for name in by.split(",") if name])))


def _told(found: Line, by: Sequence[str]) -> list[str]:
    if found["total"] is None:
        return [f"Nothing was repaired from {found['from']} until {found['to']}."]
    keys = list(dict.fromkeys(by)) or [""]
    rows = [([line[name] or "not known" for name in keys], line) for line in found["items"]] if by else []
    rows.append((["all", *[""] * (len(keys) - 1)], found["total"]))
    cells = [[*said, *(_figure(name, line[name]) for name in FIGURES)] for said, line in rows]
    return [f"Repaired from {found['from']} until {found['to']}, which is not in it", *_table(keys, cells)]


def _table(keys: list[str], cells: list[list[str]]) -> list[str]:
    """Keys to the left, figures to the right."""
    lines = [[*keys, *FIGURES.values()], *cells]
    widths = [max(map(_width, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join(_cell(line[n], widths[n], left=n < len(keys)) for n in range(len(line))).rstrip() for line in lines
    ]


def _cell(text: str, width: int, *, left: bool) -> str:
    space = " " * (width - _width(text))
    return text + space if left else space + text


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "–"
    if name.endswith("_percent"):
        return f"{value:.2f} %"
    return f"{int(value) // 3_600_000}:{int(value) // 60_000 % 60:02d}" if name.endswith("_ms") else str(value)


def _width(text: str) -> int:
    """In columns of a terminal: a Chinese character takes two."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
