"""One POST to one receiver, over aiohttp: bounded in time and bytes, and only to addresses that were checked.

The check sits where a socket is made, so that nothing is connected that was not checked: not a literal address, not
what a name resolves to, not the second answer of a name that changes. There are no redirects, no proxy, no cookies.
"""

import asyncio
import socket
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.notifier.channels.http import MOST_ANSWER_BYTES, first_bytes, reason_of, retry_after, status_reason
from services.notifier.channels.webhook.frugal import FrugalConnector
from services.notifier.channels.webhook.targets import Network, allowed
from services.notifier.model.outcome import Attempt, Delivered, GaveUp, Outcome, Retry, RetryReason
from shared.clock import Clock

KEEP_ALIVE_S = 4.0  # below the 5 s after which many servers close: a POST into a closing connection is a failure
RESOLVER_THREADS = 16


class ForbiddenTarget(OSError):
    """Always said alike: of several refused addresses, the connecting code then passes on this very class."""

    def __init__(self) -> None:
        super().__init__("this address may not be reached by webhooks")


class Transport:
    """`networks` may be reached although they are not public. Close it at the end."""

    def __init__(self, clock: Clock, *, timeout: timedelta, networks: Iterable[Network]) -> None:
        self._clock = clock
        self._networks = tuple(networks)
        connector = FrugalConnector(
            limit=0, resolver=_Resolver(), keepalive_timeout=KEEP_ALIVE_S, socket_factory=self._socket
        )
        self._session = aiohttp.ClientSession(
            connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=timeout.total_seconds()), read_bufsize=MOST_ANSWER_BYTES,
            headers={"accept-encoding": "identity"},
        )  # fmt: skip

    async def close(self) -> None:
        await self._session.close()

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        try:
            async with self._session.post(URL(url), data=body, headers=headers, allow_redirects=False) as response:
                outcome = self._judge(response)
                return Attempt(outcome, response.status, await first_bytes(response))
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            return Attempt(Retry(_reason(error)))

    def _socket(self, address: Any) -> socket.socket:
        """`address` is one entry of getaddrinfo's answer. Raises ForbiddenTarget."""
        family, type_, protocol, _, (host, *_rest) = address
        if not allowed(host, self._networks):
            raise ForbiddenTarget
        return socket.socket(family, type_, protocol)

    def _judge(self, response: aiohttp.ClientResponse) -> Outcome:
        status = response.status
        if 200 <= status < 300:
            return Delivered()
        if status == 410:
            return GaveUp("gone")
        return Retry(status_reason(status), retry_after(response.headers.get("retry-after"), self._clock.now()))


class _Resolver(AbstractResolver):
    """The system's, in threads of its own: names that never answer hold up nobody but other webhooks' first connect."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(RESOLVER_THREADS, "webhook-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        )
        if not found:
            raise OSError("the name leads to no address")
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=numeric)
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def _reason(error: Exception) -> RetryReason:
    match error:
        case aiohttp.ClientConnectorError(os_error=ForbiddenTarget()):
            return "forbidden_target"
        case _:
            return reason_of(error)
