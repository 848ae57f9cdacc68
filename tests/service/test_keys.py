"""Deny by default: every route says whose key it takes and what it needs, and no other is let in, whatever is sent."""

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute

from shared.auth.permissions import KEY_ROLES, SCOPES, Access, giving, granted, grants_of
from shared.web.app import HEALTH, PUBLIC
from shared.web.routes import access_of, undeclared
from tests.centers import House
from tests.keys import issued, save
from tests.people import Caller, Customer
from tests.registry import BEIJING, GRID

JSON = {"Content-Type": "application/json"}


def routes(center: House) -> Iterator[tuple[str, str, Access]]:
    """Method, path with ids filled in, access: of everything that is not public."""
    for route in center.center.api.routes:
        if isinstance(route, APIRoute) and route.path not in PUBLIC:
            path = route.path.replace("{id}.", "").replace("{code}", BEIJING)
            path = path.replace("orders/{id}", "orders/VT261121-7K3QM9XA.010").replace("{id}", "VT261121-7K3QM9XA")
            access = access_of(route)
            assert access is not None, path
            yield from ((method, path, access) for method in route.methods or ())


async def caller(house: House, role: str, subject: str, *grants: str) -> Caller:
    """Somebody with a key of these scopes or duties alone."""
    key = issued(role, subject, *grants)  # type: ignore[arg-type]
    await house.center.database.transact(lambda tx: save(tx, [key]))
    await house.center.key_follower.refresh()
    return Caller(house.http, key.key)


async def test_every_route_says_who_may_use_it(embedded: House) -> None:
    assert undeclared(embedded.center.api, PUBLIC) == []
    assert len(list(routes(embedded))) >= 31


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
    assert set(callers) == set(KEY_ROLES)
    for method, path, access in routes(embedded):
        for role in set(KEY_ROLES) - set(access.roles):
            answer = await callers[role].send(method, path, body, JSON)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (role, path)


@pytest.mark.parametrize("role", ["account", "operator"])
@pytest.mark.parametrize("body", [b"", b"{", b'{"text": "x"}'])
async def test_key_without_the_scope_or_duty_is_403_and_names_it(embedded: House, role: str, body: bytes) -> None:
    callers = {name: await caller(embedded, role, GRID, name) for name in grants_of(role)}  # type: ignore[arg-type]
    for method, path, access in routes(embedded):
        for name in callers if role in access.roles else ():
            if access.needs not in granted(role, [name]):  # type: ignore[arg-type]
                answer = await callers[name].send(method, path, body, JSON)
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), (name, path)
                assert " or ".join(giving(role, access.needs)) in answer.json()["detail"], (name, path)  # type: ignore[arg-type]


async def test_each_scope_opens_what_it_is_for(embedded: House) -> None:
    ticket = await embedded.customer.report("SG-0878-010")
    opens = {
        "reports:write": ("POST", f"/v1/tickets/{ticket}/notes", {"text": "seen"}),
        "tickets:read": ("GET", f"/v1/tickets/{ticket}", None),
        "subscriptions:manage": ("GET", "/v1/subscriptions", None),
    }
    for scope in SCOPES:
        someone = await caller(embedded, "account", GRID, scope)
        told = {name: (await someone.send(m, path, json=body)).status_code for name, (m, path, body) in opens.items()}
        assert told == {name: 200 if name == scope else 403 for name in opens}


async def test_key_counts_once_it_is_known_and_no_more_when_it_is_revoked(embedded: House) -> None:
    center, new = embedded.center, issued("account", GRID)
    customer = Customer(embedded.http, new.key)
    assert (await customer.get("/v1/tickets")).status_code == 401
    await center.database.transact(lambda tx: save(tx, [new]))
    await center.key_follower.refresh()
    assert (await customer.get("/v1/tickets")).status_code == 200
    assert (await embedded.operator.send("DELETE", f"/v1/keys/{new.id}")).status_code == 204
    await center.key_follower.refresh()
    assert (await customer.get("/v1/tickets")).status_code == 401


async def test_health_and_the_document_need_no_key(embedded: House) -> None:
    for path in sorted(HEALTH):
        assert (await embedded.nobody.get(path)).status_code == 200
