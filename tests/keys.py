"""Keys for tests: a master key that never changes, and keys that may all their role can unless a test says less."""

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from shared.auth import store
from shared.auth.keyring import Keyring
from shared.auth.keys import IssuedKey, KeyTerms, Mint
from shared.auth.permissions import KeyRole, grants_of
from shared.clock import Clock
from shared.db.port import Database, Tx
from shared.ids import AccountId
from shared.secrets import Secrets
from shared.settings import Settings
from shared.testing.clock import START

MASTER = bytes(range(32))
MINT = Mint(Settings().environment, Secrets(MASTER))


def issued(role: KeyRole, subject: str, *grants: str, **terms: Any) -> IssuedKey:
    """Without `grants`: all that somebody of this role can be granted."""
    return MINT.issue(KeyTerms(role, subject, frozenset(grants or grants_of(role)), **terms), START)


async def save(tx: Tx, keys: Iterable[IssuedKey]) -> None:
    await store.save(tx, [key.record for key in keys])


def only_its_own(account: AccountId) -> frozenset[AccountId]:
    return frozenset({account})


def keyring_on(database: Database, clock: Clock) -> Keyring:
    return Keyring(database, MINT, clock, readable_by=only_its_own)


def write_master_key(folder: Path) -> Path:
    path = folder / "master.key"
    path.touch(0o600)
    path.write_bytes(base64.b64encode(MASTER))
    return path
