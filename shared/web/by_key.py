"""Callers who show an API key: `Authorization: Bearer vrc_…`."""

from starlette.requests import Request

from shared.auth.keyring import Keyring
from shared.auth.principal import Principal
from shared.web.address import client_address


class ByKey:
    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def principal(self, request: Request) -> Principal | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key.startswith("vrc_"):
            return None
        return self._keyring.principal(key, lambda: client_address(request, request.app.state.trusted_proxies))
