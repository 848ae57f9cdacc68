"""Many changes of the registry at once: all or none, said before they are done, and bounded by what the files say."""

import asyncio
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from services.run import open_database
from shared.db.port import Database
from shared.ids import AccountId, CircuitId
from shared.registry.files.export import csv_folder, export, yaml_file
from shared.registry.files.reading import source_of, take
from shared.registry.history import current, entries
from shared.registry.importing import Fault, ImportRefused, Item, Outcome, run
from shared.registry.model import Account, Circuit, Network
from shared.registry.rules import Path as Field
from shared.registry.shelves import Entry, Kind
from shared.registry.writing import put
from shared.settings import Settings
from shared.testing.process import ServerProcess
from shared.tickets.store import open_new
from tests import registry
from tests.cases import SEED, new_ticket
from tests.registry import BANK, CIRCUITS, FAR, GRID, LOST, NETWORKS, NOWHERE

WHOLE = tuple(circuit for circuit in CIRCUITS if circuit.id != LOST)  # LOST goes over a network that nobody knows
NOBODY = AccountId("nobody")
KINDS: dict[type, Kind] = {Account: "account", Network: "network", Circuit: "circuit"}


def items(*some: Entry) -> Iterator[Item]:
    def place(number: int) -> Callable[[Field], tuple[str, str]]:
        return lambda path: (f"entry {number}", ".".join(map(str, path)))

    return (Item(KINDS[type(entry)], entry, place(number)) for number, entry in enumerate(some, 1))


async def fill(store: Database) -> None:
    await store.transact(lambda tx: put(tx, registry.ACCOUNTS, NETWORKS, WHOLE, by=SEED))


async def held(store: Database) -> dict[str, Sequence[Entry]]:
    return {kind: await entries(store, kind, after="", most=9_999) for kind in KINDS.values()}


async def refused(store: Database, *some: Entry | Fault) -> list[str]:
    before = await held(store)
    things = [item for entry in some for item in ([entry] if isinstance(entry, Fault) else items(entry))]
    with pytest.raises(ImportRefused) as error:
        await run(store, things, by=SEED)
    assert await held(store) == before
    return [str(fault) for fault in error.value.faults]


async def exported(store: Database, path: Path) -> Path:
    with (yaml_file if path.suffix else csv_folder)(path) as write:
        await export(store, write)
    return path


def content(path: Path) -> list[bytes]:
    return [file.read_bytes() for file in (sorted(path.iterdir()) if path.is_dir() else [path])]


@pytest.mark.parametrize("name", ["folder", "r.yaml"])
async def test_export_is_imported_into_an_empty_registry_and_exported_the_same(
    store: Database, tmp_path: Path, name: str
) -> None:
    await fill(store)
    first, before = await exported(store, tmp_path / name), await held(store)
    empty = tmp_path / "empty.yaml"
    empty.write_text("")
    await take(store, source_of(empty), by=SEED, remove=True)
    assert await held(store) == {"account": [], "network": [], "circuit": []}
    outcome = await take(store, source_of(first), by=SEED)
    assert outcome.counts == {"network added": 7, "account added": 2, "circuit added": len(WHOLE)}
    assert await held(store) == before
    assert content(await exported(store, tmp_path / f"again-{name}")) == content(first)


async def test_dry_run_says_all_and_changes_nothing(store: Database) -> None:
    await fill(store)
    changed = replace(WHOLE[0], bandwidth_mbps=7, protected=True)
    before, version = await held(store), await current(store)
    outcome = await run(store, items(changed, WHOLE[1], replace(WHOLE[1], id=CircuitId("new"))), by=SEED, dry_run=True)
    assert [(d.id, d.what, d.fields) for d in outcome.shown] == [
        (FAR, "changed", ["bandwidth_mbps", "protected"]), ("new", "added", ()),
    ]  # fmt: skip
    assert (await held(store), await current(store), outcome.version) == (before, version, version)


async def test_import_of_what_is_there_already_makes_no_version(store: Database) -> None:
    await fill(store)
    outcome = await run(store, items(*registry.ACCOUNTS, *NETWORKS, *WHOLE), by=SEED)
    assert (outcome.counts, outcome.version) == ({}, await current(store))


async def test_one_fault_refuses_all_and_every_fault_is_said(store: Database) -> None:
    await fill(store)
    said = await refused(
        store, replace(registry.ACCOUNTS[0], tier="gold"), Fault("a.csv, line 2", "tier", "is required"),
        Fault("a.csv, line 9", "", "is odd"),
    )  # fmt: skip
    assert said == ["a.csv, line 2: tier: is required", "a.csv, line 9: is odd"]


async def test_no_more_than_twenty_faults_are_collected(store: Database) -> None:
    assert len(await refused(store, *(Fault("here", "", str(n)) for n in range(99)))) == 20


async def test_what_an_entry_names_must_exist(store: Database) -> None:
    await fill(store)
    lost = next(circuit for circuit in CIRCUITS if circuit.id == LOST)
    child = replace(registry.ACCOUNTS[0], parent=NOBODY)
    assert await refused(store, replace(WHOLE[0], account=NOBODY), lost, child) == [
        "entry 1: account: there is no account nobody",
        f"entry 1: a_end.network: there is no network {NOWHERE}",
    ]


async def test_what_an_entry_names_may_come_after_it(store: Database) -> None:
    circuit, account = replace(WHOLE[1], account=NOBODY), replace(registry.ACCOUNTS[0], id=NOBODY)
    outcome = await run(store, items(circuit, account, *NETWORKS), by=SEED)
    assert outcome.counts["circuit added"] == 1


async def without(store: Database, tmp_path: Path, *, account: str = "", circuits: Sequence[str] = ()) -> Outcome:
    """An import of all but these, with removal."""
    kept = [a for a in registry.ACCOUNTS if a.id != account], [c for c in WHOLE if c.id not in circuits]
    with yaml_file(tmp_path / "kept.yaml") as write:
        for entry in (*NETWORKS, *kept[0], *kept[1]):
            write(KINDS[type(entry)], entry)
    return await take(store, source_of(tmp_path / "kept.yaml"), by=SEED, remove=True)


async def test_what_is_not_named_is_removed_only_when_asked(store: Database, tmp_path: Path) -> None:
    await fill(store)
    outcome = await without(store, tmp_path, circuits=[FAR])
    assert [(d.kind, d.id, d.what) for d in outcome.shown] == [("circuit", FAR, "removed")]
    await run(store, items(*registry.ACCOUNTS), by=SEED)
    assert len((await held(store))["circuit"]) == len(WHOLE) - 1


async def test_circuit_with_an_open_ticket_is_not_removed(store: Database, tmp_path: Path) -> None:
    await fill(store)
    ticket = new_ticket(circuit=FAR)
    await store.transact(lambda tx: open_new(tx, [ticket]))
    with pytest.raises(ImportRefused, match=f"circuit {FAR} has the open ticket {ticket.ticket.id}"):
        await without(store, tmp_path, circuits=[FAR])
    assert len((await held(store))["circuit"]) == len(WHOLE)


async def test_circuit_with_an_open_ticket_changes_hands_only_when_that_is_over(store: Database) -> None:
    await fill(store)
    (circuit,) = (circuit for circuit in WHOLE if circuit.id == FAR)
    ticket = new_ticket(circuit=FAR)
    other = next(account.id for account in registry.ACCOUNTS if account.id != circuit.account)
    await store.transact(lambda tx: open_new(tx, [ticket]))
    assert await refused(store, replace(circuit, account=other)) == [
        f"entry 1: account: {circuit.account}'s ticket {ticket.ticket.id} is still open on this circuit"
    ]


async def test_account_with_circuits_is_not_removed(store: Database, tmp_path: Path) -> None:
    await fill(store)
    with pytest.raises(ImportRefused, match=f"account {BANK} still has the circuit"):
        await without(store, tmp_path, account=BANK)


async def test_network_that_circuits_go_over_is_not_removed(store: Database, tmp_path: Path) -> None:
    await fill(store)
    with csv_folder(tmp_path) as write:
        for network in NETWORKS[1:]:
            write("network", network)
    for name in ("accounts.csv", "circuits.csv"):
        (tmp_path / name).unlink()
    with pytest.raises(ImportRefused, match="still goes over the network 010"):
        await take(store, source_of(tmp_path), by=SEED, remove=True)


@pytest.mark.parametrize("seed", range(4))
async def test_difference_of_two_registries_once_applied_is_none(store: Database, tmp_path: Path, seed: int) -> None:
    await fill(store)
    random = Random(seed)
    changed = [replace(c, bandwidth_mbps=random.choice([100, 155, 622])) for c in random.sample(WHOLE, 6)]
    new = [replace(c, id=CircuitId(f"new-{n}")) for n, c in enumerate(random.sample(WHOLE, 3))]
    with yaml_file(tmp_path / "other.yaml") as write:
        for entry in (*NETWORKS, *registry.ACCOUNTS, *changed, *new):
            write(KINDS[type(entry)], entry)
    outcome = await take(store, source_of(tmp_path / "other.yaml"), by=SEED, remove=True)
    different = sum(circuit.bandwidth_mbps != 100 for circuit in changed)
    expected = {"circuit added": 3, "circuit removed": len(WHOLE) - 6, "circuit changed": different}
    assert outcome.counts == {what: count for what, count in expected.items() if count}
    again = await take(store, source_of(tmp_path / "other.yaml"), by=SEED, remove=True, dry_run=True)
    assert again.counts == {}


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest) -> Settings:
    """An empty, migrated database that nobody has open."""
    if request.param == "sqlite":
        return Settings(data_dir=request.getfixturevalue("sqlite_path").parent)
    return Settings(database=request.getfixturevalue("postgres_dsn"))


async def test_import_that_is_killed_half_way_has_changed_nothing(settings: Settings, tmp_path: Path) -> None:
    """The circuits come through a pipe that ends nowhere: all but what a pipe holds has been taken when it is full."""
    folder = tmp_path / "in"
    with csv_folder(folder) as write:
        for entry in (*NETWORKS, *registry.ACCOUNTS):
            write(KINDS[type(entry)], entry)
    pipe = folder / "circuits.csv"
    header = pipe.read_text()
    pipe.unlink()
    os.mkfifo(pipe)
    ids = [f"C{number}" for number in range(4_000)]
    (folder / "segments.csv").write_text("circuit,id,kind,network\n" + "".join(f"{id},s,access,010\n" for id in ids))
    where = f"--database={settings.database}" if settings.database else f"--data-dir={settings.data_dir}"
    command = [sys.executable, "-m", "services.cli", "registry", "import", str(folder), where]
    process = ServerProcess(command, log=tmp_path / "log")
    with await asyncio.to_thread(pipe.open, "w") as out:
        rows = (f"{id},{GRID},ip-vpn,100,false,010,{'x' * 100},,021,y,,\n" for id in ids)
        await asyncio.to_thread(out.write, header + "".join(rows))
        process.kill()
    database = open_database(settings)
    assert (await current(database), await held(database)) == (0, {"account": [], "network": [], "circuit": []})
    await database.close()
