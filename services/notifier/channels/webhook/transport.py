"""One POST to one receiver, over aiohttp: bounded in time and bytes, and only to addresses that were checked.

The check sits where a socket is made, so that nothing is connected that was not checked: not a literal address, not
what a name resolves to, not the second answer of a name that changes. There are no redirects, no proxy, no cookies.
"""

import asyncio
import socket
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.notifier.channels.webhook.targets import Network, allowed
from services.notifier.model.outcome import MOST_ANSWER_BYTES as MOST_KEPT_BYTES
from services.notifier.model.outcome import Attempt, Delivered, GaveUp, Outcome, Retry, RetryReason
from shared.clock import Clock

MOST_ANSWER_BYTES = 16 * 1024
ANSWER_WITHIN_S = 1.0  # once the status is known, the rest of the answer is only read to use the connection again
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
        connector = aiohttp.TCPConnector(
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
                return Attempt(outcome, response.status, await _read(response))
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
        return Retry(_status_reason(status), retry_after(response.headers.get("retry-after"), self._clock.now()))


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
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(hostname=host, host=str(address[0]), port=port, family=kind, proto=protocol, flags=numeric)
            for kind, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The first bytes of the answer. What is left unread costs the connection, nothing else: the status has decided."""
    first = b""
    if response.content.is_eof():
        return first
    left = MOST_ANSWER_BYTES
    try:
        async with asyncio.timeout(ANSWER_WITHIN_S):
            while left > 0 and (chunk := await response.content.read(left)):
                left -= len(chunk)
                if len(first) < MOST_KEPT_BYTES:
                    first += chunk[: MOST_KEPT_BYTES - len(first)]
    except (TimeoutError, aiohttp.ClientError, OSError):
        response.close()
    return first


def _reason(error: Exception) -> RetryReason:
    match error:
        case TimeoutError():
            return "timeout"
        case aiohttp.ClientConnectorError(os_error=ForbiddenTarget()):
            return "forbidden_target"
        case aiohttp.ClientConnectorDNSError():
            return "dns"
        case aiohttp.ClientSSLError():
            return "tls"
        case aiohttp.ClientConnectorError():
            return "connect"
        case aiohttp.ServerDisconnectedError() | OSError():
            return "disconnected"
        case _:
            return "protocol"


def _status_reason(status: int) -> RetryReason:
    if 300 <= status < 400:
        return "redirect"
    if status == 429:
        return "too_many_requests"
    if 400 <= status < 500:
        return "client_error"
    return "server_error" if status >= 500 else "protocol"


def retry_after(value: str | None, now: datetime) -> timedelta | None:
    """A Retry-After header, seconds or a date; None when there is none or it makes no sense."""
    if value is None:
        return None
    value = value.strip()
    if value.isascii() and value.isdigit():
        return timedelta(seconds=int(value[:9]))
    try:
        return parsedate_to_datetime(value) - now
    except (ValueError, TypeError, OverflowError):
        return None
