"""Callers who show an API key: `Authorization: Bearer vrc_…`."""

from starlette.requests import Request

from shared.auth.keyring import Keyring
from shared.auth.principal import Principal
from shared.web.address import Networks, client_address


class ByKey:
    def __init__(self, keyring: Keyring, trusted_proxies: Networks = ()) -> None:
        self._keyring = keyring
        self._trusted = trusted_proxies

    async def principal(self, request: Request) -> Principal | None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key.startswith("vrc_"):
            return None
        return self._keyring.principal(key, lambda: client_address(request, self._trusted))
