"""Callers who show an access token of the OpenID provider, as tools do: `Authorization: Bearer <JWT>`."""

from hashlib import sha256

from starlette.requests import Request

from shared.auth.principal import Principal
from shared.operators.openid import OpenID
from shared.web.address import Networks, client_address


class ByToken:
    def __init__(self, openid: OpenID, trusted_proxies: Networks) -> None:
        self._openid = openid
        self._trusted = trusted_proxies

    async def principal(self, request: Request) -> Principal | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or token.count(".") != 2:  # an API key has no dots
            return None
        operator = await self._openid.bearer(token)
        credential = f"token:{sha256(token.encode()).hexdigest()[:12]}"
        return operator.principal(credential, str(client_address(request, self._trusted) or ""))
