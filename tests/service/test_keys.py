"""Deny by default: every route says whose key it takes, and no other is let in, whatever else is in the request."""

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from shared.auth.keyring import issue, revoke_key, save_keys
from shared.auth.permissions import ROLES
from shared.auth.principal import Principal
from shared.testing.clock import START
from shared.web.app import PUBLIC
from shared.web.routes import access_of, undeclared
from tests.centers import House
from tests.people import Caller, Customer
from tests.registry import BEIJING, GRID

JSON = {"Content-Type": "application/json"}


def routes(center: House) -> Iterator[tuple[str, str, APIRoute]]:
    """Method, path with ids filled in, route: of everything that is not public."""
    for route in center.center.api.routes:
        if isinstance(route, APIRoute) and route.path not in PUBLIC:
            path = route.path.replace("{id}.", "").replace("{code}", BEIJING)
            path = path.replace("orders/{id}", "orders/VT261121-7K3QM9XA.010").replace("{id}", "VT261121-7K3QM9XA")
            yield from ((method, path, route) for method in route.methods or ())


async def test_every_route_says_who_may_use_it(embedded: House) -> None:
    assert undeclared(embedded.center.api, PUBLIC) == []
    assert len(list(routes(embedded))) >= 27


@pytest.mark.parametrize("body", [b"", b"{", b'{"text": "x"}', b"\xff"])
async def test_without_a_key_every_route_is_401_whatever_is_sent(embedded: House, body: bytes) -> None:
    for method, path, _ in routes(embedded):
        answer = await embedded.nobody.send(method, path, body, JSON)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), path


@pytest.mark.parametrize("body", [b"", b"{", b'{"text": "x"}'])
async def test_key_of_another_role_is_403_whatever_is_sent(embedded: House, body: bytes) -> None:
    callers: dict[str, Caller] = {
        "account": embedded.customer, "network": embedded.network(BEIJING), "operator": embedded.operator,
    }  # fmt: skip
    assert set(callers) == set(ROLES)
    for method, path, route in routes(embedded):
        for role in set(ROLES) - set(access_of(route).roles):
            answer = await callers[role].send(method, path, body, JSON)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (role, path)


async def test_key_counts_once_it_is_known_and_no_more_when_it_is_revoked(embedded: House) -> None:
    center, new = embedded.center, issue(Principal("account", GRID))
    caller = Customer(embedded.http, new.key)
    assert (await caller.get("/v1/tickets")).status_code == 401
    await center.database.transact(lambda tx: save_keys(tx, [new], START))
    await center.follower.refresh()
    assert (await caller.get("/v1/tickets")).status_code == 200
    await center.database.transact(lambda tx: revoke_key(tx, new.id, START))
    await center.follower.refresh()
    assert (await caller.get("/v1/tickets")).status_code == 401


async def test_health_and_the_document_need_no_key(embedded: House) -> None:
    for path in sorted(PUBLIC):
        assert (await embedded.nobody.get(path)).status_code == 200
