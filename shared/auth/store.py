"""Keys in and out of the database. Whatever changes one tells every process to load its keyring anew."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from ipaddress import ip_network
from typing import Any

import orjson
from sqlalchemy import BigInteger, Text, bindparam, func, or_, select, tuple_, update

from shared.auth.keys import Key, KeyTerms
from shared.auth.permissions import KeyRole
from shared.auth.tables import KEY_COLUMNS, api_keys
from shared.clock import from_ms, to_ms
from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of
from shared.registry.tables import accounts, networks
from shared.registry.version import bump

LOCK_CLASS = 0x5652_4304  # "VRC", keys of one subject
LOADING_S = 60.0

k = api_keys.c
PUT = BulkInsert(api_keys, KEY_COLUMNS)
UNREVOKED = Query(select(api_keys).where(k.revoked_at.is_(None)))
GET = Query(select(api_keys).where(k.id == bindparam("key")))
LIVE = Query(
    select(api_keys)
    .where(
        k.role == bindparam("role"),
        k.subject == bindparam("subject"),
        k.revoked_at.is_(None),
        or_(k.expires_at.is_(None), k.expires_at > bindparam("now", type_=BigInteger())),
    )
    .order_by(k.created_at, k.id)
)
_role, _subject = bindparam("role", type_=Text()), bindparam("subject", type_=Text())
PAGE = Query(
    select(api_keys)
    .where(
        or_(_role.is_(None), k.role == _role),
        or_(_subject.is_(None), k.subject == _subject),
        tuple_(k.created_at, k.id) < tuple_(bindparam("at", type_=BigInteger()), bindparam("id", type_=Text())),
    )
    .order_by(k.created_at.desc(), k.id.desc())
    .limit(bindparam("most"))
)
REVOKE = Query(
    update(api_keys)
    .where(k.id == bindparam("key"), k.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
    .returning(k.id)
)
REVOKE_ALL = Query(update(api_keys).where(k.revoked_at.is_(None)).values(revoked_at=bindparam("at")).returning(k.id))
REVOKE_OF = Query(
    update(api_keys)
    .where(k.role == bindparam("of"), any_of(k.subject, "subjects"), k.revoked_at.is_(None))
    .values(revoked_at=bindparam("at"))
    .returning(*api_keys.c)
)
USED = Query(
    update(api_keys)
    .where(any_of(k.id, "keys"), func.coalesce(k.last_used_at, 0) <= bindparam("since", type_=BigInteger()))
    .values(last_used_at=bindparam("at", type_=BigInteger()))
)
ACCOUNT = Query(select(accounts.c.id).where(accounts.c.id == bindparam("subject")))
NETWORK = Query(select(networks.c.code).where(networks.c.code == bindparam("subject")))


async def save(tx: Tx, keys: Iterable[Key]) -> None:
    await tx.insert(PUT, [_row(key) for key in keys])
    await bump(tx)


async def revoke(tx: Tx, id: str, now: datetime) -> bool:
    """False when there is no such key that is not revoked."""
    found = await tx.fetch(REVOKE, key=id, at=to_ms(now))
    await bump(tx)
    return bool(found)


async def revoke_all(tx: Tx, now: datetime) -> int:
    """How many they were."""
    found = await tx.fetch(REVOKE_ALL, at=to_ms(now))
    await bump(tx)
    return len(found)


async def revoke_of(tx: Tx, role: KeyRole, subjects: Sequence[str], now: datetime) -> Sequence[Key]:
    """The keys of all these that were not revoked before."""
    found = await tx.fetch(REVOKE_OF, of=role, subjects=list(subjects), at=to_ms(now))
    if found:
        await bump(tx)
    return [_key(row) for row in found]


async def lock(tx: Tx, role: KeyRole, subject: str) -> None:
    """Until the commit, nobody else issues a key to this subject."""
    if tx.dialect == "postgresql":
        await tx.raw.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", LOCK_CLASS, f"{role}:{subject}")


async def live(tx: Tx, role: KeyRole, subject: str, now: datetime) -> Sequence[Key]:
    """Oldest first."""
    return [_key(row) for row in await tx.fetch(LIVE, role=role, subject=subject, now=to_ms(now))]


async def exists(tx: Tx, role: KeyRole, subject: str) -> bool:
    """Whether the registry knows the subject; operators are not in it, any name is theirs."""
    query = {"account": ACCOUNT, "network": NETWORK}.get(role)
    return query is None or bool(await tx.fetch(query, subject=subject))


async def get(source: Database | Tx, id: str) -> Key | None:
    rows = await source.fetch(GET, key=id)
    return _key(rows[0]) if rows else None


async def unrevoked(database: Database) -> Iterable[Key]:
    """Read at once, made one by one as they are taken."""
    return map(_key, await database.fetch(UNREVOKED, patience_s=LOADING_S))


async def newest(
    database: Database, *, role: str | None, subject: str | None, before: tuple[int, str] | None, most: int
) -> Sequence[Key]:
    """Newest first, revoked ones too. `before`: creation in ms and id of the last one of the page before."""
    at, id = before or (2**62, "")
    return [_key(row) for row in await database.fetch(PAGE, role=role, subject=subject, at=at, id=id, most=most)]


def place(key: Key) -> tuple[int, str]:
    """Where `newest` goes on after this key."""
    return to_ms(key.created_at), key.id


async def used(tx: Tx, ids: Sequence[str], *, at: datetime, since: datetime) -> None:
    """Leaves alone what another process has recorded since then."""
    await tx.fetch(USED, keys=ids, at=to_ms(at), since=to_ms(since))


def _row(key: Key) -> tuple[Any, ...]:
    t = key.terms
    return (
        key.id, key.hash, t.role, t.subject, orjson.dumps(sorted(t.grants)).decode(),
        orjson.dumps([str(network) for network in t.addresses]).decode(), t.label, to_ms(key.created_at),
        t.expires_at and to_ms(t.expires_at), None, None,
    )  # fmt: skip


def _key(row: Row) -> Key:
    def at(name: str) -> datetime | None:
        return None if row[name] is None else from_ms(row[name])

    terms = KeyTerms(
        role=row["role"], subject=row["subject"], grants=frozenset(orjson.loads(row["grants"])),
        expires_at=at("expires_at"), addresses=tuple(ip_network(text) for text in orjson.loads(row["addresses"])),
        label=row["label"],
    )  # fmt: skip
    return Key(row["id"], bytes(row["hash"]), terms, from_ms(row["created_at"]), at("revoked_at"), at("last_used_at"))
