"""The keys that open the door, in memory: a request costs a dictionary lookup and one hash, and never waits.

The followers load it anew when a key or the registry changes in any process; what this process changes it knows at
once. When a key expires is looked up by the
clock at each use. That a key was used is noted here and written once a minute for all.
"""

import asyncio
import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from shared.auth import store
from shared.auth.keys import UNKNOWN, Key, KeyTerms, Mint
from shared.auth.principal import Principal
from shared.clock import Clock, rfc3339
from shared.db.port import Database
from shared.errors import Forbidden, Unauthenticated, Unavailable
from shared.ids import AccountId

log = logging.getLogger(__name__)
AT_ONCE = 500  # keys taken up before requests get a turn
RECORD_EVERY = timedelta(minutes=1)
Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class _Held:
    hash: bytes
    principal: Principal
    expires_at: datetime | None
    addresses: tuple[IPv4Network | IPv6Network, ...]


class Keyring:
    """`readable_by` answers the accounts whose tickets an account may read."""

    def __init__(
        self, database: Database, mint: Mint, clock: Clock, *, readable_by: Callable[[AccountId], frozenset[AccountId]]
    ) -> None:
        self._database = database
        self._mint = mint
        self._clock = clock
        self._readable_by = readable_by
        self._held: dict[str, _Held] = {}
        self._used: set[str] = set()
        self._loading = asyncio.Lock()

    async def load(self) -> None:
        async with self._loading:  # else what was read before a revocation could overwrite what was read after
            held = {}
            for number, key in enumerate(await store.unrevoked(self._database)):
                held[key.id] = self._opening(key)
                if number % AT_ONCE == 0:
                    await asyncio.sleep(0)
            self._held = held

    async def hold(self, key: Key) -> None:
        """One that was just issued here: it opens the door before the followers come by."""
        async with self._loading:  # what is being read may be from before
            self._held[key.id] = self._opening(key)

    async def let_go(self, id: str) -> None:
        """One that was just revoked here."""
        async with self._loading:
            self._held.pop(id, None)

    def principal(self, key: str, address: Callable[[], Address | None]) -> Principal:
        """Whose key it is. `address` is where the caller is, asked only where it matters; None: it is not known.

        Raises Unauthenticated, or Forbidden when the key may not be used from there.
        """
        id = self._mint.id_of(key)
        held = self._held.get(id)
        if held is None or not hmac.compare_digest(held.hash, self._mint.hash(key)):
            raise Unauthenticated(UNKNOWN)
        if held.expires_at is not None and held.expires_at <= self._clock.now():
            raise Unauthenticated(f"This key expired at {rfc3339(held.expires_at)}; send its successor.")
        if held.addresses and not _is_inside(caller := address(), held.addresses):
            raise Forbidden(f"This key may not be used from {caller or 'an unknown address'}.")
        self._used.add(id)
        return held.principal

    async def record_use(self) -> None:
        """Writes which keys were used since the last time; what can't be written now is written with the next."""
        used, self._used = self._used, set()
        if not used:
            return
        now = self._clock.now()
        try:
            await self._database.transact(lambda tx: store.used(tx, sorted(used), at=now, since=now - RECORD_EVERY))
        except Unavailable as error:
            log.info("uses of keys are recorded later: %s", error)
            self._used |= used

    async def run(self) -> None:
        """Records uses for ever."""
        while True:
            await asyncio.sleep(RECORD_EVERY.total_seconds())
            await self.record_use()

    def _opening(self, key: Key) -> _Held:
        t = key.terms
        principal = Principal(t.role, t.subject, t.permissions, self._reads(t), f"key:{key.id}")
        return _Held(key.hash, principal, t.expires_at, t.addresses)

    def _reads(self, terms: KeyTerms) -> frozenset[AccountId] | None:
        match terms.role:
            case "account":
                return self._readable_by(AccountId(terms.subject))
            case "network":
                return frozenset()
            case "operator":
                return None


def _is_inside(address: Address | None, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return address is not None and any(address in network for network in networks)
