"""The registry from CSV files: networks, accounts, circuits, segments. Raises ValueError with file and line."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.registry.model import Account, Circuit, End, Network, Segment

T = TypeVar("T")
# Made once: an adapter takes as long to make as a thousand rows to read.
SEGMENT, CIRCUIT = TypeAdapter(Segment), TypeAdapter(Circuit)
ACCOUNT, NETWORK = TypeAdapter(Account), TypeAdapter(Network)


@dataclass(frozen=True, slots=True)
class RegistryFiles:
    accounts: Sequence[Account]
    networks: Sequence[Network]
    circuits: Sequence[Circuit]


def read_registry(networks: Path, folder: Path) -> RegistryFiles:
    """`networks` is networks.csv; `folder` holds accounts.csv, circuits.csv and segments.csv."""
    segments: dict[str, list[Segment]] = defaultdict(list)
    for circuit, segment in _read(folder / "segments.csv", lambda row: (row["circuit"], _segment(row))):
        segments[circuit].append(segment)
    return RegistryFiles(
        accounts=list(_read(folder / "accounts.csv", _account)),
        networks=list(_read(networks, _network)),
        circuits=list(_read(folder / "circuits.csv", lambda row: _circuit(row, segments[row["id"]]))),
    )


def _read(path: Path, make: Callable[[dict[str, str]], T]) -> Iterator[T]:
    with path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file), 2):
            try:
                yield make(row)
            except (KeyError, ValueError, ValidationError) as error:
                raise ValueError(f"{path.name}, line {line}: {error}") from error


def _account(row: dict[str, str]) -> Account:
    return ACCOUNT.validate_python(row)


def _network(row: dict[str, str]) -> Network:
    names = ("code", "name_zh", "name_en", "province_zh", "province_en")
    return NETWORK.validate_python({name: row[name] for name in names})


def _segment(row: dict[str, str]) -> Segment:
    names = ("id", "kind", "side", "network", "party", "between")
    return SEGMENT.validate_python({name: row[name] or None for name in names})


def _circuit(row: dict[str, str], segments: list[Segment]) -> Circuit:
    ends = {
        f"{end}_end": End(**{"network": row[f"{end}_network"], "site": row[f"{end}_site"]})  # type: ignore[arg-type]
        for end in "az"
    }
    plain: dict[str, object] = {name: row[name] for name in ("id", "account", "service")}
    plain["bandwidth_mbps"] = int(row["bandwidth_mbps"])
    plain["protected"] = {"true": True, "false": False}.get(row["protected"])
    return CIRCUIT.validate_python({**plain, **ends, "segments": tuple(segments)})
