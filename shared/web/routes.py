"""How routes are declared: who may use each, and a body that is strict JSON.

Every route names its roles and the permission it needs with `allow`; the center does not start while one doesn't
(`undeclared`).
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, get_args, get_origin

from fastapi import FastAPI, Request, Security
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from shared.auth.permissions import Access, Permission, Role, attainable
from shared.auth.principal import Principal
from shared.errors import FieldError, InvalidInput, UnsupportedMedia
from shared.web import strict_json
from shared.web.authentication import authenticate
from shared.web.idempotency import HEADER, check_key
from shared.web.strict_json import shown

bearer = HTTPBearer(auto_error=False, scheme_name="api_key", description="An API key: `Authorization: Bearer <key>`")
_ACCESS = "__vrc_access__"
Handler = Callable[[Request], Awaitable[Response]]


def allow(*roles: Role, needs: Permission) -> Callable[..., Awaitable[Principal]]:
    """A dependency that answers the caller, who must have one of these roles and this permission."""
    access = Access(roles, needs)

    async def principal(
        request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]
    ) -> Principal:
        return await authenticate(request, access)

    setattr(principal, _ACCESS, access)
    return principal


def access_of(route: APIRoute) -> Access | None:
    """None when the route does not say who may use it."""
    if isinstance(route, HotRoute):
        return route.access
    for dependency in route.dependant.dependencies:
        if (access := getattr(dependency.call, _ACCESS, None)) is not None:
            found: Access = access
            return found
    return None


def undeclared(app: FastAPI, public: frozenset[str]) -> list[str]:
    """The routes that are not public and do not say who may use them, or say what nobody of a role could satisfy."""
    return [
        f"{sorted(route.methods or ())} {route.path}"
        for route in app.routes
        if isinstance(route, APIRoute)
        and route.path not in public
        and ((access := access_of(route)) is None or not attainable(access))
    ]


class StrictRequest(Request):
    """A request whose JSON is read by the strict door."""

    async def json(self) -> Any:
        if not hasattr(self, "_read"):
            self._read = read_json(await self.body(), self.headers.get("content-type"))
        return self._read


def read_json(body: bytes, content_type: str | None) -> Any:
    """Raises InvalidInput or UnsupportedMedia."""
    if content_type is None or content_type.split(";")[0].strip().lower() != "application/json":
        raise UnsupportedMedia(f"The body is {content_type or 'of no stated type'}; send application/json.")
    return strict_json.parse(body)


class StrictRoute(APIRoute):
    """FastAPI's route over a StrictRequest; who calls is known before the body is looked at."""

    def get_route_handler(self) -> Handler:  # type: ignore[override]
        handle = super().get_route_handler()
        has_body = self.body_field is not None
        takes_key = any(header.alias == HEADER for header in self.dependant.header_params)
        access = access_of(self)

        async def strict(request: Request) -> Response:
            request = StrictRequest(request.scope, request.receive)
            if (has_body or takes_key) and access is not None:
                await authenticate(request, access)
            if takes_key:
                check_key(request.headers.getlist(HEADER))
            if has_body and await request.body():
                await request.json()
            return await handle(request)

        return strict if access is None else _asked_as_declared(self, strict, access)


class HotRoute(APIRoute):
    """A route that FastAPI documents and `shared.web.hot` runs: its handler takes the request and answers bytes.

    A path with parameters comes here through FastAPI's routing, and is run by its handler all the same.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        self.access: Access = endpoint.access  # type: ignore[attr-defined]
        self.handler = _asked_as_declared(self, endpoint.hot, self.access)  # type: ignore[attr-defined]
        self.app = self._run

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self.handler(Request(scope, receive))
        await response(scope, receive, send)


def _asked_as_declared(route: APIRoute, handle: Handler, access: Access) -> Handler:
    """Refuses query parameters that the route does not declare or takes once, once it is known who calls."""
    known = sorted(parameter.alias for parameter in route.dependant.query_params)
    lists = {parameter.alias for parameter in route.dependant.query_params if _is_list(parameter.field_info.annotation)}
    choice = f"there are {', '.join(known)}" if known else "there are none"

    async def ask(request: Request) -> Response:
        if request.scope["query_string"]:
            await authenticate(request, access)
            if unknown := [f"query:{shown(name)}" for name in request.query_params if name not in known]:
                raise InvalidInput(*(FieldError(name, f"is no parameter here; {choice}") for name in unknown))
            said = Counter(name for name, _ in request.query_params.multi_items())
            if twice := [f"query:{name}" for name, times in said.items() if times > 1 and name not in lists]:
                raise InvalidInput(*(FieldError(name, "is given more than once") for name in twice))
        return await handle(request)

    return ask


def _is_list(annotation: Any) -> bool:
    return any(get_origin(part) is list for part in (annotation, *get_args(annotation)))


def hot(handler: Handler, access: Access) -> Callable[[Any], Any]:
    """Marks a documented signature as the description of `handler`, which authenticates for this access itself."""

    def mark(endpoint: Any) -> Any:
        endpoint.hot, endpoint.access = handler, access
        return endpoint

    return mark


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problem answers of a route, for its OpenAPI document."""
    described = {
        400: "The request is malformed",
        401: "No valid API key",
        403: "The key's role or scopes do not allow this",
        404: "Unknown, or not this key's to see",
        408: "The body did not arrive whole in 20 s",
        409: "Not possible in this state; `legal` says what is",
        410: "No longer available",
        413: "The body is over 64 KiB",
        415: "Not application/json",
        422: "A field is not valid; `errors` names it",
        503: "Try again after `Retry-After` seconds",
    }
    headers = {
        401: {"WWW-Authenticate": {"required": True, "schema": {"type": "string"}}},
        503: {"Retry-After": {"required": True, "description": "Seconds", "schema": {"type": "integer"}}},
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {"application/problem+json": {"schema": schema}}
    found: dict[int | str, dict[str, Any]] = {s: {"description": described[s], "content": content} for s in statuses}
    for status in set(statuses) & set(headers):
        found[status]["headers"] = headers[status]
    return found


LIST_PROBLEMS = problems(400, 401, 403, 422, 503)
READ_PROBLEMS = problems(401, 403, 404, 503)
WRITE_PROBLEMS = problems(400, 401, 403, 404, 409, 413, 415, 422, 503)
LOCATION_HEADER = {"Location": {"required": True, "description": "Where it is read", "schema": {"type": "string"}}}
REPLAYED_HEADER = {
    "Idempotent-Replayed": {
        "description": "The Idempotency-Key was used before: this is the answer of that time",
        "schema": {"type": "string", "enum": ["true"]},
    }
}
DONE_OR_PROBLEMS: dict[int | str, dict[str, Any]] = {200: {"headers": REPLAYED_HEADER}, **WRITE_PROBLEMS}
