"""What must hold of an entry of the registry besides the shape of its fields. Pure.

`check` reads one from plain values (text, numbers, lists, mappings), `names` says which others it speaks of.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from shared.registry.model import Account, Circuit, Network
from shared.registry.shelves import Entry, Kind

Path = tuple[str | int, ...]
Problem = tuple[Path, str]
ADAPTERS: Mapping[Kind, TypeAdapter[Entry]] = {
    "network": TypeAdapter(Network),
    "account": TypeAdapter(Account),
    "circuit": TypeAdapter(Circuit),
}


def check(kind: Kind, given: Any) -> Entry | list[Problem]:
    """The entry, or what is wrong with it: where, and why."""
    try:
        entry = ADAPTERS[kind].validate_python(given)
    except ValidationError as error:
        return [(e["loc"], _message(e)) for e in error.errors(include_url=False)]
    return list(contradictions(entry)) or entry


def names(entry: Entry) -> Iterator[tuple[Path, Kind, str]]:
    """The other entries that must exist: where it names them, their kind and id."""
    match entry:
        case Account(parent=str(parent)):
            yield ("parent",), "account", parent
        case Circuit():
            yield ("account",), "account", entry.account
            yield ("a_end", "network"), "network", entry.a_end.network
            yield ("z_end", "network"), "network", entry.z_end.network
            for number, segment in enumerate(entry.segments):
                if segment.network:
                    yield ("segments", number, "network"), "network", segment.network
        case _:
            return


def contradictions(entry: Entry) -> Iterator[Problem]:
    if isinstance(entry, Account) and entry.parent == entry.id:
        yield ("parent",), "is the account itself"
    if isinstance(entry, Circuit):
        seen: set[str] = set()
        for number, segment in enumerate(entry.segments):
            if segment.id in seen:
                yield ("segments", number, "id"), "is the id of an earlier segment too"
            seen.add(segment.id)
            if (segment.network is None) == (segment.party is None):
                yield ("segments", number, "network"), "name either the network that is responsible or the party"


def _message(error: Any) -> str:
    if error["type"] == "missing":
        return "is required"
    if error["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        return "is not known here"
    return str(error["msg"]).removeprefix("Value error, ")
