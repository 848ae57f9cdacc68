"""One FastAPI application from the routers of one or all services, behind the shared layers."""

from collections.abc import Awaitable, Callable, Sequence
from functools import cache
from typing import Any, Literal, get_args

import orjson
from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from shared.contracts import asyncapi
from shared.errors import Incomplete
from shared.health import Health
from shared.metrics import Metrics
from shared.tickets.model import Status
from shared.web import problems, routes
from shared.web.access import Access, AccessLog, Answered
from shared.web.address import Networks
from shared.web.authentication import Authenticator
from shared.web.hot import HotPath
from shared.web.limits import BodyLimit
from shared.web.routes import access_of, undeclared

HEALTH = frozenset({"/healthz", "/readyz", "/openapi.json", "/asyncapi.json"})
# Where one says who one is, or asks who one is taken for: these find out themselves, and tell nothing to a stranger.
SIGN_IN = frozenset({"/v1/auth/login", "/v1/auth/callback", "/v1/auth/break-glass", "/v1/auth/logout", "/v1/session"})
# Where a machine of the operator's proves itself by the signature of what it brings.
SIGNED = frozenset({"/v1/sms/receipts"})
PUBLIC = HEALTH | SIGN_IN | SIGNED
VERSION = "0.1.0"
Webhooks = Callable[[], Sequence[BaseRoute]]


class UndeclaredRoute(Exception):
    """A route does not say who may use it and what they need: the center does not start."""


class Alive(BaseModel):
    status: Literal["ok"]


class Readiness(BaseModel):
    """`troubles` says of each part that is stuck what it owes."""

    status: Literal["ok", "stuck"]
    parts: list[str]
    troubles: dict[str, str]


def make_app(
    routers: Sequence[APIRouter],
    *,
    authenticators: Sequence[Authenticator],
    health: Health,
    trusted_proxies: Networks = (),
    webhooks: Webhooks = tuple,
) -> FastAPI:
    """`webhooks` are what the center sends itself, for the document. Raises UndeclaredRoute."""
    # FastAPI's own route of the document writes it anew for each who asks: 22 ms, and nobody need have a key.
    app = FastAPI(title="VIP Response Center", version=VERSION, openapi_url=None, redirect_slashes=False)
    app.state.authenticators = authenticators
    app.state.trusted_proxies = trusted_proxies
    problems.install(app)
    for router in (_health_routes(health), *routers):
        # Not include_router: it wraps each router in a second matching step and re-makes its routes at each start.
        app.router.routes.extend(router.routes)
    if bare := undeclared(app, PUBLIC):
        raise UndeclaredRoute(", ".join(bare))
    app.openapi = lambda: _document(app, webhooks)  # type: ignore[method-assign]
    app.add_route("/openapi.json", _operations_document(app), include_in_schema=False)
    app.add_route("/asyncapi.json", _topics_document, include_in_schema=False)
    return app


def _operations_document(app: FastAPI) -> Callable[[Request], Awaitable[Response]]:
    written = cache(lambda: orjson.dumps(app.openapi(), option=orjson.OPT_NON_STR_KEYS))

    async def document(_: Request) -> Response:
        return Response(written(), media_type="application/json")

    return document


async def _topics_document(_: Request) -> Response:
    return Response(asyncapi_json(), media_type="application/json")


@cache
def asyncapi_json() -> bytes:
    """What is on Kafka's topics, for other systems; it is the same for every center of this version."""
    return orjson.dumps(asyncapi.document(version=VERSION, statuses=get_args(Status)), option=orjson.OPT_INDENT_2)


def layered(
    app: FastAPI, *, metrics: Metrics, access_log: AccessLog | None, answered: Answered | None = None
) -> ASGIApp:
    """`answered` hears of every answer: its request's scope and its status."""
    return Access(BodyLimit(HotPath(app)), metrics, access_log, answered)


def _document(app: FastAPI, webhooks: Webhooks) -> dict[str, Any]:
    """The OpenAPI document. `x-roles` says who an operation is for, `x-permission` what they need; neither: anybody."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes, webhooks=webhooks())
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schema = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas["Problem"] = schema
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for route in app.routes:
            if isinstance(route, APIRoute):
                for method in route.methods or ():
                    operation = document["paths"][route.path][method.lower()]
                    access = access_of(route)
                    operation["x-roles"] = list(access.roles) if access else []
                    operation["x-permission"] = access.needs if access else None
                    if access:
                        operation["responses"]["429"] = _too_many()
                    if "requestBody" in operation:
                        operation["responses"] |= routes.problems(Incomplete.status)
                    _correct(operation)
                    if access:  # whatever it takes, it is refused what it does not know
                        operation["responses"].setdefault("422", routes.problems(422)[422])
        for path in document.get("webhooks", {}).values():
            _correct(path["post"])
        app.openapi_schema = document
    return app.openapi_schema


def _too_many() -> dict[str, Any]:
    """Whoever has to say who he is may do so too often: the answer of every operation that is not public."""
    number, text = {"type": "integer"}, {"type": "string"}
    of_key = "of your key, as in draft-ietf-httpapi-ratelimit-headers-10"
    return {
        "description": "A limit; try again after `Retry-After` seconds",
        "headers": {
            "Retry-After": {"required": True, "description": "Seconds", "schema": number},
            "RateLimit-Policy": {"description": f"`q` requests in `w` seconds, {of_key}", "schema": text},
            "RateLimit": {"description": f"`r` left, all `q` again after `t` seconds, {of_key}", "schema": text},
        },
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _correct(operation: dict[str, Any]) -> None:
    """What FastAPI says of every operation and is not so here."""
    if "application/json" in operation["responses"].get("422", {}).get("content", {}):
        del operation["responses"]["422"]  # a path that names nothing is 404
    for parameter in operation.get("parameters", ()):
        match parameter["schema"]:
            case {"anyOf": [dict(schema), {"type": "null"}], **rest}:  # left out, yes; but null can't be sent
                parameter["schema"] = schema | {name: value for name, value in rest.items() if name != "title"}


def _health_routes(health: Health) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Whether the process runs at all")
    async def healthz() -> Alive:
        return Alive(status="ok")

    stuck: dict[int | str, dict[str, Any]] = {503: {"model": Readiness, "description": "Some part does not"}}

    @router.get("/readyz", summary="Whether every part makes progress", response_model=Readiness, responses=stuck)
    async def readyz() -> Response:
        troubles = health.troubles()
        body = {"status": "stuck" if troubles else "ok", "parts": health.parts, "troubles": troubles}
        return JSONResponse(body, status_code=503 if troubles else 200)

    return router
