"""A real nginx under the configuration that ships, in front of the three services, and in front of a whole center."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack

import httpx
import pytest

from services.run import ALL, center
from shared.settings import Settings
from shared.testing.nginx import Nginx
from shared.testing.process import free_ports
from shared.testing.serve import serving
from tests.centers import Embedded, House
from tests.registry import FAR
from tests.streams import reading

Routes = frozenset[tuple[str, str]]


def through(nginx: Nginx) -> httpx.AsyncClient:
    trusting = ssl.create_default_context(cafile=nginx.ca_file)
    return httpx.AsyncClient(base_url=nginx.url, verify=trusting, trust_env=False, timeout=30)


@pytest.fixture
async def routes(embedded_way: Embedded) -> Mapping[str, Routes]:
    """Service → the methods and paths that it serves when it runs alone."""
    return {name: await served(embedded_way.settings, name) for name in ALL}


async def served(settings: Settings, name: str) -> Routes:
    async with center(settings, services=[known for known in ALL if known == name]) as alone:
        found = [(route.path, getattr(route, "methods", None) or ()) for route in alone.api.routes]
    return frozenset((method, path) for path, methods in found for method in methods)


@pytest.fixture
async def named() -> AsyncIterator[httpx.AsyncClient]:
    """Through nginx to three servers, each of which answers nothing but its service's name."""
    async with AsyncExitStack() as stack:
        ports = {name: await stack.enter_async_context(Saying(name)) for name in ALL}
        yield await stack.enter_async_context(through(stack.enter_context(Nginx(ports))))


class Saying:
    """A server that answers whatever it is asked with its service's name."""

    def __init__(self, name: str) -> None:
        self._answer = f"HTTP/1.1 204 No Content\r\nX-Service: {name}\r\nConnection: close\r\n\r\n".encode()

    async def __aenter__(self) -> int:
        self._server = await asyncio.start_server(self._say, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _say(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self._answer)
        writer.close()


@pytest.fixture
async def proxied(embedded: House) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(embedded.center.app) as url, AsyncExitStack() as stack:
        port = int(url.rpartition(":")[2])
        yield await stack.enter_async_context(through(stack.enter_context(Nginx(dict.fromkeys(ALL, port)))))
        embedded.center.end_streams()


@pytest.fixture
def away() -> Iterator[Nginx]:
    """In front of a center that is not there."""
    with Nginx(dict(zip(ALL, free_ports(len(ALL)), strict=True))) as nginx:
        yield nginx


async def test_every_route_is_sent_to_a_service_that_serves_it(
    routes: Mapping[str, Routes], named: httpx.AsyncClient
) -> None:
    missed = []
    for method, path in sorted(frozenset().union(*routes.values())):
        answer = await named.request(method, re.sub(r"\{\w+\}", "VT261121-7K3QM9XA", path))
        if (method, path) not in routes[answer.headers["x-service"]]:
            missed.append((method, path, answer.headers["x-service"]))
    assert missed == []


async def test_each_services_own_description_can_be_had(named: httpx.AsyncClient) -> None:
    for name in ALL:
        answer = await named.get(f"/openapi/{name}.json")
        assert answer.headers["x-service"] == name


async def test_live_stream_comes_through_as_it_happens(embedded: House, proxied: httpx.AsyncClient) -> None:
    async with reading(proxied, "/v1/stream", embedded.customer.key) as stream:
        reported = await report(embedded, proxied)
        shown = await stream.next()
        assert (shown.event, shown.data["ticket"]) == ("ticket.reported", reported)
        await embedded.customer.note(reported, "the gate is open")
        while shown.event != "ticket.noted":
            shown = await stream.next()


async def report(embedded: House, proxied: httpx.AsyncClient) -> str:
    body = {"circuit": FAR, "impact": "down", "description": "no light at either end"}
    headers = {"Authorization": f"Bearer {embedded.customer.key}"}
    answer = await proxied.post("/v1/faults", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_body_that_is_too_large_is_answered_as_by_the_center_itself(
    embedded: House, proxied: httpx.AsyncClient
) -> None:
    large = b"x" * (64 * 1024 + 1)
    by_nginx = await proxied.post("/v1/faults", content=large)
    by_the_center = await embedded.customer.send("POST", "/v1/faults", large)
    assert (by_nginx.status_code, by_nginx.json()) == (by_the_center.status_code, by_the_center.json())
    assert by_nginx.headers["content-type"] == by_the_center.headers["content-type"]


async def test_center_that_can_not_be_reached_is_said_as_a_problem_with_what_to_do(away: Nginx) -> None:
    async with through(away) as http:
        answer = await http.post("/v1/faults", json={})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unavailable"
    assert "Idempotency-Key" in answer.json()["detail"]
