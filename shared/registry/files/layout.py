"""Which files and columns there are, and where in an entry each column's value belongs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.registry.rules import Path
from shared.registry.shelves import Kind

_CONTACT = ("name", "role", "phone", "email", "language", "window")
NUMBERS = frozenset({"bandwidth_mbps", "confirmation_timeout_h"})
BOOLEANS = {"protected", "parent_may_read"}
LISTS = frozenset({"languages"})


def _contact(prefix: str, path: Path) -> dict[str, Path]:
    return {f"{prefix}_{name}": (*path, name) for name in _CONTACT}


def _plain(*names: str) -> dict[str, Path]:
    return {name: (name,) for name in names}


def _under(name: str, *columns: str) -> dict[str, Path]:
    return {column: (name, column) for column in columns}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One CSV file. `columns` are in order, the first is the key; `required` must be in the header."""

    name: str
    columns: Mapping[str, Path]
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class Part:
    """A sheet whose rows belong to an entry of another; the first column names it. `place` is the list they make, or
    the column that says which."""

    sheet: Sheet
    place: str
    sorted_by: str | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    kind: Kind
    sheet: Sheet
    part: Part


LAYOUTS: Sequence[Layout] = (
    Layout(
        "network",
        Sheet(
            "networks.csv",
            _plain("code", "name_zh", "name_en", "province_zh", "province_en", "merged", "door", "state", "languages"),
            frozenset({"code", "name_zh", "name_en", "province_zh", "province_en"}),
        ),
        Part(
            Sheet("network_contacts.csv", _plain("network", "list", *_CONTACT), frozenset({"network", "list", "name"})),
            "list",
        ),
    ),
    Layout(
        "account",
        Sheet(
            "accounts.csv",
            {
                **_plain("id", "name_zh", "name_en", "sector", "tier", "group", "parent"),
                **_contact("manager", ("manager",)),
                **_under("contract", "service_level", "reporters", "confirmation_timeout_h", "parent_may_read"),
                **_plain("notes"),
            },
            frozenset({"id", "name_zh", "name_en", "sector", "tier"}),
        ),
        Part(Sheet("account_contacts.csv", _plain("account", *_CONTACT), frozenset({"account", "name"})), "contacts"),
    ),
    Layout(
        "circuit",
        Sheet(
            "circuits.csv",
            {
                **_plain("id", "account", "service", "bandwidth_mbps", "protected"),
                **{f"{end}_{name}": (f"{end}_end", name) for end in "az" for name in ("network", "site", "address")},
                **_plain("monthly_fee"),
            },
            frozenset({
                "id", "account", "service", "bandwidth_mbps", "protected", "a_network", "a_site", "z_network", "z_site",
            }),
        ),
        Part(
            Sheet(
                "segments.csv",
                {
                    **_plain(
                        "circuit", "position", "id", "kind", "side", "network", "party", "between", "demarcation"
                    ),
                    **_contact("contact", ("contact",)),
                },
                frozenset({"circuit", "id", "kind"}),
            ),
            "segments",
            "position",
        ),
    ),
)  # fmt: skip


def valued(name: str, text: str) -> Any:
    """A field's text as what the field holds; what can't be that is left for the check to refuse."""
    if name in NUMBERS and text.isascii() and text.isdecimal():
        return int(text[:20])
    if name in BOOLEANS and text in ("true", "false"):
        return text == "true"
    return text


def nested(row: Mapping[str, str], columns: Mapping[str, Path]) -> dict[str, Any]:
    """A row's values, those that are not empty, where they belong."""
    found: dict[str, Any] = {}
    for column, path in columns.items():
        if text := row.get(column):
            into = found
            for name in path[:-1]:
                into = into.setdefault(str(name), {})
            into[str(path[-1])] = text.split() if column in LISTS else valued(column, text)
    return found


def flat(values: Mapping[str, Any], columns: Mapping[str, Path]) -> list[str]:
    """The inverse of `nested`: a row of texts."""
    return [_text(_at(values, path)) for path in columns.values()]


def _at(values: Any, path: Path) -> Any:
    for name in path:
        values = values.get(name) if values else None
    return values


def _text(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case list() | tuple():
            return " ".join(value)
        case _:
            return str(value)


def column_of(path: Path, columns: Mapping[str, Path]) -> str:
    """The column a path into an entry comes from, or the path itself."""
    for column, where in columns.items():
        if where == path[: len(where)]:
            return column
    return ".".join(map(str, path))
