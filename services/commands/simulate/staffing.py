"""How many repair crews a local network has, and when: from a TOML file, with calendars as an SLA policy has them.

crews = 2                  # of each network that is not named below
calendar = "day"           # when they are on duty; left out: round the clock
on_call = 1                # how many are on duty outside of these hours

[networks.010]
crews = 6

[calendars.day]
time_zone = "Asia/Shanghai"
hours = { mon-sat = ["08:00-18:00"] }
holidays = "china"
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from shared.clock import from_ms
from shared.contracts.progress import Network
from shared.ids import NetworkCode
from shared.tickets.calendar_file import CalendarTable, calendar_of
from shared.tickets.calendars import Calendar, windows
from shared.toml_file import Wrong, read_toml

Count = Annotated[int, Field(ge=0, le=1_000)]
DAY, AHEAD, AT_ONCE = timedelta(days=1), timedelta(days=400), 30


class _Roster(BaseModel):
    model_config = ConfigDict(extra="forbid")

    crews: Count
    on_call: Count = 0
    calendar: str | None = None


class _File(_Roster):
    networks: dict[Network, _Roster] = {}
    calendars: dict[str, CalendarTable] = {}


@dataclass
class Shifts:
    """When a calendar's hours begin and end, written out as far as anybody asked."""

    calendar: Calendar
    _edges: list[int] = field(default_factory=list)
    _until: date | None = None

    def is_open(self, at: int) -> bool:
        return bisect_right(self._written(at), at) % 2 == 1

    def changes_after(self, at: int) -> int | None:
        edges = self._written(at)
        following = bisect_right(edges, at)
        return edges[following] if following < len(edges) else None

    def _written(self, at: int) -> list[int]:
        """Begin and end by turns, from before `at` to the first edge after it, if there is one in sight."""
        day = self.calendar.day_of(from_ms(at))
        if self._until is None:
            self._until = day - DAY
        while (not self._edges or self._edges[-1] <= at) and self._until < day + AHEAD:
            for _ in range(AT_ONCE):
                self._add(self._until)
                self._until += DAY
        return self._edges

    def _add(self, day: date) -> None:
        for opens, closes in windows(self.calendar, day):
            if self._edges and opens <= self._edges[-1]:
                self._edges[-1] = max(closes, self._edges[-1])
            else:
                self._edges += (opens, closes)


@dataclass(frozen=True, slots=True)
class Roster:
    """Of one network. Without `shifts` there are `crews` round the clock; else `on_call` of them outside of hours."""

    crews: int
    on_call: int
    shifts: Shifts | None

    def on(self, at: int) -> int:
        return self.crews if self.shifts is None or self.shifts.is_open(at) else self.on_call

    def changes_after(self, at: int) -> int | None:
        return None if self.shifts is None else self.shifts.changes_after(at)


@dataclass(frozen=True, slots=True)
class Staffing:
    otherwise: Roster
    networks: Mapping[NetworkCode, Roster]

    def of(self, network: NetworkCode) -> Roster:
        return self.networks.get(network, self.otherwise)


def read_staffing(path: Path) -> Staffing:
    """Raises ValueError naming file, line and field, OSError."""
    found = read_toml(path, _File, _contradictions)
    shifts = {name: Shifts(calendar_of(name, table)) for name, table in found.calendars.items()}

    def roster(given: _Roster) -> Roster:
        return Roster(given.crews, given.on_call, shifts[given.calendar] if given.calendar else None)

    return Staffing(roster(found), {NetworkCode(code): roster(given) for code, given in found.networks.items()})


def _contradictions(file: _File) -> Iterator[Wrong]:
    rosters: list[tuple[tuple[str, ...], _Roster]] = [((), file)]
    rosters += [(("networks", code), roster) for code, roster in file.networks.items()]
    for place, roster in rosters:
        if roster.calendar is not None and roster.calendar not in file.calendars:
            yield (*place, "calendar"), f"there is no calendar {roster.calendar}"
        if roster.on_call > roster.crews:
            yield (*place, "on_call"), "are more than there are crews"
        if roster.on_call and roster.calendar is None:
            yield (*place, "on_call"), "is for a calendar's other hours, and no calendar is named"
