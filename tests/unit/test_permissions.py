"""Who may do what: the table, held to what was promised to customers, networks and operators."""

import pytest
from fastapi import APIRouter, Depends

from shared.auth.permissions import (
    DUTIES,
    PERMISSIONS,
    ROLES,
    SCOPES,
    Access,
    Permission,
    Role,
    attainable,
    giving,
    granted,
    grants_of,
)
from shared.auth.principal import Principal
from shared.health import Health
from shared.ids import AccountId
from shared.web.app import UndeclaredRoute, make_app
from shared.web.routes import StrictRoute, allow

READ_ONLY = {p for p in PERMISSIONS if p.endswith(":read")}


def test_every_permission_can_be_had_by_somebody() -> None:
    had = [granted(role, list(grants_of(role))) for role in ROLES]
    assert frozenset().union(*had) == set(PERMISSIONS)


def test_scope_gives_what_it_is_called() -> None:
    assert all(scope in given for scope, given in SCOPES.items())
    assert granted("account", ["reports:write"]) == {"reports:write", "tickets:write", "keys:rotate"}


def test_account_without_scopes_may_only_look_after_its_keys() -> None:
    assert granted("account", []) == {"keys:rotate"}


def test_networks_have_a_fixed_set_and_no_grants() -> None:
    assert granted("network", []) == {"orders:work", "tickets:read", "tickets:write"}
    with pytest.raises(KeyError):
        granted("network", ["noc"])


def test_operator_without_duties_may_nothing() -> None:
    assert granted("operator", []) == frozenset()


def test_customers_and_networks_never_reach_what_is_operators() -> None:
    ours: set[Permission] = {
        "noc:read", "warnings:read", "noc:route", "registry:read", "registry:write", "keys:manage", "audit:read"
    }  # fmt: skip
    assert not ours & granted("account", list(SCOPES))
    assert not ours & granted("network", [])


def test_account_manager_reads_warnings_and_no_queue_of_the_noc() -> None:
    assert {"warnings:read", "noc:read"} & granted("operator", ["account_manager"]) == {"warnings:read"}


def test_auditor_sees_much_and_changes_nothing() -> None:
    assert granted("operator", ["auditor"]) <= READ_ONLY
    assert "audit:read" in granted("operator", ["auditor"])


def test_only_administrators_issue_keys_and_they_work_on_no_ticket() -> None:
    assert giving("operator", "keys:manage") == ["administrator"]
    assert not {"tickets:read", "tickets:write", "reports:write"} & granted("operator", ["administrator"])


def test_duty_manager_can_stand_in_for_desk_and_noc() -> None:
    assert granted("operator", ["desk", "noc"]) <= granted("operator", ["duty_manager"])
    assert set(DUTIES) == {"desk", "noc", "duty_manager", "account_manager", "auditor", "administrator"}


def test_account_always_reads_its_own_and_others_nothing_unless_told() -> None:
    bank = Principal("account", "beiyuan-bank")
    parent = Principal("account", "group", reads=frozenset({AccountId("beiyuan-bank")}))
    assert (bank.reads, Principal("network", "010").reads) == ({"beiyuan-bank"}, frozenset())
    assert parent.may_read(AccountId("beiyuan-bank"))
    assert not parent.owns(AccountId("beiyuan-bank"))
    assert not bank.may_read(AccountId("group"))


@pytest.mark.parametrize(
    ("roles", "needs", "right"),
    [
        (("account",), "reports:write", True), (("account", "operator"), "noc:read", False),
        (("network",), "subscriptions:manage", False), ((), "tickets:read", False),
    ],
)  # fmt: skip
def test_route_that_somebody_let_in_could_never_use_is_declared_wrongly(
    roles: tuple[Role, ...], needs: Permission, right: bool
) -> None:
    assert attainable(Access(roles, needs)) == right


def test_center_does_not_start_with_a_route_that_is_declared_wrongly() -> None:
    router = APIRouter(route_class=StrictRoute)
    router.add_api_route("/v1/bare", lambda: None)
    router.add_api_route("/v1/wrong", lambda: None, dependencies=[Depends(allow("network", needs="keys:manage"))])
    router.add_api_route("/v1/right", lambda: None, dependencies=[Depends(allow("network", needs="orders:work"))])
    with pytest.raises(UndeclaredRoute, match=r"^\['GET'\] /v1/bare, \['GET'\] /v1/wrong$"):
        make_app([router], authenticators=[], health=Health())
