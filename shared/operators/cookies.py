"""The two cookies: out of reach for scripts, and not sent along with what another site posts.

Over https their names begin with `__Host-`: the browser then takes them over https only, from this host only, for all
paths. Over plain http, which is for loopback alone, that prefix and `Secure` are not possible: any program of this
machine that listens on the same host gets the cookie too.
"""

from starlette.requests import Request
from starlette.responses import Response

SESSION, SIGN_IN = "vrc_session", "vrc_sign_in"
LONGEST = 2048


class Cookies:
    def __init__(self, *, secure: bool) -> None:
        self._secure = secure

    def session(self, request: Request) -> str | None:
        return self._read(request, SESSION)

    def sign_in(self, request: Request) -> str | None:
        return self._read(request, SIGN_IN)

    def put(self, response: Response, name: str, value: str, *, lasts_s: int | None = None) -> None:
        """Without `lasts_s` the browser forgets it when it is closed."""
        response.set_cookie(
            self._named(name), value, max_age=lasts_s, path="/", secure=self._secure, httponly=True, samesite="lax"
        )

    def drop(self, response: Response, name: str) -> None:
        self.put(response, name, "", lasts_s=0)

    def _read(self, request: Request, name: str) -> str | None:
        value = request.cookies.get(self._named(name))
        return value if value and len(value) <= LONGEST else None

    def _named(self, name: str) -> str:
        return f"__Host-{name}" if self._secure else name
