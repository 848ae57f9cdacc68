"""Callers who show an API key: `Authorization: Bearer vrc_…`."""

from starlette.requests import Request

from shared.auth.keyring import Keyring
from shared.auth.principal import Principal


class ByKey:
    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    async def principal(self, request: Request) -> Principal | None:
        return self._keyring.principal(request.headers.get("authorization", ""))
