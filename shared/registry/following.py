"""How a process fills what it holds of the registry, and follows what any process changes."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import BigInteger, and_, bindparam, case, cast, func, or_, select

from shared.db.port import Database
from shared.db.statement import Query, Row, any_of
from shared.errors import Unavailable
from shared.ids import AccountId, CircuitId, NetworkCode
from shared.registry import tables as t
from shared.registry.model import Network
from shared.registry.shelves import network_of
from shared.registry.store import Found, Registry
from shared.registry.version import VERSION

log = logging.getLogger(__name__)
FOLLOW_EVERY_S = 1.0
LOADING_S = 60.0  # a hundred thousand circuits on a busy server
MOST_FOLLOWED = 5_000  # changes; after more (an import) everything is read anew, which then is faster

MOVED = Query(select(cast(func.coalesce(func.sum(t.registry_version.c.version), 0), BigInteger).label("version")))
_owner = (t.circuits.c.id, t.circuits.c.account, t.circuits.c.protected)
OWNERS = Query(select(*_owner))
OWNERS_OF = Query(select(*_owner).where(any_of(t.circuits.c.id, "ids")))
_details = t.accounts.c.details
_agreed = or_(
    _details.like('%"service_level":"%'),
    and_(_details.like('%"confirmation_timeout_h":%'), _details.not_like('%"confirmation_timeout_h":null%')),
    _details.like('%"reporters":"listed-contacts"%'),
)
# Of the details only where the contract says something that a report depends on: they are long, and most say nothing.
_tier = (t.accounts.c.id, t.accounts.c.tier, case((_agreed, _details)).label("details"))
TIERS = Query(select(*_tier))
TIERS_OF = Query(select(*_tier).where(any_of(t.accounts.c.id, "ids")))
NETWORKS = Query(select(t.networks))
CHILDREN = Query(
    select(t.accounts.c.parent, t.accounts.c.id).where(
        t.accounts.c.parent.is_not(None), t.accounts.c.parent_may_read.is_(True)
    )
)
_c = t.registry_changes.c
CHANGED = Query(
    select(_c.kind, _c.id, _c.version)
    .where(_c.version > bindparam("since"))
    .order_by(_c.version)
    .limit(bindparam("most"))
)


class Held(Protocol):
    """Something kept in memory that is brought up to date when a version has moved."""

    async def load(self) -> None: ...


class Filling:
    """Fills a Registry: with everything at first, then with what has changed since."""

    def __init__(self, database: Database, registry: Registry) -> None:
        self._database = database
        self._registry = registry

    async def load(self) -> None:
        since = self._registry.version
        if since < 0:
            return await self._all()
        changed = await self._fetch(CHANGED, since=since, most=MOST_FOLLOWED + 1)
        if len(changed) > MOST_FOLLOWED:
            await self._all()
        elif changed:
            await self._these(changed)

    async def _all(self) -> None:
        rows = await self._fetch(VERSION)  # first: what changes meanwhile comes again
        owners, tiers = await self._fetch(OWNERS), await self._fetch(TIERS)
        networks, readable = await self._networks(), await self._readable()
        self._registry.forget()
        self._registry.learn(Found(rows[0]["version"] if rows else 0, owners, tiers, networks, readable))

    async def _these(self, changed: Sequence[Row]) -> None:
        ids: dict[str, set[str]] = defaultdict(set)
        for row in changed:
            ids[row["kind"]].add(row["id"])
        owners = await self._fetch(OWNERS_OF, ids=list(ids["circuit"])) if ids["circuit"] else ()
        tiers = await self._fetch(TIERS_OF, ids=list(ids["account"])) if ids["account"] else ()
        networks = await self._networks() if ids["network"] else None
        readable = await self._readable() if ids["account"] else None
        self._registry.forget(map(CircuitId, ids["circuit"]))
        self._registry.learn(Found(changed[-1]["version"], owners, tiers, networks, readable))

    async def _networks(self) -> Mapping[NetworkCode, Network]:
        return {row["code"]: network_of(row) for row in await self._fetch(NETWORKS)}

    async def _readable(self) -> Mapping[AccountId, frozenset[AccountId]]:
        found: dict[AccountId, frozenset[AccountId]] = {}
        for row in await self._fetch(CHILDREN):
            found[row["parent"]] = found.get(row["parent"], frozenset({row["parent"]})) | {row["id"]}
        return found

    async def _fetch(self, query: Query, **params: Any) -> Sequence[Row]:
        return await self._database.fetch(query, patience_s=LOADING_S, **params)


async def loaded(database: Database) -> Registry:
    """The registry as it is now; it follows nothing."""
    registry = Registry(database)
    await Filling(database, registry).load()
    return registry


class Follower:
    """Brings what is held up to date whenever a version has moved."""

    def __init__(self, database: Database, *held: Held) -> None:
        self._database = database
        self._held = held
        self._version: int | None = None

    async def refresh(self) -> None:
        version = (await self._database.fetch(MOVED))[0]["version"]
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
