"""Demonstration data: the real local networks and backbone, invented accounts, and working credentials in a file."""

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from shared.audit.shell import at_shell
from shared.audit.trail import record
from shared.auth import store
from shared.auth.desk import issuing
from shared.auth.keys import IssuedKey, KeyTerms, Mint
from shared.auth.permissions import KeyRole, grants_of
from shared.clock import Clock
from shared.db.port import Database, Tx
from shared.errors import Unauthenticated
from shared.registry.files.whole import RegistryFiles, read_registry
from shared.registry.writing import Author, put

DATA = Path(__file__).parents[1] / "deploy" / "data"
CREDENTIALS = "demo-credentials.json"


async def load_demo(database: Database, mint: Mint, clock: Clock, folder: Path) -> Path:
    """Load the registry and make sure that `folder` has credentials that work; answers their file."""
    files = read_registry(DATA / "networks.csv", DATA / "demo")
    path = folder / CREDENTIALS
    credentials = None if await _works(_operator_key(path), database, mint) else _issue(files, mint, clock.now())

    async def load(tx: Tx) -> None:
        by = Author("system:demo", clock.now())
        await put(tx, files.accounts, files.networks, files.circuits, by=by)
        if credentials:
            await store.save(tx, [issued.record for issued in credentials])
            who = at_shell()
            await record(tx, *(issuing(issued.record, who) for issued in credentials))

    await database.transact(load)
    if credentials:
        _write(path, credentials)
    return path


def _issue(files: RegistryFiles, mint: Mint, now: datetime) -> Sequence[IssuedKey]:
    """One key for the operator, each account and each network that some circuit passes; each may all its role can."""
    used = {s.network for c in files.circuits for s in c.segments if s.network}
    whose: list[tuple[KeyRole, str]] = [
        ("operator", "demo"),
        *(("account", a.id) for a in files.accounts),
        *(("network", n.code) for n in files.networks if n.code in used),
    ]
    return [mint.issue(KeyTerms(role, subject, frozenset(grants_of(role))), now) for role, subject in whose]


def _operator_key(path: Path) -> str | None:
    """That of the credentials written before."""
    return str(json.loads(path.read_text())["operator"]) if path.exists() else None


async def _works(operator: str | None, database: Database, mint: Mint) -> bool:
    """Whether the credentials written before still open the door."""
    if operator is None:
        return False
    try:
        key = await store.get(database, mint.id_of(operator))
    except Unauthenticated:
        return False
    return key is not None and key.hash == mint.hash(operator) and key.revoked_at is None


def _write(path: Path, keys: Sequence[IssuedKey]) -> None:
    found: dict[str, Any] = {"operator": "", "accounts": {}, "networks": {}}
    for k in keys:
        if k.terms.role == "operator":
            found["operator"] = k.key
        else:
            found[f"{k.terms.role}s"][k.terms.subject] = k.key
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(found, file, indent=2)
    fresh.replace(path)
