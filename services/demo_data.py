"""Demonstration data: the real local networks and backbone, invented accounts, and working credentials in a file."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared.auth.keyring import IssuedKey, Keyring, issue, save_keys
from shared.auth.principal import Principal
from shared.clock import Clock
from shared.db.port import Database, Tx
from shared.registry.files import RegistryFiles, read_registry
from shared.registry.writing import Author, put

DATA = Path(__file__).parents[1] / "deploy" / "data"
CREDENTIALS = "demo-credentials.json"


async def load_demo(database: Database, keyring: Keyring, clock: Clock, folder: Path) -> Path:
    """Load the registry and make sure that `folder` has credentials that work; answers their file."""
    files = read_registry(DATA / "networks.csv", DATA / "demo")
    path = folder / CREDENTIALS
    credentials = None if _work(path, keyring) else _issue(files)

    async def load(tx: Tx) -> None:
        by = Author("system:demo", clock.now())
        await put(tx, files.accounts, files.networks, files.circuits, by=by)
        if credentials:
            await save_keys(tx, credentials, clock.now())

    await database.transact(load)
    if credentials:
        _write(path, credentials)
    return path


def _issue(files: RegistryFiles) -> Sequence[IssuedKey]:
    """One key for the operator, each account and each network that some circuit passes."""
    used = {s.network for c in files.circuits for s in c.segments if s.network}
    principals = [
        Principal("operator", "demo"),
        *(Principal("account", a.id) for a in files.accounts),
        *(Principal("network", n.code) for n in files.networks if n.code in used),
    ]
    return [issue(p) for p in principals]


def _work(path: Path, keyring: Keyring) -> bool:
    """Whether the credentials written before still open the door."""
    if not path.exists():
        return False
    operator = json.loads(path.read_text())["operator"]
    return keyring.principal(f"Bearer {operator}") is not None


def _write(path: Path, keys: Sequence[IssuedKey]) -> None:
    found: dict[str, Any] = {"operator": "", "accounts": {}, "networks": {}}
    for k in keys:
        if k.principal.role == "operator":
            found["operator"] = k.key
        else:
            found[f"{k.principal.role}s"][k.principal.subject] = k.key
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(found, file, indent=2)
    fresh.replace(path)
