"""Sign-in with the OpenID provider, from the redirect to the operator; and the operator of a tool's access token."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from shared.clock import Clock
from shared.errors import Unauthenticated, Unavailable
from shared.operators.claims import Operator, operator_of
from shared.operators.config import Client
from shared.operators.flow import Attempt
from shared.operators.provider import DOWN, Provider
from shared.operators.refusals import BadIdToken, NoDuty
from shared.operators.tokens import BadToken, Tokens


class OpenID:
    """Raises Unavailable while the provider does not answer."""

    def __init__(self, client: Client, clock: Clock, *, public_url: str, contact: str) -> None:
        self._client = client
        self._contact = contact
        self._public_url = public_url
        self._redirect_uri = f"{public_url}/v1/auth/callback"
        self._provider = Provider(client, clock)
        self._tokens = Tokens(self._provider, client, clock)

    async def close(self) -> None:
        await self._provider.close()

    async def begin(self, attempt: Attempt) -> str:
        """Where the browser goes."""
        endpoint = await self._provider.endpoint("authorization_endpoint")
        if endpoint is None:
            raise Unavailable(DOWN)
        return attempt.authorization_url(
            endpoint, client_id=self._client.id, redirect_uri=self._redirect_uri, scope=self._client.scope
        )

    async def finish(self, attempt: Attempt, code: str) -> tuple[Operator, str]:
        """Who signed in, with the ID token. Raises Unauthenticated, BadIdToken or NoDuty."""
        id_token = await self._provider.redeem(code, verifier=attempt.verifier, redirect_uri=self._redirect_uri)
        try:
            claims = await self._tokens.id_token(id_token, nonce=attempt.nonce)
        except BadToken as error:
            raise BadIdToken(error) from error
        return self._operator(claims), id_token

    async def bearer(self, token: str) -> Operator:
        """Raises Unauthenticated or Forbidden."""
        try:
            claims = await self._tokens.access_token(token)
        except BadToken as error:
            raise Unauthenticated(f"The access token is not valid: {error}.") from error
        return self._operator(claims)

    async def sign_out_url(self, id_token: str) -> str | None:
        """Where the browser ends its session at the provider too (RP-initiated logout); None without such a place."""
        try:
            endpoint = await self._provider.endpoint("end_session_endpoint")
        except Unavailable:
            return None
        told = {"id_token_hint": id_token, "client_id": self._client.id, "post_logout_redirect_uri": self._public_url}
        return f"{endpoint}?{urlencode(told)}" if endpoint else None

    def require_issuer(self, issuer: str | None) -> None:
        """RFC 9207: an answer that names another provider was meant for somebody else. Raises Unauthenticated."""
        if issuer is not None and issuer != self._client.issuer:
            raise Unauthenticated("This answer is another provider's.")

    def _operator(self, claims: Mapping[str, Any]) -> Operator:
        operator = operator_of(claims, self._client)
        if operator is None:
            raise Unauthenticated("The provider names a subject that this center can't take.")
        if not operator.duties:
            raise NoDuty(operator, self._client, self._contact)
        return operator
