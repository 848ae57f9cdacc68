"""Who may do what on the broker: each local network's rights, each service's, and what has to change to get there.

Pure. The broker's authorizer denies what nobody allowed; to read or write a topic implies to describe it, to read
with a group implies to describe and commit it, and to write any topic implies to write it idempotently.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.contracts.topics import ORDERS_PREFIX, PROGRESS_PREFIX, TICKETS, orders_topic, progress_topic
from shared.ids import NetworkCode

TOPIC, GROUP = 2, 3
LITERAL, PREFIXED = 3, 4
READ, WRITE, CREATE = 3, 4, 5
DENY, ALLOW = 2, 3
"""Kafka's numbers of what is meant here; an ACL found at the broker may have others."""

RESOURCES = {TOPIC: "topic", GROUP: "group", 4: "cluster", 5: "transactional id", 6: "delegation token", 7: "user"}
OPERATIONS = {
    2: "do all to", READ: "read", WRITE: "write", CREATE: "create", 6: "delete", 7: "alter", 8: "describe",
    9: "act as cluster on", 10: "describe the configs of", 11: "alter the configs of", 12: "write idempotently to",
}  # fmt: skip

Password = Literal["kept", "new user", "rotated", "unfinished"]
ServiceUser = Literal["intake", "dispatcher", "notifier", "center"]
SERVICE_USERS: tuple[ServiceUser, ...] = ("intake", "dispatcher", "notifier", "center")
NETWORK_USER = "network-"
SCRAM_SHA_512 = 2
MECHANISMS = {1: "SCRAM-SHA-256", SCRAM_SHA_512: "SCRAM-SHA-512"}


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One line of the broker's access control list."""

    principal: str
    resource: int
    name: str
    pattern: int
    operation: int
    permission: int = ALLOW
    host: str = "*"

    def __str__(self) -> str:
        verb = OPERATIONS.get(self.operation, f"do operation {self.operation} on")
        what = RESOURCES.get(self.resource, f"resource {self.resource}")
        name = f"{self.name}*" if self.pattern == PREFIXED else self.name
        where = "" if self.host == "*" else f" from {self.host}"
        return f"{'may' if self.permission == ALLOW else 'must not'} {verb} {what} {name}{where}"


@dataclass(frozen=True, slots=True)
class Holder:
    """One user of the broker and all it may do; `topics` (name → partitions) must be there for it."""

    user: str
    topics: Mapping[str, int]
    rights: frozenset[Acl]


@dataclass(frozen=True, slots=True)
class Found:
    """What the broker has. `users` → mechanisms it knows a password for."""

    topics: frozenset[str]
    users: Mapping[str, frozenset[int]]
    acls: frozenset[Acl]


@dataclass(frozen=True, slots=True)
class Difference:
    """From what is to what should be. `forget` are passwords of other mechanisms, which nobody looks after."""

    holder: Holder
    topics: Mapping[str, int] = field(default_factory=dict)
    revoke: frozenset[Acl] = frozenset()
    grant: frozenset[Acl] = frozenset()
    forget: frozenset[int] = frozenset()
    password: Password = "kept"

    def __bool__(self) -> bool:
        return bool(self.topics or self.revoke or self.grant or self.forget or self.password != "kept")

    def lines(self) -> list[str]:
        """`+` what comes, `-` what goes."""
        user = self.holder.user
        said = {"new user": f"+ user {user}", "rotated": f"+ new password of {user}"}
        said["unfinished"] = f"+ password of {user}, begun earlier"
        return [
            *(f"+ topic {topic}" for topic in sorted(self.topics)),
            *(f"- {user} {acl}" for acl in sorted(self.revoke)),
            *(f"- password of {user} for {MECHANISMS.get(mechanism, mechanism)}" for mechanism in sorted(self.forget)),
            *(f"+ {user} {acl}" for acl in sorted(self.grant)),
            *([said[self.password]] if self.password in said else []),
        ]


def network_user(network: NetworkCode) -> str:
    return NETWORK_USER + network


def group_of(network: NetworkCode, name: str) -> str:
    """A consumer group that the network may use."""
    return f"{network_user(network)}.{name}"


def of_network(network: NetworkCode) -> Holder:
    """Reads its own orders with groups of its own, writes its own progress, nothing else."""
    user, topics = network_user(network), {orders_topic(network): 1, progress_topic(network): 1}
    rights = {
        _may(user, READ, TOPIC, orders_topic(network)),
        _may(user, WRITE, TOPIC, progress_topic(network)),
        _may(user, READ, GROUP, group_of(network, ""), PREFIXED),  # the dot: 010 must not be a prefix of 0100
    }
    return Holder(user, topics, frozenset(rights))


def of_service(name: ServiceUser, *, partitions: int) -> Holder:
    """`center` is all three in one process (`vrc up`). `partitions` are those of `vrc.tickets`."""
    user = f"vrc-{name}"
    relay = {
        _may(user, WRITE, TOPIC, TICKETS),
        _may(user, WRITE, TOPIC, ORDERS_PREFIX, PREFIXED),
        _may(user, CREATE, TOPIC, ORDERS_PREFIX, PREFIXED),  # a network without a topic must not stop the relay
    }
    reads_tickets = {_may(user, READ, TOPIC, TICKETS)}
    dispatching = relay | reads_tickets | {
        _may(user, READ, TOPIC, PROGRESS_PREFIX, PREFIXED),
        _may(user, READ, GROUP, "vrc-dispatcher"),
        _may(user, READ, GROUP, "vrc-dispatcher-measures"),
        _may(user, READ, GROUP, "vrc-dispatcher-progress"),
    }  # fmt: skip
    notifying = reads_tickets | {_may(user, READ, GROUP, "vrc-notifier")}
    rights = {"intake": relay, "dispatcher": dispatching, "notifier": notifying, "center": dispatching | notifying}
    return Holder(user, {TICKETS: partitions}, frozenset(rights[name]))


def difference(holder: Holder, found: Found, *, rotate: bool, unfinished: bool) -> Difference:
    """`unfinished`: a password was made for this user, and nobody knows whether the broker has it already."""
    held = frozenset(acl for acl in found.acls if acl.principal == principal(holder.user))
    mechanisms = found.users.get(holder.user, frozenset())
    if unfinished:
        password: Password = "unfinished"
    elif SCRAM_SHA_512 not in mechanisms:
        password = "new user"
    else:
        password = "rotated" if rotate else "kept"
    return Difference(
        holder,
        topics={name: n for name, n in holder.topics.items() if name not in found.topics},
        revoke=held - holder.rights,
        grant=holder.rights - held,
        forget=mechanisms - {SCRAM_SHA_512},
        password=password,
    )


def open_to_all(found: Found) -> list[Acl]:
    """What the broker allows everybody on the center's topics: it undoes what is kept apart here."""
    return sorted(acl for acl in found.acls if acl.principal == "User:*" and acl.permission == ALLOW and _ours(acl))


def principal(user: str) -> str:
    return f"User:{user}"


def _ours(acl: Acl) -> bool:
    if acl.resource != TOPIC:
        return False
    names = (TICKETS, ORDERS_PREFIX, PROGRESS_PREFIX)
    if acl.pattern == PREFIXED:
        return any(name.startswith(acl.name) or acl.name.startswith(name) for name in names)
    return acl.name == "*" or acl.name.startswith(names)


def _may(user: str, operation: int, resource: int, name: str, pattern: int = LITERAL) -> Acl:
    return Acl(principal(user), resource, name, pattern, operation)
