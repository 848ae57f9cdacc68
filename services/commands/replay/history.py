"""An incident history as it is in its file: one audit row an update, of which nothing is taken for granted."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import cast

from services.commands.replay.mapping import STATES, State

COLUMNS = ("number", "incident_state", "sys_updated_at")
WHEN = "%d-%m-%Y %H:%M"
MISSING = "?"


@dataclass(frozen=True, slots=True)
class Row:
    """`line` is the file's, the header being 1, `at` is read as UTC, `fields` are all columns as they stand."""

    line: int
    incident: str
    state: State
    at: datetime
    fields: Mapping[str, str]

    def said(self, column: str) -> str | None:
        """The column's text; None when the file does not know."""
        text = self.fields.get(column) or MISSING
        return None if text == MISSING else text

    def instant(self, column: str) -> datetime | None:
        return _instant(self.said(column))


@dataclass(frozen=True, slots=True)
class Incident:
    """`rows` in order of time; those of the same minute as the file has them."""

    number: str
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class History:
    """`incidents` in order of their first row; `unreadable` counts the rows that say nothing usable, by reason."""

    digest: str
    rows: int
    incidents: Sequence[Incident]
    unreadable: Mapping[str, int]


def read_history(path: Path) -> History:
    """Raises ValueError when the file is no incident history at all."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no incident history: it is not UTF-8") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
        raise ValueError(f"{path.name} has no column {', '.join(missing)}")
    rows: dict[str, list[Row]] = defaultdict(list)
    unreadable: Counter[str] = Counter()
    count = 0
    for fields in reader:
        count += 1
        row = _row(reader.line_num, fields)
        if isinstance(row, str):
            unreadable[row] += 1
        else:
            rows[row.incident].append(row)
    incidents = [Incident(number, sorted(found, key=lambda r: (r.at, r.line))) for number, found in rows.items()]
    incidents.sort(key=lambda i: (i.rows[0].at, i.number))
    return History(sha256(content).hexdigest(), count, incidents, unreadable)


def _row(line: int, fields: Mapping[str, str]) -> Row | str:
    """The row, or why it says nothing."""
    number, state, at = (fields[name] or MISSING for name in COLUMNS)
    when = _instant(at)
    if number == MISSING:
        return "the row names no incident"
    if state not in STATES:
        return f"no state of an incident: {state}"
    if when is None:
        return "the row has no instant"
    return Row(line, number, cast(State, state), when, fields)


def _instant(text: str | None) -> datetime | None:
    try:
        return datetime.strptime(text or "", WHEN).replace(tzinfo=UTC)
    except ValueError:
        return None
