"""API keys: only hashes are kept, a new key works and a revoked one is refused as soon as the registry is followed."""

import re

import pytest

from shared.auth.keyring import IssuedKey, Keyring, digest, issue, revoke_key, save_keys
from shared.auth.principal import Principal
from shared.db.port import Database
from shared.registry.following import Follower
from shared.testing.clock import START
from tests.cases import ACCOUNT

GRID = Principal("account", ACCOUNT)
CHUXIONG = Principal("network", "0878")


async def save(store: Database, *issued: IssuedKey) -> None:
    await store.transact(lambda tx: save_keys(tx, issued, START))


async def revoke(store: Database, key_id: str) -> bool:
    return await store.transact(lambda tx: revoke_key(tx, key_id, START))


@pytest.fixture
async def keyring(store: Database) -> Keyring:
    return Keyring(store)


@pytest.fixture
async def follower(store: Database, keyring: Keyring) -> Follower:
    return Follower(store, keyring)


def caller(keyring: Keyring, issued: IssuedKey) -> str | None:
    return actor(keyring, f"Bearer {issued.key}")


def actor(keyring: Keyring, authorization: str) -> str | None:
    found = keyring.principal(authorization)
    return found.actor if found else None


async def test_new_key_works_after_a_refresh(store: Database, keyring: Keyring, follower: Follower) -> None:
    await follower.refresh()
    key = issue(GRID)
    await save(store, key)
    assert caller(keyring, key) is None
    await follower.refresh()
    assert caller(keyring, key) == GRID.actor


async def test_revoked_key_is_refused_after_a_refresh(store: Database, keyring: Keyring, follower: Follower) -> None:
    key, other = issue(GRID), issue(GRID)
    await save(store, key, other)
    await follower.refresh()
    assert await revoke(store, key.id)
    await follower.refresh()
    assert (caller(keyring, key), caller(keyring, other)) == (None, GRID.actor)


async def test_key_that_does_not_exist_can_not_be_revoked(store: Database) -> None:
    assert not await revoke(store, "none")


async def test_each_key_belongs_to_its_own_caller(store: Database, keyring: Keyring) -> None:
    keys = [issue(GRID), issue(CHUXIONG), issue(Principal("operator", "noc-1"))]
    await save(store, *keys)
    await keyring.load()
    assert [caller(keyring, key) for key in keys] == ["account:state-grid", "network:0878", "operator:noc-1"]


@pytest.mark.parametrize("form", ["Bearer {}", "bearer {}", "BEARER {} ", "Bearer  {}"])
async def test_scheme_is_read_as_http_has_it(store: Database, keyring: Keyring, form: str) -> None:
    key = issue(GRID)
    await save(store, key)
    await keyring.load()
    assert actor(keyring, form.format(key.key)) == GRID.actor


@pytest.mark.parametrize("form", ["", "{}", "Bearer", "Bearer ", "Basic {}", "Bearer {}x", "Bearer x{}", "Bearer é"])
async def test_anything_else_is_nobody(store: Database, keyring: Keyring, form: str) -> None:
    key = issue(GRID)
    await save(store, key)
    await keyring.load()
    assert keyring.principal(form.format(key.key)) is None


async def test_hash_that_is_stored_is_no_key(store: Database, keyring: Keyring) -> None:
    key = issue(GRID)
    await save(store, key)
    await keyring.load()
    assert keyring.principal(f"Bearer {digest(key.key).hex()}") is None


def test_key_names_its_id_and_holds_256_random_bits() -> None:
    key = issue(GRID)
    assert re.fullmatch(rf"vrc_{key.id}_[0-9a-f]{{64}}", key.key)
    assert len({issue(GRID).key for _ in range(100)}) == 100
