"""Signed tokens of the provider, verified here: signature by its published keys, then every claim that binds a token.

Only public-key signatures are taken, so neither `none` nor a public key used as an HMAC secret gets through.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import import_key
from joserfc.jwt import JWTClaimsRegistry

from shared.clock import Clock, to_ms
from shared.operators.config import Client
from shared.operators.provider import Provider

ALGORITHMS = tuple(f"{family}{size}" for family in ("RS", "PS", "ES") for size in (256, 384, 512))
SKEW = timedelta(seconds=60)
LONGEST = 8192
Claims = Mapping[str, Any]


class BadToken(Exception):
    """Says what is wrong with it, without showing it."""


class Tokens:
    """Both raise BadToken, and Unavailable while the provider's keys can't be had."""

    def __init__(self, provider: Provider, client: Client, clock: Clock) -> None:
        self._provider = provider
        self._client = client
        self._clock = clock

    async def id_token(self, token: str, *, nonce: str) -> Claims:
        """OpenID Connect Core 3.1.3.7."""
        claims = await self._claims(token, self._client.id)
        if claims.get("nonce") != nonce:
            raise BadToken("the nonce is another sign-in's")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self._client.id) != self._client.id:
            raise BadToken("it was issued to another client")
        return claims

    async def access_token(self, token: str) -> Claims:
        if self._client.audience is None:
            raise BadToken("this center takes no access tokens (oidc_audience is not set)")
        return await self._claims(token, self._client.audience)

    async def _claims(self, token: str, audience: str) -> Claims:
        kid, algorithm = _header(token)
        key = await self._provider.key(kid, algorithm)
        if key is None:
            raise BadToken("it is signed with a key that the provider does not publish")
        now_s = to_ms(self._clock.now()) // 1000
        registry = JWTClaimsRegistry(
            now=now_s,
            leeway=int(SKEW.total_seconds()),
            iss={"essential": True, "value": self._client.issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            claims = jwt.decode(token, import_key(dict(key)), algorithms=[algorithm]).claims
            registry.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise BadToken(str(error)[:200]) from error
        return claims


def _header(token: str) -> tuple[str | None, str]:
    """Key id and algorithm, before anything is asked of the provider. Raises BadToken."""
    if len(token) > LONGEST:
        raise BadToken("it is too long")
    try:
        header = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, TypeError) as error:
        raise BadToken("it is not a signed token") from error
    kid, algorithm = header.get("kid"), header.get("alg")
    if algorithm not in ALGORITHMS or not isinstance(kid, str | None):
        raise BadToken("its algorithm is not one that this center takes")
    return kid, str(algorithm)
