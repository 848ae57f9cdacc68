"""The keyring over both databases: what is issued opens the door, and what ends closes it, in every process."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from ipaddress import ip_address, ip_network

import pytest
from sqlalchemy import select

from shared.auth import store
from shared.auth.desk import KeyDesk
from shared.auth.keyring import Address, Keyring
from shared.auth.keys import IssuedKey, KeyTerms, Mint
from shared.auth.permissions import PERMISSIONS
from shared.auth.principal import Principal
from shared.auth.tables import api_keys
from shared.db.port import Database
from shared.db.statement import Query
from shared.errors import Forbidden, IllegalMove, InvalidInput, NotFound, Unauthenticated
from shared.ids import AccountId
from shared.registry.following import Follower
from shared.registry.writing import put
from shared.secrets import Secrets
from shared.testing.clock import START, ManualClock
from tests import registry
from tests.cases import SEED
from tests.keys import MINT, issued, keyring_on, save
from tests.registry import BANK, GRID

DAY = timedelta(days=1)
READER = KeyTerms("account", GRID, frozenset({"tickets:read"}), label="dashboard")
EVERYTHING = Query(select(api_keys))


@pytest.fixture
async def keyring(store: Database, clock: ManualClock) -> Keyring:
    await store.transact(lambda tx: put(tx, registry.ACCOUNTS, registry.NETWORKS, (), by=SEED))
    return keyring_on(store, clock)


@pytest.fixture
async def desk(keyring: Keyring, store: Database, clock: ManualClock) -> KeyDesk:
    """Keyring first: the subjects that keys are issued to are in the registry by then."""
    return KeyDesk(store, MINT, clock)


Use = Callable[..., Awaitable[Principal]]


@pytest.fixture
async def use(keyring: Keyring, store: Database) -> Use:
    """Shows a key at the door of a process that follows the changes."""
    follower = Follower(store, keyring)

    async def show(key: IssuedKey | str, address: Address | None = None) -> Principal:
        await follower.refresh()
        return keyring.principal(key if isinstance(key, str) else key.key, lambda: address)

    return show


async def test_key_opens_for_its_subject_with_its_scopes_alone(desk: KeyDesk, use: Use) -> None:
    key = await desk.issue(READER)
    caller = await use(key)
    assert (caller.actor, caller.reads, caller.credential) == (f"account:{GRID}", {GRID}, f"key:{key.id}")
    assert caller.permissions == {"tickets:read", "keys:rotate"}


async def test_what_a_caller_may_read_comes_from_the_registry(store: Database, clock: ManualClock) -> None:
    family = frozenset({AccountId(GRID), AccountId(BANK)})
    keyring, key = Keyring(store, MINT, clock, readable_by=lambda _: family), issued("account", GRID)
    everything, nothing = issued("operator", "noc"), issued("network", "010")
    await store.transact(lambda tx: save(tx, [key, everything, nothing]))
    await keyring.load()
    reads = [keyring.principal(k.key, lambda: None).reads for k in (key, everything, nothing)]
    assert reads == [family, None, frozenset()]


async def test_new_and_revoked_keys_count_as_soon_as_they_are_followed(
    desk: KeyDesk, use: Use, keyring: Keyring
) -> None:
    key, other = await desk.issue(READER), await desk.issue(READER)
    with pytest.raises(Unauthenticated):
        keyring.principal(key.key, lambda: None)
    await use(key)
    await desk.revoke(key.id)
    with pytest.raises(Unauthenticated):
        await use(key)
    assert (await use(other)).subject == GRID


async def test_revocation_is_seen_by_another_process(desk: KeyDesk, store: Database, clock: ManualClock) -> None:
    here, there = keyring_on(store, clock), keyring_on(store, clock)
    key = await desk.issue(READER)
    for keyring in (here, there):
        await keyring.load()
    await desk.revoke(key.id)
    await Follower(store, there).refresh()
    with pytest.raises(Unauthenticated):
        there.principal(key.key, lambda: None)


async def test_expired_key_is_refused_at_its_instant_and_told_so(desk: KeyDesk, use: Use, clock: ManualClock) -> None:
    key = await desk.issue(KeyTerms("operator", "probe", frozenset({"noc"}), expires_at=START + DAY))
    clock.advance(DAY - timedelta(milliseconds=1))
    await use(key)
    clock.advance(timedelta(milliseconds=1))
    with pytest.raises(Unauthenticated, match=r"expired at 2026-11-22T08:00:00\.000Z"):
        await use(key)


async def test_key_of_another_environment_is_told_so(use: Use) -> None:
    live = Mint("live", Secrets(bytes(32))).issue(READER, START)
    with pytest.raises(Unauthenticated, match="for the environment `live`, and this center is `local`"):
        await use(live)


async def test_key_of_another_master_key_is_nobodys(store: Database, use: Use) -> None:
    forged = Mint("local", Secrets(bytes(32))).issue(READER, START)
    await store.transact(lambda tx: save(tx, [forged]))
    with pytest.raises(Unauthenticated):
        await use(forged)


@pytest.mark.parametrize("change", ["{}x", "x{}", "{}_", "vrc_local_{id}_", "vrc__{id}_" + "0" * 64, "{id}", ""])
async def test_anything_like_a_key_is_nobodys(desk: KeyDesk, use: Use, change: str) -> None:
    key = await desk.issue(READER)
    with pytest.raises(Unauthenticated, match="valid"):
        await use(change.format(key.key, id=key.id))


async def test_what_is_stored_is_no_key_and_holds_none(desk: KeyDesk, use: Use, store: Database) -> None:
    key = await desk.issue(READER)
    (row,) = await store.fetch(EVERYTHING)
    secret = key.key.rsplit("_", 1)[1]
    assert bytes(row["hash"]) == MINT.hash(key.key)
    assert all(secret not in str(value) for value in (row[name] for name in api_keys.c.keys()))  # noqa: SIM118
    with pytest.raises(Unauthenticated):
        await use(f"vrc_local_{key.id}_{bytes(row['hash']).hex()}")


@pytest.mark.parametrize(
    ("address", "inside"),
    [("10.1.2.3", True), ("10.2.0.1", False), ("2001:db8::1", True), ("2001:db9::1", False), (None, False)],
)
async def test_key_with_addresses_opens_from_there_alone(
    desk: KeyDesk, use: Use, address: str | None, inside: bool
) -> None:
    networks = (ip_network("10.1.0.0/16"), ip_network("2001:db8::/32"))
    key = await desk.issue(KeyTerms("network", "010", addresses=networks))
    caller = ip_address(address) if address else None
    if inside:
        assert (await use(key, caller)).subject == "010"
    else:
        with pytest.raises(Forbidden, match=f"may not be used from {address or 'an unknown address'}"):
            await use(key, caller)


async def test_third_live_key_is_refused_and_says_which_to_revoke(desk: KeyDesk, clock: ManualClock) -> None:
    first = await desk.issue(READER)
    clock.advance(DAY)
    second = await desk.issue(READER)
    with pytest.raises(IllegalMove, match=f"revoke {first.id} or {second.id} first") as refused:
        await desk.issue(READER)
    assert refused.value.legal == (f"DELETE /v1/keys/{first.id}", f"DELETE /v1/keys/{second.id}")
    await desk.revoke(first.id)
    await desk.issue(READER)
    await desk.issue(KeyTerms("account", BANK, frozenset({"tickets:read"})))


async def test_expired_key_makes_room(desk: KeyDesk, clock: ManualClock) -> None:
    await desk.issue(KeyTerms("network", "010", expires_at=START + DAY))
    await desk.issue(KeyTerms("network", "010"))
    clock.advance(DAY)
    await desk.issue(KeyTerms("network", "010"))


async def test_two_issued_at_once_are_still_two_at_most(desk: KeyDesk) -> None:
    outcomes = await asyncio.gather(*(desk.issue(READER) for _ in range(6)), return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["IllegalMove"] * 4 + ["IssuedKey"] * 2


async def test_successor_has_the_same_terms_and_lives_as_long(desk: KeyDesk, use: Use, clock: ManualClock) -> None:
    networks = (ip_network("10.0.0.0/8"),)
    terms = KeyTerms("account", GRID, frozenset({"exports:read"}), START + 90 * DAY, networks, "billing")
    first = await desk.issue(terms)
    clock.advance(80 * DAY)
    second = await desk.rotate(first.id)
    assert second.terms.expires_at == START + 170 * DAY
    assert (second.terms.grants, second.terms.addresses, second.terms.label) == (terms.grants, networks, "billing")
    inside = ip_address("10.0.0.1")
    assert (await use(first, inside)).permissions == (await use(second, inside)).permissions


async def test_successor_that_would_have_expired_already_is_refused(desk: KeyDesk) -> None:
    key = await desk.issue(READER)
    with pytest.raises(InvalidInput, match="expires_at"):
        await desk.rotate(key.id, expires_at=START)


async def test_key_of_somebody_in_another_role_is_not_found_whatever_his_name(desk: KeyDesk) -> None:
    operators = await desk.issue(KeyTerms("operator", GRID, frozenset({"auditor"})))
    everything = frozenset(PERMISSIONS)
    for change in (desk.rotate, desk.revoke):
        with pytest.raises(NotFound):
            await change(operators.id, by=Principal("account", GRID, everything))


async def test_revoked_key_has_no_successor_and_is_not_revoked_again(desk: KeyDesk) -> None:
    key = await desk.issue(READER)
    await desk.revoke(key.id)
    with pytest.raises(IllegalMove, match="is revoked; issue a new one"):
        await desk.rotate(key.id)
    with pytest.raises(NotFound):
        await desk.revoke(key.id)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (KeyTerms("account", "nobody", frozenset({"tickets:read"})), "subject"),
        (KeyTerms("network", "0999"), "subject"),
        (KeyTerms("account", GRID), "scopes"),
        (KeyTerms("account", GRID, frozenset({"noc"})), "scopes"),
        (KeyTerms("operator", "noc", frozenset({"tickets:read"})), "duties"),
        (KeyTerms("network", "010", frozenset({"desk"})), "scopes"),
        (KeyTerms("network", "010", expires_at=START), "expires_at"),
    ],
)
async def test_terms_that_can_not_be_are_refused_by_field(desk: KeyDesk, terms: KeyTerms, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await desk.issue(terms)
    assert [error.field for error in refused.value.errors] == [field]


async def test_last_use_is_recorded_once_a_minute_and_not_by_the_request(
    desk: KeyDesk, use: Use, keyring: Keyring, store_: Database, clock: ManualClock
) -> None:
    async def last_used() -> object:
        found = await store.get(store_, key.id)
        assert found is not None
        return found.last_used_at

    key = await desk.issue(READER)
    await use(key)
    assert await last_used() is None
    await keyring.record_use()
    assert await last_used() == START
    for minutes in (0.5, 0.5):
        clock.advance(timedelta(minutes=minutes))
        await use(key)
        await keyring.record_use()
    assert await last_used() == START + timedelta(minutes=1)


@pytest.fixture
def store_(store: Database) -> Database:
    """`store` under a name that leaves the module of that name to itself."""
    return store


def test_key_names_environment_and_id_and_holds_256_random_bits() -> None:
    key = issued("account", GRID)
    assert re.fullmatch(rf"vrc_local_{key.id}_[0-9a-f]{{64}}", key.key)
    assert len({issued("account", GRID).key for _ in range(100)}) == 100
    assert key.key not in repr(key)
