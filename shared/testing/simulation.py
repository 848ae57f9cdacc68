"""A simulated country around a running center: key accounts that report faults, local networks that repair them.

What `vrc demo`, `vrc up --demo-rate`, tests and benches run; to the center it is its ordinary users.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.clock import SystemClock
from shared.ids import NetworkCode
from shared.testing.client import CenterClient
from shared.testing.customers import Customers
from shared.testing.local_network import LocalNetworks
from shared.testing.network_door import Door, HttpDoor
from shared.testing.pace import Pace

if TYPE_CHECKING:
    from shared.bus.kafka import Access

SOONEST_LOOK_S, LATEST_LOOK_S = 0.02, 10.0
SIMULATED_LOOK_S = 300.0
"""How often people look at what is theirs, in simulated time; held between the two above on the wall."""
LOOKS_PER_S = 60.0
"""Of all local networks together: a look costs two milliseconds on each side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """`rate` is faults a minute on the wall; `faults` how many in all (None: without end); `kafka` its bootstrap.

    `access` is what each local network comes to a locked broker with; one that has none is not simulated.
    """

    rate: float
    speed: float = 60.0
    faults: int | None = None
    kafka: str | None = None
    access: "Mapping[NetworkCode, Access] | None" = None
    seed: int = 0


class Simulation:
    """`accounts` and `networks` are API keys by account and by area code."""

    def __init__(self, url: str, accounts: Mapping[str, str], networks: Mapping[str, str], *, manner: Manner) -> None:
        self._accounts = accounts
        simulated = networks if manner.access is None else manner.access
        self._networks = {NetworkCode(code): key for code, key in networks.items() if code in simulated}
        self._manner = manner
        self._client = CenterClient(url, at_once=16)
        self._pace = Pace(manner.speed)
        self.customers: Customers
        self.local_networks: LocalNetworks

    async def run(self) -> None:
        """Until `stop`, or until all faults were reported and are over. Raises Unavailable when it can't begin."""
        door: Door | None = None
        try:
            circuits = await self._circuits()
            door = self._door()
            self._people(circuits, door)
            networks = asyncio.create_task(self.local_networks.run())
            try:
                await self.customers.run()
            finally:
                self.stop()
                await networks
        finally:
            if door is not None:
                await door.close()
            await self._client.close()

    def stop(self) -> None:
        """Everybody finishes what they are saying."""
        self._pace.stop()
        self._client.give_up()

    def _people(self, circuits: Sequence[Mapping[str, Any]], door: Door) -> None:
        m = self._manner
        self.local_networks = LocalNetworks(
            door, known=self._networks, circuits={c["id"]: c for c in circuits}, pace=self._pace, seed=m.seed
        )
        self.customers = Customers(
            self._client, self._accounts, circuits=circuits, pace=self._pace, rate_per_minute=m.rate,
            look_every_s=self._look_every_s, most=m.faults, seed=m.seed,
        )  # fmt: skip

    async def _circuits(self) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for key in self._accounts.values():
            found += [circuit async for circuit in self._client.items("/v1/circuits", key, limit=200)]
        return found

    def _door(self) -> Door:
        if self._manner.kafka is None:
            every_s = max(self._look_every_s, len(self._networks) / LOOKS_PER_S)
            return HttpDoor(self._client, self._networks, pace=self._pace, look_every_s=every_s)
        from shared.testing.kafka_door import KafkaDoor, KafkaDoors

        if self._manner.access is not None:
            return KafkaDoors(self._manner.kafka, self._manner.access, clock=SystemClock())
        return KafkaDoor(self._manner.kafka, self._networks, clock=SystemClock())

    @property
    def _look_every_s(self) -> float:
        return min(max(SIMULATED_LOOK_S / self._manner.speed, SOONEST_LOOK_S), LATEST_LOOK_S)
