"""API keys with a role, kept as hashes, looked up in memory.

`vrc_<key id>_<secret>`; the secret is 256 random bits, shown once. A key made or revoked by any process counts
everywhere within about a second.
"""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import bindparam, select, update

from shared.auth.permissions import Role, granted, grants_of
from shared.auth.principal import Principal
from shared.clock import to_ms
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query
from shared.ids import AccountId
from shared.registry.tables import KEY_COLUMNS, api_keys
from shared.registry.version import bump

LIVE_KEYS = Query(select(api_keys.c.hash, api_keys.c.role, api_keys.c.subject).where(api_keys.c.revoked_at.is_(None)))
PUT_KEYS = BulkInsert(api_keys, KEY_COLUMNS)
REVOKE = Query(
    update(api_keys)
    .where(api_keys.c.id == bindparam("key"))
    .values(revoked_at=bindparam("at"))
    .returning(api_keys.c.id)
)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    principal: Principal
    id: str
    key: str


def issue(principal: Principal) -> IssuedKey:
    id = secrets.token_hex(6)
    return IssuedKey(principal, id, f"vrc_{id}_{secrets.token_hex(32)}")


def digest(key: str) -> bytes:
    return sha256(key.encode("utf-8", "surrogateescape")).digest()


async def save_keys(tx: Tx, issued: Iterable[IssuedKey], now: datetime) -> None:
    rows = [(k.id, digest(k.key), k.principal.role, k.principal.subject, to_ms(now), None) for k in issued]
    await tx.insert(PUT_KEYS, rows)
    await bump(tx)


async def revoke_key(tx: Tx, key_id: str, now: datetime) -> bool:
    """False when there is no such key."""
    found: Sequence[object] = await tx.fetch(REVOKE, key=key_id, at=to_ms(now))
    await bump(tx)
    return bool(found)


class Keyring:
    """The live keys by hash; the registry's follower reloads it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._principals: dict[bytes, Principal] = {}

    async def load(self) -> None:
        rows = await self._database.fetch(LIVE_KEYS, patience_s=60)
        self._principals = {bytes(r["hash"]): _principal(r["role"], r["subject"]) for r in rows}

    def principal(self, authorization: str) -> Principal | None:
        """Whose key an `Authorization: Bearer <key>` header carries."""
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        return self._principals.get(digest(key.strip()))


def _principal(role: Role, subject: str) -> Principal:
    reads = None if role == "operator" else frozenset[AccountId]()
    return Principal(role, subject, granted(role, list(grants_of(role))), reads)
