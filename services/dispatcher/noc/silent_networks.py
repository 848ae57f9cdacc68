"""The silent networks as the record has them, and the signs of life written into it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from services.dispatcher.noc.silence import Silent, Waiting, silent
from services.dispatcher.noc.tables import SIGN_COLUMNS, network_signs
from services.dispatcher.signs import Sign
from services.dispatcher.tables import is_live, repair_orders
from shared.clock import Clock, from_ms, to_ms
from shared.db.port import Database
from shared.db.statement import BulkInsert, Query
from shared.ids import NetworkCode
from shared.registry.store import Registry
from shared.tickets.targets import Policies

o = repair_orders.c
LIVE = Query(
    select(
        o.network, o.tier, o.state, func.count().label("n"), func.min(o.issued_at).label("oldest"),
        func.min(o.breach_at).label("breach"),
    )
    .where(is_live)
    .group_by(o.network, o.tier, o.state)
)  # fmt: skip
SIGNS = Query(select(network_signs))
PUT_SIGNS = BulkInsert(
    network_signs,
    SIGN_COLUMNS,
    conflict="(network) DO UPDATE SET looked_at = coalesce(excluded.looked_at, network_signs.looked_at),"
    " spoke_at = coalesce(excluded.spoke_at, network_signs.spoke_at)",
)


class SilentNetworks:
    def __init__(
        self, database: Database, registry: Registry, clock: Clock, *, policies: Policies, after: timedelta
    ) -> None:
        self._database = database
        self._registry = registry
        self._clock = clock
        self._policies = policies
        self._after = after

    async def now(self) -> Sequence[Silent]:
        """Those silent at this moment, the longest first. At most as many as there are networks."""
        waiting: dict[NetworkCode, list[Waiting]] = {}
        for row in await self._database.fetch(LIVE):
            network, since, breach = NetworkCode(row["network"]), from_ms(row["oldest"]), from_ms(row["breach"])
            of_network = waiting.setdefault(network, [])
            of_network.append(Waiting(network, row["tier"], row["state"], row["n"], since, breach))
        signs = {row["network"]: Sign(_at(row["looked_at"]), _at(row["spoke_at"])) for row in await self._signs()}
        now = self._clock.now()
        found = [self._silent(of, signs.get(network, Sign()), now) for network, of in waiting.items()]
        return sorted((s for s in found if s is not None), key=lambda s: (s.since, s.network))

    def _silent(self, waiting: Sequence[Waiting], sign: Sign, now: datetime) -> Silent | None:
        network = self._registry.network(waiting[0].network)
        door = network.door if network else None
        return silent(waiting, sign, door=door, now=now, policy=self._policies.at(now), after=self._after)

    async def _signs(self) -> Sequence[Any]:
        return await self._database.fetch(SIGNS)

    async def record(self, signs: Mapping[NetworkCode, Sign]) -> None:
        rows = [(network, _ms(sign.looked_at), _ms(sign.spoke_at)) for network, sign in signs.items()]
        if rows:
            await self._database.transact(lambda tx: tx.insert(PUT_SIGNS, rows))


def _at(ms: int | None) -> datetime | None:
    return None if ms is None else from_ms(ms)


def _ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)
