"""The registry is written once and read from memory; a change made anywhere is followed everywhere."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from shared.clock import to_ms
from shared.db.port import Database, Tx
from shared.ids import AccountId, CircuitId, NetworkCode
from shared.registry import following
from shared.registry import store as registry_store
from shared.registry.following import Filling, Follower, loaded
from shared.registry.history import current, entry, entry_at, last_change
from shared.registry.model import Account, Circuit, ContactPoint, Contract, End, Network, Segment
from shared.registry.reading import circuits
from shared.registry.store import Registry
from shared.registry.version import bump
from shared.registry.writing import Writing, put
from tests.cases import ACCOUNT, BEIJING, CHUXIONG, CIRCUIT, SEED
from tests.waiting import until

GRID = Account(ACCOUNT, "华网电力", "Huawang Power", "other", "diamond")
NETWORKS = [
    Network(BEIJING, "北京", "Beijing", "北京", "Beijing"),
    Network(CHUXIONG, "楚雄", "Chuxiong", "云南", "Yunnan"),
]
LINE = Circuit(
    CIRCUIT, ACCOUNT, "ip-vpn", 100, True, End(BEIJING, "北京 site 1"), End(CHUXIONG, "楚雄 site 2"),
    (
        Segment("a-lan", "customer-lan", "a", None, "customer"),
        Segment("a-access", "access", "a", BEIJING),
        Segment("backbone-1", "backbone", None, BEIJING, None, "北京-昆明"),
        Segment("z-access", "access", "z", CHUXIONG),
    ),
)  # fmt: skip


def line(number: int, account: AccountId = ACCOUNT) -> Circuit:
    return replace(LINE, id=CircuitId(f"C{number:03}"), account=account)


async def write(store: Database, *circuits: Circuit, **more: Any) -> None:
    await store.transact(
        lambda tx: put(tx, more.get("accounts", [GRID]), more.get("networks", NETWORKS), circuits, by=SEED)
    )


async def read(store: Database) -> Registry:
    return await loaded(store)


async def test_circuit_comes_back_whole_with_its_segments_in_order(store: Database) -> None:
    await write(store, LINE)
    assert await (await read(store)).circuit(CIRCUIT) == LINE


async def test_account_and_networks_come_back_whole(store: Database) -> None:
    await write(store)
    registry = await read(store)
    assert await entry(store, "account", ACCOUNT) == GRID
    assert sorted(registry.networks, key=lambda n: n.code) == NETWORKS
    assert registry.network("0878") == NETWORKS[1]


async def test_owner_of_a_circuit_is_known_without_asking_the_database(store: Database) -> None:
    await write(store, LINE)
    registry = await read(store)
    assert registry.owner(CIRCUIT) == ACCOUNT
    assert registry.owner("unknown") is None


@pytest.mark.parametrize("id", ["unknown", "", "'; DROP TABLE circuits"])
async def test_what_is_unknown_is_nothing(store: Database, id: str) -> None:
    registry = await read(store)
    assert await registry.circuit(id) is None
    assert registry.network(id) is None


async def test_writing_again_replaces(store: Database) -> None:
    await write(store, LINE)
    await write(store, replace(LINE, bandwidth_mbps=200), accounts=[replace(GRID, tier="jade")])
    registry = await read(store)
    assert (await registry.circuit(CIRCUIT)).bandwidth_mbps == 200  # type: ignore[union-attr]
    assert (await entry(store, "account", ACCOUNT)).tier == "jade"  # type: ignore[union-attr]


async def test_circuits_of_an_account_come_in_pages_without_gap_or_repeat(store: Database) -> None:
    await write(store, *(line(n) for n in range(5)), line(9, AccountId("another")))
    first = await circuits(store, ACCOUNT, after="", most=3)
    rest = await circuits(store, ACCOUNT, after=first[-1].id, most=3)
    assert [c.id for c in (*first, *rest)] == ["C000", "C001", "C002", "C003", "C004"]


async def test_circuits_of_all_accounts_come_in_order(store: Database) -> None:
    await write(store, line(2), line(1, AccountId("another")), line(3))
    assert [c.id for c in await circuits(store, None, after="C001", most=9)] == ["C002", "C003"]


async def test_thousand_circuits_are_written_at_once(store: Database) -> None:
    await write(store, *(line(number) for number in range(1000)))
    assert len(await circuits(store, None, after="", most=2000)) == 1000


async def test_change_is_seen_at_the_next_refresh(store: Database) -> None:
    await write(store, LINE)
    registry = Registry(store)
    follower = Follower(store, Filling(store, registry))
    await follower.refresh()
    held = await registry.circuit(CIRCUIT)
    await write(store, replace(LINE, account=AccountId("another")))
    await follower.refresh()
    assert held == LINE
    assert registry.owner(CIRCUIT) == (await registry.circuit(CIRCUIT)).account == "another"  # type: ignore[union-attr]


async def test_refresh_loads_only_when_the_version_has_moved(store: Database) -> None:
    class Counting:
        loads = 0

        async def load(self) -> None:
            self.loads += 1

    held = Counting()
    follower = Follower(store, held)
    for _ in range(3):
        await follower.refresh()
    await write(store)
    await follower.refresh()
    assert held.loads == 2


async def test_follower_goes_on_by_itself(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "FOLLOW_EVERY_S", 0.01)
    registry = Registry(store)
    task = asyncio.create_task(Follower(store, Filling(store, registry)).run())
    await write(store, LINE)
    await until(lambda: registry.owner(CIRCUIT) == ACCOUNT)
    task.cancel()
    await asyncio.wait([task])


async def test_follower_outlives_whatever_goes_wrong(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        loads = 0

        async def load(self) -> None:
            self.loads += 1
            raise ZeroDivisionError

    monkeypatch.setattr(following, "FOLLOW_EVERY_S", 0.01)
    broken = Broken()
    task = asyncio.create_task(Follower(store, broken).run())
    await until(lambda: broken.loads > 2)
    task.cancel()
    await asyncio.wait([task])


async def test_circuit_that_was_being_read_during_a_reload_is_not_held_in_its_old_form(store: Database) -> None:
    class Slow:
        """The database, whose answers arrive after the reload that overtook them."""

        async def fetch(self, query: Any, **params: Any) -> Any:
            rows = await store.fetch(query, **params)
            if query is registry_store.CIRCUITS and not overtaken.is_set():
                read_old.set()
                await overtaken.wait()
            return rows

    read_old, overtaken = asyncio.Event(), asyncio.Event()
    await write(store, LINE)
    registry = Registry(Slow())  # type: ignore[arg-type]
    filling = Filling(store, registry)
    await filling.load()
    reading = asyncio.create_task(registry.circuit(CIRCUIT))
    await read_old.wait()
    await write(store, replace(LINE, bandwidth_mbps=200))
    await filling.load()
    overtaken.set()
    await reading
    assert (await registry.circuit(CIRCUIT)).bandwidth_mbps == 200  # type: ignore[union-attr]


async def test_memory_holds_no_more_circuits_than_allowed(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_store, "HELD_CIRCUITS", 3)
    await write(store, *(line(number) for number in range(6)))
    registry = await read(store)
    for number in range(6):
        assert await registry.circuit(f"C{number:03}") == line(number)
    assert len(registry._circuits) == 3


async def test_network_code_keeps_its_leading_zero(store: Database) -> None:
    await write(store)
    assert (await read(store)).network("878") is None
    assert {network.code for network in (await read(store)).networks} == {NetworkCode("010"), NetworkCode("0878")}


async def test_contacts_contract_and_roster_come_back_whole(store: Database) -> None:
    desk = ContactPoint("Night desk", "duty", "+86 10 5550 0134", "desk@example.com", "zh", "24x7")
    account = replace(
        GRID, group="Huawang", parent=AccountId("holding"), contacts=(desk,), manager=desk, notes="call first",
        contract=Contract("gold plus", "listed-contacts", 48, parent_may_read=True),
    )  # fmt: skip
    network = replace(NETWORKS[0], merged="0979", door="http", languages=("zh", "en"), contacts=(desk,), duty=(desk,))
    partner = Segment("z-tail", "third-party", "z", party="Partner", demarcation="ODF 3", contact=desk)
    circuit = replace(LINE, a_end=End(BEIJING, "head office", "1 Example Road"), segments=(*LINE.segments, partner))
    await write(store, circuit, accounts=[account], networks=[network])
    found = [await entry(store, "account", ACCOUNT), await entry(store, "network", "010")]
    assert found == [account, network]
    assert await (await read(store)).circuit(CIRCUIT) == circuit


async def test_parent_reads_its_children_whose_contract_says_so(store: Database) -> None:
    child = replace(GRID, id=AccountId("child"), parent=ACCOUNT, contract=Contract(parent_may_read=True))
    silent = replace(GRID, id=AccountId("silent"), parent=ACCOUNT)
    await write(store, accounts=[GRID, child, silent])
    registry = await read(store)
    assert registry.readable_by(ACCOUNT) == {ACCOUNT, "child"}
    assert registry.readable_by(AccountId("child")) == {"child"}


async def test_changed_circuit_is_followed_without_reading_the_others(store: Database) -> None:
    class Counting:
        rows = 0

        async def fetch(self, query: Any, **params: Any) -> Any:
            found = await store.fetch(query, **params)
            self.rows += len(found)
            return found

    await write(store, *(line(number) for number in range(50)))
    counting = Counting()
    registry = Registry(store)
    filling = Filling(counting, registry)  # type: ignore[arg-type]
    await filling.load()
    counting.rows = 0
    await write(store, replace(line(7), account=AccountId("another"), protected=False))
    await filling.load()
    assert (registry.owner("C007"), registry.is_protected("C007")) == ("another", False)
    assert counting.rows == 2  # the change, the circuit


async def test_many_changes_at_once_are_followed_by_reading_all(
    store: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "MOST_FOLLOWED", 3)
    registry = Registry(store)
    filling = Filling(store, registry)
    await filling.load()
    await write(store, *(line(number) for number in range(9)))
    await filling.load()
    assert [registry.owner(f"C00{number}") for number in range(9)] == [ACCOUNT] * 9


async def test_removed_circuit_is_forgotten(store: Database) -> None:
    async def remove(tx: Tx) -> None:
        writing = await Writing.begin(tx, SEED)
        await writing.remove("circuit", [CIRCUIT, "unknown"])
        await writing.end()

    await write(store, LINE)
    registry = Registry(store)
    filling = Filling(store, registry)
    await filling.load()
    await registry.circuit(CIRCUIT)
    await store.transact(remove)
    await filling.load()
    assert (registry.owner(CIRCUIT), await registry.circuit(CIRCUIT)) == (None, None)


async def test_everything_is_read_as_it_was_at_each_version(store: Database) -> None:
    await write(store, LINE)
    await write(store, replace(LINE, bandwidth_mbps=200))
    await write(store)  # nothing new, so no version
    await write(store, line(1))
    assert await current(store) == 3
    found = [await entry_at(store, "circuit", CIRCUIT, version) for version in (0, 1, 2, 3)]
    assert found == [None, LINE, *[replace(LINE, bandwidth_mbps=200)] * 2]


async def test_change_says_who_when_and_from_which_version(store: Database) -> None:
    await write(store, LINE)
    await write(store, replace(LINE, protected=False))
    found = await last_change(store, "circuit", CIRCUIT, 9)
    assert found is not None
    assert [found[name] for name in ("version", "previous", "actor", "at")] == [2, 1, SEED.actor, to_ms(SEED.at)]


async def test_circuit_is_known_with_the_version_it_was_read_in(store: Database) -> None:
    await write(store, LINE)
    registry = await read(store)
    await write(store, replace(LINE, protected=False))
    found, version = await registry.circuit_as_of(CIRCUIT)
    assert await entry_at(store, "circuit", CIRCUIT, version) == found == replace(LINE, protected=False)


async def test_writers_at_once_make_one_version_each(store: Database) -> None:
    await asyncio.gather(*(write(store, line(number), accounts=[], networks=[]) for number in range(6)))
    versions = {row["version"] for row in await store.fetch(following.CHANGED, since=0, most=99)}
    assert versions == set(range(1, 7))


async def test_keys_are_counted_apart_from_the_registry(store: Database) -> None:
    before = (await store.fetch(following.MOVED))[0]["version"]
    await store.transact(bump)
    assert (await store.fetch(following.MOVED))[0]["version"] == before + 1
    assert await current(store) == 0
