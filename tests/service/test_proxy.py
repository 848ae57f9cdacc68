"""The proxy configuration that ships sends every route of the three services to one that serves it."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from services.run import ALL, center
from shared.settings import Settings
from tests.centers import Embedded

CONFIGURATION = Path(__file__).parents[2] / "deploy/proxy/nginx.conf"
MAP = re.compile(r"^map (\$\w+) (\$\w+) \{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
LINE = re.compile(r'^ +"?(\S+?)"? +(\S+);$', re.MULTILINE)
Routes = frozenset[tuple[str, str]]


@cache
def maps() -> Mapping[str, tuple[str, list[tuple[str, str]]]]:
    """Each variable that is made: from which one, and by which lines."""
    return {made: (of, LINE.findall(lines)) for of, made, lines in MAP.findall(CONFIGURATION.read_text())}


def value(variable: str, request: Mapping[str, str]) -> str:
    """As nginx finds it: a literal, else the first expression that fits, else the default."""
    if variable in request:
        return request[variable]
    of, lines = maps()[variable]
    found = value(of, request)
    literal = [result for pattern, result in lines if pattern == found]
    fits = [result for pattern, result in lines if pattern.startswith("~") and re.search(pattern[1:], found)]
    result = [*literal, *fits, dict(lines)["default"]][0]
    return value(result, request) if result.startswith("$") else result


@pytest.fixture
async def routes(embedded_way: Embedded) -> Mapping[str, Routes]:
    """Service → the methods and paths that it serves when it runs alone."""
    return {name: await served(embedded_way.settings, name) for name in ALL}


async def served(settings: Settings, name: str) -> Routes:
    async with center(settings, services=[known for known in ALL if known == name]) as alone:
        found = [(route.path, getattr(route, "methods", None) or ()) for route in alone.api.routes]
    return frozenset((method, path) for path, methods in found for method in methods)


async def test_every_route_is_sent_to_a_service_that_serves_it(routes: Mapping[str, Routes]) -> None:
    missed = []
    for method, path in sorted(frozenset().union(*routes.values())):
        uri = re.sub(r"\{\w+\}", "VT261121-7K3QM9XA", path)
        service = value("$vrc_service", {"$request_method": method, "$uri": uri}).removeprefix("vrc_")
        if (method, path) not in routes[service]:
            missed.append((method, path, service))
    assert missed == []
