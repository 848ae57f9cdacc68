"""One FastAPI application from the routers of one or all services, behind the shared layers."""

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp

from shared.auth import Keyring
from shared.health import Health
from shared.metrics import Metrics
from shared.web import problems
from shared.web.access import Access, AccessLog
from shared.web.hot import HotPath
from shared.web.limits import BodyLimit
from shared.web.routes import undeclared

PUBLIC = frozenset({"/healthz", "/readyz", "/openapi.json"})
VERSION = "0.1.0"


class UndeclaredRoute(Exception):
    """A route does not say who may use it: the center does not start."""


def make_app(routers: Sequence[APIRouter], *, keyring: Keyring, health: Health) -> FastAPI:
    """Raises UndeclaredRoute."""
    app = FastAPI(title="VIP Response Center", version=VERSION, docs_url=None, redoc_url=None)
    app.state.keyring = keyring
    problems.install(app)
    for router in (_health_routes(health), *routers):
        # Not include_router: it wraps each router in a second matching step and re-makes its routes at each start.
        app.router.routes.extend(router.routes)
    if bare := undeclared(app, PUBLIC):
        raise UndeclaredRoute(", ".join(bare))
    app.openapi = lambda: _document(app)  # type: ignore[method-assign]
    return app


def layered(app: FastAPI, *, metrics: Metrics, access_log: AccessLog | None) -> ASGIApp:
    return Access(BodyLimit(HotPath(app)), metrics, access_log)


def _document(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the one schema that routes refer to without FastAPI knowing, and no false 422s."""
    if app.openapi_schema is None:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schema = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        schemas["Problem"] = schema
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema


def _health_routes(health: Health) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Whether the process runs at all")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/readyz", summary="Whether every part makes progress", responses={503: {"description": "It does not"}})
    async def readyz() -> Response:
        troubles = health.troubles()
        body = {"status": "stuck" if troubles else "ok", "parts": health.parts, "troubles": troubles}
        return JSONResponse(body, status_code=503 if troubles else 200)

    return router
