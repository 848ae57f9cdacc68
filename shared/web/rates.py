"""How often one caller may ask: a token bucket a key, and one an address for those who have none.

In memory and a process each: n processes behind a proxy let through up to n times as much. A bucket is one number, the
instant at which it will be full again (GCRA, "virtual scheduling"), so it takes a look-up and a few additions, and one
that is full need not be kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_network
from math import ceil
from typing import Any, NamedTuple

from starlette.requests import Request

from shared.auth.permissions import Role
from shared.auth.principal import Principal
from shared.clock import Clock, to_ms
from shared.errors import Forbidden, TooManyRequests, Unauthenticated
from shared.metrics import Metrics
from shared.web.address import Address, Networks, client_address
from shared.web.authentication import ADMITTED, Authenticator

SWEEP_EVERY_MS = 60_000
MOST_BUCKETS = 100_000  # 15 MiB; beyond, newcomers share one
SHARED = "everybody else"
HEADERS = "vrc.rate_headers"  # in a request's scope: what its answer says of the bucket it came from


@dataclass(frozen=True, slots=True)
class Rate:
    """`burst` requests at once, `per_s` over time: never more than burst + per_s · t within any t seconds."""

    name: str
    burst: int
    per_s: float


class Left(NamedTuple):
    """`after_ms`: how long until the next one is let in; 0: this one was. `full_ms`: until the bucket is full again."""

    requests: int
    after_ms: float
    full_ms: float


class Buckets:
    """One bucket a name, all of one rate."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._interval_ms = 1000 / rate.per_s
        self._depth_ms = rate.burst * self._interval_ms
        self._full_at: dict[str, float] = {}
        self._sweep_at = 0.0
        name = rate.name.encode()
        window_s = ceil(rate.burst / rate.per_s)
        self._policy = b"ratelimit-policy", b'"%s";q=%d;w=%d' % (name, rate.burst, window_s)
        self._what_is_left = b'"%s";r=%%d;t=%%d' % name

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, name: str, now_ms: float) -> Left:
        if not 0 < self._sweep_at - now_ms <= SWEEP_EVERY_MS or len(self._full_at) >= MOST_BUCKETS:
            name = self._sweep(name, now_ms)
        used = max(self._full_at.get(name, now_ms) - now_ms, 0)
        if used > self._depth_ms + 1:  # more than the whole: the clock was set back since, and what was counted is void
            used = 0
        empties = used + self._interval_ms
        if empties > self._depth_ms:
            return Left(0, empties - self._depth_ms, empties - self._interval_ms)
        self._full_at[name] = now_ms + empties
        return Left(int((self._depth_ms - empties) / self._interval_ms + 1e-6), 0, empties)

    def headers(self, left: Left) -> list[tuple[bytes, bytes]]:
        """As draft-ietf-httpapi-ratelimit-headers-10 has them; `t`: seconds until the whole burst is there again."""
        return [self._policy, (b"ratelimit", self._what_is_left % (left.requests, ceil(left.full_ms / 1000)))]

    def _sweep(self, name: str, now_ms: float) -> str:
        """Forget the full ones. The name to go by: a newcomer's own only while there is room for it."""
        if not 0 < self._sweep_at - now_ms <= SWEEP_EVERY_MS:
            self._sweep_at = now_ms + SWEEP_EVERY_MS
            self._full_at = {name: at for name, at in self._full_at.items() if at > now_ms}
        return name if name in self._full_at or len(self._full_at) < MOST_BUCKETS else SHARED


class Limited:
    """An Authenticator: these ways, asked in order, for those who do not ask too often."""

    def __init__(self, limits: "Limits", *ways: Authenticator, trusted_proxies: Networks = ()) -> None:
        self._limits = limits
        self._ways = ways
        self._trusted = trusted_proxies

    async def principal(self, request: Request) -> Principal | None:
        """A request counts once, however often it is asked who sent it. Raises TooManyRequests."""
        if request.scope.get(ADMITTED):
            return await self._ask(request)
        try:
            caller = await self._ask(request)
        except (Unauthenticated, Forbidden):
            self._limits.admit_unknown(client_address(request, self._trusted))
            raise
        if caller is None:
            self._limits.admit_unknown(client_address(request, self._trusted))
        else:
            self._limits.admit(caller, request.scope)
            request.scope[ADMITTED] = True
        return caller

    async def _ask(self, request: Request) -> Principal | None:
        for way in self._ways:
            if (caller := await way.principal(request)) is not None:
                return caller
        return None


class Limits:
    """Who is let in how often. A role without a rate is not limited."""

    def __init__(self, clock: Clock, metrics: Metrics, roles: Mapping[Role, Rate], unknown: Rate | None) -> None:
        self._clock = clock
        self._refusals = metrics.refusals
        self._roles = {role: Buckets(rate) for role, rate in roles.items()}
        self._unknown = Buckets(unknown) if unknown else None

    def admit(self, caller: Principal, scope: Any) -> None:
        """Raises TooManyRequests. Either way the answer says what is left."""
        buckets = self._roles.get(caller.role)
        if buckets is None:
            return
        left = buckets.take(caller.credential or caller.actor, to_ms(self._clock.now()))
        scope[HEADERS] = buckets.headers(left)
        if left.after_ms:
            self._refusals.labels("key").inc()
            raise TooManyRequests(
                f"More than {buckets.rate.burst} requests at once and {buckets.rate.per_s:g} a second with one key.",
                retry_after_s=ceil(left.after_ms / 1000),
            )

    def admit_unknown(self, address: Address | None) -> None:
        """For somebody who showed nothing that is valid. Raises TooManyRequests."""
        if self._unknown is None:
            return
        left = self._unknown.take(neighbourhood(address), to_ms(self._clock.now()))
        if left.after_ms:
            self._refusals.labels("address").inc()
            raise TooManyRequests(
                "Too many requests without a valid key from your address.", retry_after_s=ceil(left.after_ms / 1000)
            )


def neighbourhood(address: Address | None) -> str:
    """An IPv4 address; of IPv6 the /64, since one machine can have all of it."""
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else str(address)
