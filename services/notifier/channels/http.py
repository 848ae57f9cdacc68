"""What channels that speak HTTP have in common: what an answer or a failure means, and how much of it is read."""

import asyncio
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

import aiohttp

from services.notifier.model.outcome import MOST_ANSWER_BYTES as MOST_KEPT_BYTES
from services.notifier.model.outcome import RetryReason

MOST_ANSWER_BYTES = 16 * 1024
ANSWER_WITHIN_S = 1.0  # once the status is known, the rest of the answer is only read to use the connection again


async def first_bytes(response: aiohttp.ClientResponse) -> bytes:
    """The first bytes of the answer. What is left unread costs the connection, nothing else: the status has decided."""
    if response.content.is_eof():  # all of it came with the status
        return response.content.read_nowait(MOST_KEPT_BYTES)
    first = b""
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


def reason_of(error: Exception) -> RetryReason:
    match error:
        case TimeoutError():
            return "timeout"
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


def status_reason(status: int) -> RetryReason:
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
