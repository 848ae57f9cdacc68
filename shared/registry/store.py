"""The registry in and out of the database, and as each process holds it in memory."""

import asyncio
import logging
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol

import orjson
from pydantic import TypeAdapter
from sqlalchemy import bindparam, select

from shared.db.port import Database, Tx
from shared.db.statement import BulkInsert, Query, Row, any_of
from shared.errors import Unavailable
from shared.ids import AccountId, CircuitId, NetworkCode
from shared.registry import tables as t
from shared.registry.model import Account, Circuit, End, Network, Segment

log = logging.getLogger(__name__)
FOLLOW_EVERY_S = 1.0
LOADING_S = 60.0  # a hundred thousand circuits on a busy server
HELD_CIRCUITS = 10_000
SEGMENTS = TypeAdapter(tuple[Segment, ...])


def _upsert(table: Any, columns: Sequence[str], key: str) -> BulkInsert:
    changes = ", ".join(f"{c} = excluded.{c}" for c in columns if c != key)
    return BulkInsert(table, columns, conflict=f"({key}) DO UPDATE SET {changes}")


PUT_ACCOUNTS = _upsert(t.accounts, t.ACCOUNT_COLUMNS, "id")
PUT_NETWORKS = _upsert(t.networks, t.NETWORK_COLUMNS, "code")
PUT_CIRCUITS = _upsert(t.circuits, t.CIRCUIT_COLUMNS, "id")
BUMP = BulkInsert(
    t.registry_version, ("name", "version"), conflict="(name) DO UPDATE SET version = registry_version.version + 1"
)
VERSION = Query(select(t.registry_version.c.version).where(t.registry_version.c.name == "registry"))
OWNERS = Query(select(t.circuits.c.id, t.circuits.c.account))
NETWORKS = Query(select(t.networks))
TIERS = Query(select(t.accounts.c.id, t.accounts.c.tier))
CIRCUITS = Query(select(t.circuits).where(any_of(t.circuits.c.id, "ids")))
ACCOUNT = Query(select(t.accounts).where(t.accounts.c.id == bindparam("id")))
_page = t.circuits.c.id > bindparam("after")
OF_ACCOUNT = Query(
    select(t.circuits)
    .where(t.circuits.c.account == bindparam("account"), _page)
    .order_by(t.circuits.c.id)
    .limit(bindparam("most"))
)
OF_ALL = Query(select(t.circuits).where(_page).order_by(t.circuits.c.id).limit(bindparam("most")))


async def put(tx: Tx, accounts: Iterable[Account], networks: Iterable[Network], circuits: Iterable[Circuit]) -> None:
    """Insert or replace, and tell every process to reload."""
    await tx.insert(PUT_ACCOUNTS, [(a.id, a.name_zh, a.name_en, a.sector, a.tier) for a in accounts])
    await tx.insert(PUT_NETWORKS, [(n.code, n.name_zh, n.name_en, n.province_zh, n.province_en) for n in networks])
    await tx.insert(PUT_CIRCUITS, [_circuit_row(c) for c in circuits])
    await bump(tx)


async def bump(tx: Tx) -> None:
    await tx.insert(BUMP, [("registry", 1)])


def _circuit_row(c: Circuit) -> tuple[Any, ...]:
    ends = (c.a_end.network, c.a_end.site, c.z_end.network, c.z_end.site)
    return c.id, c.account, c.service, c.bandwidth_mbps, c.protected, *ends, orjson.dumps(c.segments).decode()


def circuit_of(row: Row) -> Circuit:
    return Circuit(
        id=row["id"],
        account=row["account"],
        service=row["service"],
        bandwidth_mbps=row["bandwidth_mbps"],
        protected=bool(row["protected"]),
        a_end=End(row["a_network"], row["a_site"]),
        z_end=End(row["z_network"], row["z_site"]),
        segments=SEGMENTS.validate_json(row["segments"]),
    )


class Held(Protocol):
    """Something kept in memory that is loaded anew when the registry's version moves."""

    async def load(self) -> None: ...


class Registry:
    """Who owns which circuit and which networks exist, in memory; whole circuits on demand.

    A change made by any process is seen within about a second.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owners: dict[CircuitId, AccountId] = {}
        self._tiers: dict[AccountId, str] = {}
        self._networks: dict[NetworkCode, Network] = {}
        self._circuits: dict[CircuitId, Circuit] = {}

    async def load(self) -> None:
        owners = await self._database.fetch(OWNERS, patience_s=LOADING_S)
        tiers = await self._database.fetch(TIERS, patience_s=LOADING_S)
        networks = await self._database.fetch(NETWORKS, patience_s=LOADING_S)
        self._owners = {row["id"]: row["account"] for row in owners}
        self._tiers = {row["id"]: sys.intern(row["tier"]) for row in tiers}
        self._networks = {row["code"]: Network(*(row[c] for c in t.NETWORK_COLUMNS)) for row in networks}
        self._circuits = {}  # another one: a circuit that is being read now goes into the old, which nobody asks again

    def owner(self, circuit: str) -> AccountId | None:
        """The account a circuit belongs to, without waiting; None for an unknown circuit."""
        return self._owners.get(CircuitId(circuit))

    def tier(self, account: AccountId) -> str | None:
        """An account's tier, without waiting; None for an unknown account."""
        return self._tiers.get(account)

    def network(self, code: str) -> Network | None:
        return self._networks.get(NetworkCode(code))

    @property
    def networks(self) -> Sequence[Network]:
        return list(self._networks.values())

    async def circuit(self, id: str) -> Circuit | None:
        return (await self.circuits_by_id([id])).get(CircuitId(id))

    async def circuits_by_id(self, ids: Collection[str]) -> Mapping[CircuitId, Circuit]:
        """Those of these that exist; one query for all that are not in memory yet."""
        circuits = self._circuits
        found = {key: held for id in ids if (held := circuits.get(key := CircuitId(id))) is not None}
        if missing := [id for id in ids if id not in found]:
            for row in await self._database.fetch(CIRCUITS, ids=missing):
                circuit = circuit_of(row)
                found[circuit.id] = circuits[circuit.id] = circuit
            while len(circuits) > HELD_CIRCUITS:
                del circuits[next(iter(circuits))]
        return found

    async def account(self, id: AccountId) -> Account | None:
        rows = await self._database.fetch(ACCOUNT, id=id)
        return Account(*(rows[0][c] for c in t.ACCOUNT_COLUMNS)) if rows else None

    async def circuits(self, account: AccountId | None, *, after: str, most: int) -> Sequence[Circuit]:
        """In order of id; `account` None means all."""
        if account is None:
            rows = await self._database.fetch(OF_ALL, after=after, most=most)
        else:
            rows = await self._database.fetch(OF_ACCOUNT, account=account, after=after, most=most)
        return [circuit_of(row) for row in rows]


class Follower:
    """Reloads what is held whenever the registry's version has moved."""

    def __init__(self, database: Database, *held: Held) -> None:
        self._database = database
        self._held = held
        self._version: int | None = None

    async def refresh(self) -> None:
        rows = await self._database.fetch(VERSION)
        version = rows[0]["version"] if rows else 0
        if version != self._version:
            for part in self._held:
                await part.load()
            self._version = version

    async def run(self) -> None:
        while True:
            await asyncio.sleep(FOLLOW_EVERY_S)
            try:
                await self.refresh()
            except Unavailable as error:
                log.info("registry not refreshed: %s", error)
            except Exception:  # a follower that died would let revoked keys in for ever
                log.exception("registry not refreshed")
