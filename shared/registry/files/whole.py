"""A registry that is small enough to be read whole, such as the demonstration's."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shared.registry.files.csv_files import CsvFiles
from shared.registry.importing import Fault
from shared.registry.model import Account, Circuit, Network


@dataclass(frozen=True, slots=True)
class RegistryFiles:
    accounts: Sequence[Account]
    networks: Sequence[Network]
    circuits: Sequence[Circuit]


def read_registry(networks: Path, folder: Path) -> RegistryFiles:
    """`networks` is networks.csv; `folder` holds the other files. Raises ValueError with the first fault."""
    files = CsvFiles(folder, elsewhere={"networks.csv": networks})
    items = list(files.items())
    files.spool.close()
    for item in items:
        if isinstance(item, Fault):
            raise ValueError(str(item))
    entries = [item.entry for item in items if not isinstance(item, Fault)]
    return RegistryFiles(
        accounts=[entry for entry in entries if isinstance(entry, Account)],
        networks=[entry for entry in entries if isinstance(entry, Network)],
        circuits=[entry for entry in entries if isinstance(entry, Circuit)],
    )
