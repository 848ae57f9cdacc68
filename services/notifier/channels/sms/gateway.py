"""One POST to the operator's SMS gateway: JSON over HTTPS with our token, bounded in time and bytes.

The gateway is the operator's own and may be anywhere; the number goes into the body and nowhere else. Each message has
an id that is the same at every try: a gateway that knows it answers alike and sends nothing twice.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from yarl import URL

from services.notifier.channels.http import first_bytes, reason_of, retry_after, status_reason
from services.notifier.channels.sms.segments import size
from services.notifier.model.outcome import Attempt, Delivered, GaveUp, Outcome, Refused, Retry
from shared.clock import Clock
from shared.credentials import password_in, verifying

MOST_REFERENCE = 200
CONNECTIONS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayAccess:
    """`ca_file` None: the system's authorities. The token is read at each message: a new one is used at once."""

    url: str
    token_file: Path | None = field(default=None, repr=False)
    ca_file: Path | None = None


class Gateway:
    """Close it at the end."""

    def __init__(self, access: GatewayAccess, clock: Clock, *, timeout: timedelta) -> None:
        self._access = access
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout.total_seconds())
        self._session: aiohttp.ClientSession | None = None

    async def send(self, id: str, *, to: str, text: str) -> Attempt:
        """Raises nothing."""
        found = size(text)
        body = {"id": id, "to": to, "text": text, "encoding": found.encoding, "segments": found.segments}
        try:
            session, authorization = self._session or await self._open(), await self._authorization()
        except OSError as error:
            return Attempt(Retry("not_configured", ours=True), answer=str(error).encode())
        headers = {"content-type": "application/json", "idempotency-key": id, **authorization}
        try:
            async with session.post(
                URL(self._access.url), data=orjson.dumps(body), headers=headers, allow_redirects=False
            ) as response:
                answer = await first_bytes(response)
                return Attempt(self._judge(response), response.status, answer, _reference(answer))
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            return Attempt(Retry(reason_of(error), ours=True))

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _open(self) -> aiohttp.ClientSession:
        context: Any = await asyncio.to_thread(verifying, self._access.ca_file)
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, ssl=context), timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(), trust_env=False, auto_decompress=False,
                headers={"accept-encoding": "identity"},
            )  # fmt: skip
        return self._session

    async def _authorization(self) -> dict[str, str]:
        if self._access.token_file is None:
            return {}
        return {"authorization": f"Bearer {await asyncio.to_thread(password_in, self._access.token_file)}"}

    def _judge(self, response: aiohttp.ClientResponse) -> Outcome:
        match response.status:
            case status if 200 <= status < 300:
                return Delivered()
            case 400 | 422:
                return Refused("rejected")
            case 401 | 403:
                return Retry("unauthorized", ours=True)
            case 410:
                return GaveUp("gone")
            case status:
                later = retry_after(response.headers.get("retry-after"), self._clock.now())
                return Retry(status_reason(status), later, ours=True)


def _reference(answer: bytes) -> str:
    """What the gateway calls it, if it says so."""
    try:
        said = orjson.loads(answer)
    except ValueError:
        return ""
    name = said.get("id") if isinstance(said, dict) else None
    return name[:MOST_REFERENCE] if isinstance(name, str) else ""
