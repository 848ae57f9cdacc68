"""The OpenAPI document as a whole; that each operation keeps to it is test_schemathesis' business."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from fastapi.routing import APIRoute

from shared.web.routes import access_of
from tests.centers import House
from tests.people import done

Json = dict[str, Any]
# A secret is not told again; an import that is repeated finds nothing to change.
NOT_REPEATED = "subscriptions|keys|links|auth|registry|mass-faults|receipts"


@pytest.fixture
async def document(embedded: House) -> Json:
    return done(await embedded.nobody.get("/openapi.json"))


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in document["paths"].items():
        yield from ((f"{method.upper()} {path}", operation) for method, operation in methods.items())


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for name, value in part.items() if name == "$ref")
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from references(inner)


async def test_document_is_valid_openapi_3_1(document: Json) -> None:
    assert document["openapi"].startswith("3.1.")
    schemathesis.openapi.from_dict(document).validate()


@pytest.mark.parametrize("path", ["/openapi.json", "/asyncapi.json"])
async def test_document_is_written_once_for_all_who_ask(embedded: House, path: str) -> None:
    """Anybody may ask, as often as he likes."""
    first, second = await sent(embedded, path), await sent(embedded, path)
    assert len(first) > 10_000
    assert first is second


async def sent(house: House, path: str) -> bytes:
    """The body's very bytes."""
    bodies: list[bytes] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            bodies.append(message["body"])

    async def receive() -> Any:
        raise AssertionError("nothing is waited for")

    scope = {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b"", "headers": [],
        "client": ("127.0.0.1", 1), "http_version": "1.1", "scheme": "http", "server": ("center", 80), "root_path": "",
    }  # fmt: skip
    await house.center.app(scope, receive, send)
    (body,) = bodies
    return body


async def test_every_reference_leads_somewhere_and_every_schema_is_used(document: Json) -> None:
    schemas = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) == schemas


async def test_every_route_is_in_the_document_with_its_roles_and_permission(embedded: House, document: Json) -> None:
    routes = {
        f"{method} {route.path}": (list(access.roles), access.needs) if (access := access_of(route)) else ([], None)
        for route in embedded.center.api.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    told = {name: (operation["x-roles"], operation["x-permission"]) for name, operation in operations(document)}
    assert told == routes


async def test_every_operation_says_what_it_is_for_and_what_it_needs(document: Json) -> None:
    for name, operation in operations(document):
        assert operation["summary"], name
        assert operation["tags"], name
        assert bool(operation["x-roles"]) == (operation.get("security") == [{"api_key": []}]), name
    names = [operation["operationId"] for _, operation in operations(document)]
    assert len(names) == len(set(names))


async def test_every_refusal_is_a_problem(document: Json) -> None:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for name, operation in operations(document):
        refusals = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        if operation["x-roles"]:
            assert {"401", "403", "503"} <= set(refusals), name
            assert all(answer["content"] == problem for answer in refusals.values()), name
            assert "Retry-After" in refusals["503"]["headers"], name


async def test_every_command_takes_an_idempotency_key_and_says_when_it_replays(document: Json) -> None:
    for name, operation in operations(document):
        if name.startswith("POST") and not re.search(NOT_REPEATED, name):
            parameters = {parameter["name"].lower(): parameter for parameter in operation["parameters"]}
            assert parameters["idempotency-key"]["schema"]["maxLength"] == 200, name
            done_well = [answer for status, answer in operation["responses"].items() if status < "300"]
            assert all("Idempotent-Replayed" in answer["headers"] for answer in done_well), name
