"""Who may do what, as data: the one table of customers' scopes, networks' fixed set and operators' duties.

A route needs one permission (`shared.web.routes.allow`); nothing is allowed that does not stand here.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

KeyRole = Literal["account", "network", "operator"]
Role = KeyRole | Literal["link"]  # whoever shows a tracking link
Permission = Literal[
    "reports:write",  # report a fault; say for the customer that it is gone, repaired, or back
    "tickets:read",  # tickets with their log, streams and orders
    "tickets:write",  # add to a ticket what everybody who works on it should know
    "orders:work",  # accept, decline, progress … restore
    "noc:read",
    "warnings:read",  # what repeats, whose attainment falls
    "noc:route",  # order networks by hand, reject a ticket
    "sla:decide",  # strike out or uphold a suspension, set other terms in mid-ticket
    "subscriptions:manage",
    "links:manage",  # give tracking links to a ticket, take them back
    "ticket:track",  # the steps of the one ticket that a link shows
    "exports:read",
    "registry:read",
    "registry:write",
    "keys:rotate",  # list keys, make a key's successor, end a key; an account its own only
    "keys:manage",  # issue any key, end any key
    "audit:read",
]
Scope = Literal["reports:write", "tickets:read", "subscriptions:manage", "exports:read"]
Duty = Literal["desk", "noc", "duty_manager", "account_manager", "auditor", "administrator"]
KEY_ROLES: tuple[KeyRole, ...] = get_args(KeyRole)
ROLES: tuple[Role, ...] = (*KEY_ROLES, "link")
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)
_EVERY_ACCOUNT: frozenset[Permission] = frozenset({"keys:rotate"})
_DESK: frozenset[Permission] = frozenset(
    {"reports:write", "tickets:read", "tickets:write", "registry:read", "links:manage"}
)
_NOC: frozenset[Permission] = frozenset(
    {"tickets:read", "tickets:write", "orders:work", "noc:read", "warnings:read", "noc:route", "registry:read"}
)

SCOPES: Mapping[Scope, frozenset[Permission]] = {
    "reports:write": frozenset({"reports:write", "tickets:write"}),
    "tickets:read": frozenset({"tickets:read"}),
    "subscriptions:manage": frozenset({"subscriptions:manage", "links:manage"}),
    "exports:read": frozenset({"exports:read"}),
}
LINK: frozenset[Permission] = frozenset({"ticket:track"})
NETWORK: frozenset[Permission] = frozenset({"orders:work", "tickets:read", "tickets:write"})
DUTIES: Mapping[Duty, frozenset[Permission]] = {
    "desk": _DESK,
    "noc": _NOC,
    "duty_manager": _DESK | _NOC | {"sla:decide", "exports:read"},
    "account_manager": _DESK | {"warnings:read", "subscriptions:manage", "exports:read"},
    "auditor": frozenset({"tickets:read", "noc:read", "warnings:read", "registry:read", "audit:read", "exports:read"}),
    "administrator": frozenset({"registry:read", "registry:write", "keys:rotate", "keys:manage", "audit:read"}),
}


@dataclass(frozen=True, slots=True)
class Access:
    """What a route declares: the roles it takes and the one permission it needs."""

    roles: tuple[Role, ...]
    needs: Permission


def grants_of(role: Role) -> Mapping[str, frozenset[Permission]]:
    """What can be granted to somebody of this role, by name: an account's scopes, an operator's duties."""
    match role:
        case "account":
            return SCOPES  # type: ignore[return-value]  # a Mapping is invariant in its keys
        case "operator":
            return DUTIES  # type: ignore[return-value]
        case "network" | "link":
            return {}


def granted(role: Role, grants: Collection[str]) -> frozenset[Permission]:
    """The permissions of somebody with these scopes or duties. Raises KeyError for one that does not exist."""
    always = {"account": _EVERY_ACCOUNT, "network": NETWORK, "operator": frozenset[Permission](), "link": LINK}
    table = grants_of(role)
    return always[role].union(*(table[name] for name in grants))


def giving(role: Role, permission: Permission) -> list[str]:
    """The scopes or duties that give this permission."""
    return [name for name, given in grants_of(role).items() if permission in given]


def attainable(access: Access) -> bool:
    """Whether every role that is let in can have the permission at all: else the route is declared wrongly."""
    return bool(access.roles) and all(access.needs in granted(role, list(grants_of(role))) for role in access.roles)
