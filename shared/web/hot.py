"""The hot routes, run ahead of FastAPI: six layers and dependency solving cost more than the report itself.

They keep their place in the OpenAPI document (`shared.web.routes.HotRoute`), the body limit, the request metrics and
the same problems; only what stands between is skipped.
"""

from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from shared.errors import CenterError, Incomplete
from shared.web.problems import problem, unmapped
from shared.web.routes import HotRoute


class HotPath:
    def __init__(self, app: FastAPI) -> None:
        self._app = app
        hot = [route for route in app.routes if isinstance(route, HotRoute)]
        self._routes = {(method, route.path): route for route in hot for method in route.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get((scope["method"], scope["path"])) if scope["type"] == "http" else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["app"], scope["route"] = self._app, route
        request = Request(scope, receive)
        try:
            response = await route.handler(request)
        except CenterError as error:
            response = problem(error)
        except ClientDisconnect:
            response = problem(Incomplete())
        except Exception as error:  # noqa: BLE001  the edge of a request
            response = await unmapped(request, error)
        await response(scope, receive, send)
