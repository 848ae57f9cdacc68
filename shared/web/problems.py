"""Errors as RFC 9457 problems: the one mapping from what is raised inside to what is said outside."""

import logging
import secrets
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Route

from shared.contracts.objections import objection
from shared.errors import (
    CenterError,
    FieldError,
    Gone,
    IllegalMove,
    Incomplete,
    InvalidInput,
    NotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
INCIDENT = "vrc.incident"  # in the scope of a request that ended in a defect, which has been logged and answered


class FieldProblem(BaseModel):
    field: str
    message: str


class Problem(BaseModel):
    """RFC 9457; `code` is stable, `errors` name fields, `legal` the moves that are possible now."""

    type: str = Field(examples=["urn:vrc:problem:invalid_input"])
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldProblem] | None = None
    legal: list[str] | None = None
    oldest: str | None = None


def problem(error: CenterError) -> Response:
    body: dict[str, Any] = {
        "type": f"urn:vrc:problem:{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
    }
    headers: dict[str, str] = {}
    match error:
        case InvalidInput(errors=errors):
            body["errors"] = [{"field": e.field, "message": e.message} for e in errors]
        case IllegalMove(legal=legal):
            body["legal"] = list(legal)
        case Unavailable(retry_after_s=seconds) | TooManyRequests(retry_after_s=seconds):
            headers["Retry-After"] = str(seconds)
        case Unauthenticated():
            headers["WWW-Authenticate"] = "Bearer"
        case Gone(oldest=str(oldest)):
            body["oldest"] = oldest
    return Response(orjson.dumps(body), error.status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    app.add_exception_handler(CenterError, _center_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _broken_off)
    app.add_exception_handler(Exception, unmapped)


async def _center_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, CenterError)
    return problem(error)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(invalid(error))


def invalid(error: RequestValidationError | ValidationError) -> CenterError:
    """InvalidInput naming each field; NotFound when it is the path that cannot name anything."""
    # FastAPI's errors say first in which part of the request; a shape validated by itself is the body.
    within: tuple[str, ...] = () if isinstance(error, RequestValidationError) else ("body",)
    found = [FieldError(_field(within + e["loc"]), objection(e)) for e in error.errors()]
    if any(e.field.startswith("path:") for e in found):
        return NotFound()
    return InvalidInput(*found)


def _field(loc: tuple[int | str, ...]) -> str:
    place, *rest = loc
    path = ".".join(str(part) for part in rest)
    if place in ("query", "header", "path"):
        return f"{place}:{path}"
    return path or "body"


async def _broken_off(request: Request, error: Exception) -> Response:
    """Nobody reads it any more, but it is counted as what it was: no defect."""
    return problem(Incomplete())


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problem(NotFound("There is no such address."))
    said = CenterError(str(error.detail))
    said.status, said.code, said.title = error.status_code, f"http_{error.status_code}", str(error.detail)
    response = problem(said)
    response.headers.update(error.headers or {})
    if error.status_code == 405:
        response.headers["Allow"] = _methods_of(request)
    return response


def _methods_of(request: Request) -> str:
    """Those of every route with this path: the router's own answer knows the first route only."""
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods |= route.methods or set()
    return ", ".join(sorted(methods))


async def unmapped(request: Request, error: Exception) -> Response:
    """A defect: said without detail, logged once with an id that the answer carries."""
    incident = request.scope[INCIDENT] = secrets.token_hex(6)
    log.error("unmapped error %s on %s %s", incident, request.method, request.scope.get("path"), exc_info=error)
    return problem(CenterError(f"This is a defect of the center. Quote incident {incident} when you report it."))
