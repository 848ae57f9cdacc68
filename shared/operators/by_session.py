"""Callers who show a session's cookie, as a browser does by itself.

A request with an `Authorization` header is judged by that alone. What a browser sends by itself proves nothing about
who wanted it, so with a session every request that changes something has to come from our own pages: it carries the
session's CSRF token and the center's own `Origin`.
"""

import hmac

from starlette.requests import Request

from shared.auth.principal import Principal
from shared.errors import Forbidden, Unauthenticated
from shared.operators.config import Config
from shared.operators.cookies import Cookies
from shared.operators.sessions import Session, Sessions
from shared.web.address import client_address

CSRF_HEADER = "X-CSRF-Token"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class BySession:
    def __init__(self, config: Config, cookies: Cookies, sessions: Sessions) -> None:
        self._config = config
        self._cookies = cookies
        self._sessions = sessions

    async def principal(self, request: Request) -> Principal | None:
        session = await self.session(request)
        return session.operator.principal(session.credential, self.address(request)) if session else None

    def address(self, request: Request) -> str:
        return str(client_address(request, self._config.trusted_proxies) or "")

    async def session(self, request: Request) -> Session | None:
        """Raises Unauthenticated when it is over, Forbidden when the request is not from our own pages."""
        cookie = self._cookies.session(request)
        if cookie is None or request.headers.get("authorization"):
            return None
        session = await self._sessions.find(cookie)
        if session is None:
            raise Unauthenticated("Your session has ended. Sign in again: /v1/auth/login")
        if request.method not in SAFE_METHODS:
            self.require_own_origin(request)
            token = request.headers.get(CSRF_HEADER.lower(), "")
            if not hmac.compare_digest(token.encode(), session.csrf_token.encode()):
                raise Forbidden(f"Send this session's token in {CSRF_HEADER}; GET /v1/session tells it.")
        return session

    def require_own_origin(self, request: Request) -> None:
        """Raises Forbidden."""
        origin = request.headers.get("origin", "")
        if origin.lower() != self._config.public_url:
            raise Forbidden(
                f"This must come from a page of {self._config.public_url or 'this center'}: its Origin header says "
                f"{origin[:100]!r}. If that is where browsers reach the center, set public_url to it."
            )
