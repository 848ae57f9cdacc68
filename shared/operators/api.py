"""The operators' routes: sign-in, callback, sign-out, break-glass, who am I. Nobody need be signed in to reach them."""

import asyncio
import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from shared.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from shared.operators import shapes
from shared.operators.break_glass import BreakGlass
from shared.operators.by_session import BySession
from shared.operators.claims import BREAK_GLASS_OPERATOR
from shared.operators.cookies import SESSION, SIGN_IN, Cookies
from shared.operators.flow import DEFAULT_NEXT, LASTS_S, LOCAL_PATH, LONGEST_PATH, Attempt
from shared.operators.journal import Journal

if TYPE_CHECKING:
    from shared.operators.openid import OpenID
from shared.operators.sessions import Session, Sessions
from shared.web.authentication import caller_of
from shared.web.routes import StrictRoute, problems

BREAK_GLASS_LASTS = timedelta(hours=1)
REFUSED_AFTER_S = 0.5  # whatever the reason: a failure is written down, a try while locked is not, and that takes time
TO_BROWSER: dict[int | str, dict[str, Any]] = {303: {"description": "The browser goes on to `Location`"}}
NO_OPENID = "There is no sign-in here: no OpenID provider is set (oidc_issuer). Operators use API keys or break-glass."
NO_ADDRESS = "There are no sessions here: set public_url, the address at which browsers reach this center."
REFUSED = "The password is wrong, or the account does not exist or is locked; the center's log says which."
BEGIN_AGAIN = (
    "This does not answer a sign-in that this browser began in the last ten minutes. Begin again: /v1/auth/login"
)
Path = Annotated[
    str, Query(max_length=LONGEST_PATH, pattern=LOCAL_PATH, description="A path of the center, to go on to")
]
Said = Annotated[str | None, Query(max_length=2000, pattern=r"^[\x20-\x7e]*$")]
_WORD = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class Door:
    """What the routes stand on. `openid` is None without a provider."""

    openid: "OpenID | None"
    break_glass: BreakGlass
    sessions: Sessions
    by_session: BySession
    cookies: Cookies
    journal: Journal
    has_address: bool


def routes(door: Door) -> APIRouter:
    router = APIRouter(route_class=StrictRoute, tags=["sign-in"])
    _add_sign_in(router, door)
    _add_break_glass(router, door)
    _add_session(router, door)
    return router


def _add_sign_in(router: APIRouter, door: Door) -> None:
    @router.get(
        "/v1/auth/login", status_code=303, responses={**TO_BROWSER, **problems(404, 422, 503)}, response_model=None,
        summary="Send a browser to the OpenID provider",
    )  # fmt: skip
    async def begin_sign_in(next: Path = DEFAULT_NEXT) -> Response:
        attempt = Attempt.begin(next)
        answer = _to(await _openid(door).begin(attempt))
        door.cookies.put(answer, SIGN_IN, attempt.cookie, lasts_s=LASTS_S)
        return answer

    @router.get(
        "/v1/auth/callback", status_code=303, responses={**TO_BROWSER, **problems(401, 403, 404, 422, 503)},
        response_model=None, summary="Where the OpenID provider sends the browser back",
    )  # fmt: skip
    async def end_sign_in(
        request: Request, code: Said = None, state: Said = None, iss: Said = None, error: Said = None
    ) -> Response:
        openid = _openid(door)
        try:
            attempt = _attempt(door, request, state)
            openid.require_issuer(iss)
            operator, id_token = await openid.finish(attempt, _code(code, error))
        except (Unauthenticated, Forbidden, Unavailable) as refusal:
            await door.journal.not_signed_in(refusal, door.by_session.address(request))
            raise
        session = await door.sessions.begin(
            operator, "openid", instead_of=door.cookies.session(request), id_token=id_token,
            address=door.by_session.address(request),
        )  # fmt: skip
        door.journal.signed_in(session)
        answer = _to(attempt.next)
        door.cookies.drop(answer, SIGN_IN)
        door.cookies.put(answer, SESSION, session.cookie)
        return answer


def _add_break_glass(router: APIRouter, door: Door) -> None:
    @router.post(
        "/v1/auth/break-glass", response_model=shapes.Caller,
        responses=problems(400, 401, 403, 404, 413, 415, 422, 503), summary="Sign in with the break-glass password",
    )  # fmt: skip
    async def sign_in_with_password(request: Request, body: shapes.PasswordBody) -> Response:
        """For when the OpenID provider is away; every try is logged. The session lasts an hour at the most."""
        if not door.has_address:
            raise NotFound(NO_ADDRESS)
        if "origin" in request.headers:  # every browser says it, so another site can't sign anybody in unseen
            door.by_session.require_own_origin(request)
        address, answers_at = door.by_session.address(request), asyncio.get_running_loop().time() + REFUSED_AFTER_S
        outcome = await door.break_glass.opens(body.password)
        await door.journal.break_glass(outcome, address)
        if outcome != "opened":
            await asyncio.sleep(answers_at - asyncio.get_running_loop().time())
            raise Unauthenticated(REFUSED)
        session = await door.sessions.begin(
            BREAK_GLASS_OPERATOR, "break_glass", instead_of=door.cookies.session(request), lasts=BREAK_GLASS_LASTS,
            address=address,
        )  # fmt: skip
        answer = _private(shapes.of_session(session))
        door.cookies.put(answer, SESSION, session.cookie)
        return answer


def _add_session(router: APIRouter, door: Door) -> None:
    @router.get(
        "/v1/session",
        response_model=shapes.Caller,
        responses=problems(401, 403, 503),
        summary="Who am I, and what may I",
    )
    async def read_session(request: Request) -> Response:
        """With a browser's session also its CSRF token, which everything that changes something has to carry."""
        session = await door.by_session.session(request)
        return _private(shapes.of_session(session) if session else shapes.of_principal(await caller_of(request)))

    @router.post(
        "/v1/auth/logout", response_model=shapes.SignedOut, responses=problems(401, 403, 503),
        summary="End this browser's session",
    )  # fmt: skip
    async def sign_out(request: Request) -> Response:
        session = await door.by_session.session(request)
        if session is None:
            raise Unauthenticated("This request has no session that could end.")
        await door.sessions.end(session, address=door.by_session.address(request))
        door.journal.signed_out(session)
        answer = _private(shapes.SignedOut(provider_sign_out=await _sign_out_url(door, session)))
        door.cookies.drop(answer, SESSION)
        return answer


def _openid(door: Door) -> "OpenID":
    if door.openid is None:
        raise NotFound(NO_OPENID)
    return door.openid


def _attempt(door: Door, request: Request, state: str | None) -> Attempt:
    """The sign-in that this browser began, if the answer is to that one. Raises Unauthenticated."""
    attempt = Attempt.of_cookie(door.cookies.sign_in(request) or "")
    if attempt is None or not hmac.compare_digest(attempt.state.encode(), (state or "").encode()):
        raise Unauthenticated(BEGIN_AGAIN)
    return attempt


def _code(code: str | None, error: str | None) -> str:
    if code is None or error is not None:
        said = error if error and _WORD.fullmatch(error) else "no code"
        raise Unauthenticated(f"The OpenID provider did not sign you in ({said}). Begin again: /v1/auth/login")
    return code


async def _sign_out_url(door: Door, session: Session) -> str | None:
    if door.openid is None or session.id_token is None:
        return None
    return await door.openid.sign_out_url(session.id_token)


def _to(url: str) -> Response:
    return RedirectResponse(url, 303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


def _private(body: shapes.Caller | shapes.SignedOut) -> Response:
    return Response(body.model_dump_json(), headers={"Cache-Control": "no-store"}, media_type="application/json")
