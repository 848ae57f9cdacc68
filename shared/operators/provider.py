"""The OpenID provider over HTTP: what it says of itself, its keys, a code for a token. Never waited for at start.

Its documents are kept and fetched anew when they are old or a key is unknown, but not more than once in `REST`: tokens
with invented key ids, or a provider that is down, cost one request in that time. What is kept goes on counting while
the provider does not answer.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from shared.clock import Clock
from shared.errors import Unauthenticated, Unavailable
from shared.operators.config import Client

T = TypeVar("T")
_Fetch = Callable[[], Awaitable[Mapping[str, Any]]]
log = logging.getLogger(__name__)
TIMEOUT = httpx.Timeout(5.0)
REST = timedelta(seconds=10)
DISCOVERY_AGE, KEYS_AGE = timedelta(hours=1), timedelta(minutes=10)
LARGEST_BYTES = 256 * 1024
DISCOVERY = "/.well-known/openid-configuration"
REFUSED = (400, 401, 403)
DOWN = "The OpenID provider does not answer. Who is signed in stays signed in; try again later, or use break-glass."
KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC"}


class Provider:
    """Raises Unavailable whenever the provider is needed and does not answer as it must."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        # No proxy from the environment and no redirects: this goes where the settings say, or nowhere.
        self._http = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, follow_redirects=False)
        self._discovery = _Kept(clock, DISCOVERY_AGE)
        self._keys = _Kept(clock, KEYS_AGE)

    async def close(self) -> None:
        await self._http.aclose()

    async def endpoint(self, name: str) -> str | None:
        """`authorization_endpoint` and so on."""
        url = (await self._said()).get(name)
        return url if isinstance(url, str) else None

    async def key(self, kid: str | None, algorithm: str) -> Mapping[str, Any] | None:
        """The public signing key of that id and algorithm; None when the provider has no such key even now."""
        found = _key(await self._keys.value(self._fetch_keys), kid, algorithm)
        return found or _key(await self._keys.value(self._fetch_keys, anew=True), kid, algorithm)

    async def redeem(self, code: str, *, verifier: str, redirect_uri: str) -> str:
        """The ID token for a code. Raises Unauthenticated when the provider refuses the code."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": verifier,
        }
        said = await self._said()
        auth = None
        if self._client.secret is None:
            form["client_id"] = self._client.id
        elif "client_secret_basic" in said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            auth = httpx.BasicAuth(quote(self._client.id, safe=""), quote(self._client.secret, safe=""))
        else:
            form |= {"client_id": self._client.id, "client_secret": self._client.secret}
        answer = await _whole(self._send("POST", str(said["token_endpoint"]), data=form, auth=auth))
        body = _object(answer)
        if answer.status_code in REFUSED:
            raise _refusal(body.get("error"))
        token = body.get("id_token")
        if answer.status_code != 200 or not isinstance(token, str):
            raise _down(f"its token endpoint answered {answer.status_code} without an ID token")
        return token

    async def _said(self) -> Mapping[str, Any]:
        return await self._discovery.value(self._fetch_discovery)

    async def _fetch_discovery(self) -> Mapping[str, Any]:
        said = await self._document(self._client.issuer.rstrip("/") + DISCOVERY)
        if said.get("issuer") != self._client.issuer:
            raise _down(f"it calls itself {said.get('issuer')!r}, not {self._client.issuer!r} as oidc_issuer says")
        scheme = self._client.issuer.partition(":")[0]
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not str(said.get(name)).startswith((f"{scheme}://", "https://")):
                raise _down(f"its {name} is missing or not {scheme}")
        return said

    async def _fetch_keys(self) -> Mapping[str, Any]:
        return await self._document(str((await self._said())["jwks_uri"]))

    async def _document(self, url: str) -> Mapping[str, Any]:
        answer = await _whole(self._send("GET", url))
        body = _object(answer)
        if answer.status_code != 200 or not body:
            raise _down(f"{url} answered {answer.status_code} without a JSON object")
        return body

    async def _send(self, method: str, url: str, **request: Any) -> httpx.Response:
        try:
            answer = await self._http.request(method, url, headers={"Accept": "application/json"}, **request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _down(f"{url}: {type(error).__name__}") from error
        if len(answer.content) > LARGEST_BYTES:
            raise _down(f"{url} answered {len(answer.content)} bytes")
        return answer


class _Kept:
    """A document and when it was fetched; one fetch at a time, and a rest after each, also after one that failed."""

    def __init__(self, clock: Clock, good_for: timedelta) -> None:
        self._clock = clock
        self._good_for = good_for
        self._value: Mapping[str, Any] | None = None
        self._tried_at: datetime | None = None
        self._fetched_at: datetime | None = None
        self._one = asyncio.Lock()

    async def value(self, fetch: _Fetch, *, anew: bool = False) -> Mapping[str, Any]:
        async with self._one:
            if self._value is not None and (self._rests() or not (anew or self._is_old())):
                return self._value
            if self._rests():
                raise Unavailable(DOWN, retry_after_s=int(REST.total_seconds()))
            self._tried_at = self._clock.now()
            try:
                self._value = await fetch()
                self._fetched_at = self._tried_at
            except Unavailable:
                if self._value is None:
                    raise
            return self._value

    def _rests(self) -> bool:
        return self._tried_at is not None and abs(self._clock.now() - self._tried_at) < REST

    def _is_old(self) -> bool:
        return self._fetched_at is None or abs(self._clock.now() - self._fetched_at) >= self._good_for


async def _whole(call: Coroutine[Any, Any, T]) -> T:
    """Lets the call end although whoever waits for it was cancelled: httpx's pool can stay dead after that."""
    return await asyncio.shield(asyncio.ensure_future(call))


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _key(document: Mapping[str, Any], kid: str | None, algorithm: str) -> Mapping[str, Any] | None:
    """Public keys only: a shared secret in a key set must never verify anything."""
    keys = document.get("keys")
    fitting = [
        key
        for key in (keys if isinstance(keys, list) else [])
        if isinstance(key, dict)
        and key.get("kty") == KEY_TYPES.get(algorithm[:2])
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and (kid is None or key.get("kid") == kid)
    ]
    return fitting[0] if len(fitting) == 1 else None


def _refusal(reason: object) -> Unauthenticated | Unavailable:
    if reason == "invalid_grant":
        return Unauthenticated("The OpenID provider does not take this sign-in (any more). Begin again.")
    return _down(f"it refuses this center's oidc_client_id or oidc_client_secret ({str(reason)[:80]!r})")


def _down(why: str) -> Unavailable:
    """What is wrong is for the log; the caller can only wait."""
    log.warning("OpenID provider: %s", why)
    return Unavailable(DOWN, retry_after_s=int(REST.total_seconds()))
