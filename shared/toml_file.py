"""A TOML file that people write, read into a checked value; what is wrong is named by file, line and field."""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
Place = tuple[str | int, ...]
Wrong = tuple[Place, str]
HEADER = re.compile(r"^(\[\[?)([^\[\]]+)\]\]?\s*(#.*)?$")
KEY = re.compile(r"""^([\w.-]+|"[^"]*"|'[^']*')\s*=""")


def read_toml(path: Path, shape: type[M], check: Callable[[M], Iterable[Wrong]] = lambda found: ()) -> M:
    """`check` finds what one field alone doesn't tell. Raises ValueError, `sla.toml, line 34: tiers.gold: Input …`, a
    line each; OSError when it can't be read."""
    try:
        text = path.read_text(encoding="utf-8")
        found = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: is not UTF-8 (byte {error.start})") from None
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: is not TOML: {error}") from None
    try:
        checked = shape.model_validate(found)
    except ValidationError as error:
        raise ValueError(_told(path, text, [(e["loc"], _message(e["msg"])) for e in error.errors()])) from None
    if wrong := list(check(checked)):
        raise ValueError(_told(path, text, wrong))
    return checked


def _message(said: str) -> str:
    return said.removeprefix("Value error, ")


def _told(path: Path, text: str, wrong: Iterable[Wrong]) -> str:
    known = lines(text)
    return "\n".join(_one(path, known, place, said) for place, said in wrong)


def _one(path: Path, known: Mapping[Place, int], place: Place, said: str) -> str:
    """The line of the field, or of what it should stand in."""
    near = [known[place[:n]] for n in range(len(place), 0, -1) if place[:n] in known]
    where = f"{path}, line {near[0]}" if near else str(path)
    return f"{where}: {'.'.join(map(str, place)) or 'the file'}: {said}"


def lines(text: str) -> Mapping[Place, int]:
    """The line of every table and key that begins one, by its path; the tables of a list are counted from 0."""
    found: dict[Place, int] = {}
    table: Place = ()
    tables: Counter[Place] = Counter()
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        if header := HEADER.match(line):
            table = _counted(_names(header[2]), tables, begins_another=header[1] == "[[")
            for depth in range(1, len(table) + 1):
                found.setdefault(table[:depth], number)
        elif key := KEY.match(line):
            found.setdefault((*table, *_names(key[1])), number)
    return found


def _counted(names: Place, tables: Counter[Place], *, begins_another: bool) -> Place:
    """`rules` → `rules.2`, also where `[rules.hours]` belongs to the last of them."""
    place: Place = ()
    for depth, name in enumerate(names, 1):
        place = (*place, name)
        if begins_another and depth == len(names):
            tables[place] += 1
        if tables[place]:
            place = (*place, tables[place] - 1)
    return place


def _names(dotted: str) -> Place:
    return tuple(name.strip().strip("\"'") for name in re.findall(r"""\s*("[^"]*"|'[^']*'|[^.]+)""", dotted))
