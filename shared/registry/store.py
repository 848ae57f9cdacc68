"""The registry as each process holds it in memory: what a report and its routing ask of it.

`shared.registry.following` fills it and keeps it up to date.
"""

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from shared.db.port import Database
from shared.db.statement import Query, Row, any_of
from shared.ids import AccountId, CircuitId, NetworkCode
from shared.registry import tables as t
from shared.registry.model.account import Contract
from shared.registry.model.circuit import Circuit
from shared.registry.model.network import Network
from shared.registry.rows import circuit_of, contract_of, reporters_of

HELD_CIRCUITS = 10_000
NOTHING_AGREED = Contract()
CIRCUITS = Query(select(t.circuits).where(any_of(t.circuits.c.id, "ids")))


@dataclass(frozen=True, slots=True)
class Found:
    """What was read for a Registry: of circuits id, account, protected; of accounts id, tier, and the details where the
    contract promises something; None: no change."""

    version: int
    circuits: Iterable[Row] = ()
    accounts: Iterable[Row] = ()
    networks: Mapping[NetworkCode, Network] | None = None
    readable: Mapping[AccountId, frozenset[AccountId]] | None = None


class Registry:
    """Who owns which circuit and which networks exist, in memory; whole circuits on demand.

    A change made by any process is seen within about a second.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._owners: dict[CircuitId, AccountId] = {}
        self._protected: set[CircuitId] = set()
        self._circuits: dict[CircuitId, tuple[Circuit, int]] = {}
        self._tiers: dict[AccountId, str] = {}
        self._contracts: dict[AccountId, Contract] = {}
        self._reporters: dict[AccountId, frozenset[str]] = {}
        self._networks: Mapping[NetworkCode, Network] = {}
        self.readable: Mapping[AccountId, frozenset[AccountId]] = {}
        self.version = -1
        """That of the changes it has followed; -1 before anything was loaded."""

    def forget(self, circuits: Iterable[CircuitId] | None = None) -> None:
        """These circuits, or all."""
        if circuits is None:
            self._owners, self._protected, self._circuits = {}, set(), {}
        for id in circuits or ():
            self._owners.pop(id, None)
            self._circuits.pop(id, None)
            self._protected.discard(id)

    def learn(self, found: Found) -> None:
        for row in found.circuits:
            self._owners[row["id"]] = row["account"]
            if row["protected"]:
                self._protected.add(row["id"])
        for row in found.accounts:
            self._tiers[row["id"]] = sys.intern(row["tier"])
            self._contracts.pop(row["id"], None)
            self._reporters.pop(row["id"], None)
            if row["details"]:
                self._contracts[row["id"]] = contract_of(row)
                if (reporters := reporters_of(row)) is not None:
                    self._reporters[row["id"]] = reporters
        self._networks = self._networks if found.networks is None else found.networks
        self.readable = self.readable if found.readable is None else found.readable
        self.version = found.version

    def owner(self, circuit: str) -> AccountId | None:
        """The account a circuit belongs to, without waiting; None for an unknown circuit."""
        return self._owners.get(CircuitId(circuit))

    def tier(self, account: AccountId) -> str | None:
        """An account's tier, without waiting; None for an unknown account."""
        return self._tiers.get(account)

    def contract(self, account: AccountId) -> Contract:
        """What an account's contract says, without waiting, as far as a promise depends on it."""
        return self._contracts.get(account, NOTHING_AGREED)

    def reporters(self, account: AccountId) -> frozenset[str] | None:
        """Who may report for it by contract, as `reached_at` writes them, without waiting; None: whoever has a key."""
        return self._reporters.get(account)

    def is_protected(self, circuit: str) -> bool:
        """Whether the circuit has a second, diverse path."""
        return CircuitId(circuit) in self._protected

    def readable_by(self, account: AccountId) -> frozenset[AccountId]:
        """Whose tickets this account may read: its own, and its children's whose contract says so."""
        return self.readable.get(account) or frozenset({account})

    def network(self, code: str) -> Network | None:
        return self._networks.get(NetworkCode(code))

    @property
    def networks(self) -> Sequence[Network]:
        return list(self._networks.values())

    async def circuit(self, id: str) -> Circuit | None:
        return (await self.circuit_as_of(id))[0]

    async def circuit_as_of(self, id: str) -> tuple[Circuit | None, int]:
        """The circuit, and a version of the registry in which it is so."""
        return (await self.circuits_as_of([id])).get(CircuitId(id), (None, self.version))

    async def circuits_as_of(self, ids: Collection[str]) -> Mapping[CircuitId, tuple[Circuit, int]]:
        """Those of these that exist; one query for all that are not in memory yet."""
        version, circuits = self.version, self._circuits
        found = {key: held for id in ids if (held := circuits.get(key := CircuitId(id))) is not None}
        if missing := [id for id in ids if id not in found]:
            rows = await self._database.fetch(CIRCUITS, ids=missing)
            found |= {row["id"]: (circuit_of(row), row["version"]) for row in rows}
            if version == self.version:  # else one may have changed while they were read
                circuits |= {id: found[id] for id in map(CircuitId, missing) if id in found}
            while len(circuits) > HELD_CIRCUITS:
                del circuits[next(iter(circuits))]
        return {id: (circuit, max(version, own)) for id, (circuit, own) in found.items()}
