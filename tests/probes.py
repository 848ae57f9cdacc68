"""Every operation of a center, taken from its route table and pointed at what is somebody's.

A route with an id or a body that `AIMS` and `BODIES` do not know fails whoever uses this, until they do.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import orjson
from fastapi.routing import APIRoute

from shared.auth.permissions import Access, Role
from shared.web.app import PUBLIC
from shared.web.routes import access_of
from tests.centers import House
from tests.people import Caller
from tests.registry import DALI
from tests.tenants import Tenant, canaries, named

AIMS: Mapping[str, Callable[[Tenant], str]] = {
    "/v1/tickets/{id}": lambda t: t.ticket,
    "/v1/orders/{id}": lambda t: f"{t.ticket}.{t.networks[0]}",
    "/v1/subscriptions/{id}": lambda t: t.subscription,
    "/v1/networks/{code}": lambda t: t.networks[0],
    "/v1/keys/{id}": lambda t: t.key.id,
    "/v1/links/{id}": lambda t: t.link,
    "/v1/audit/tickets/{id}": lambda t: t.ticket,
    "/v1/surveys/{quarter}": lambda t: "2020-Q1",
    "/v1/registry/accounts/{id}": lambda t: t.id,
    "/v1/registry/circuits/{id}": lambda t: t.circuit,
    "/v1/noc/mass-faults/{id}": lambda t: "MF000101-00000000",
    "/v1/registry/networks/{id}": lambda t: t.networks[0],
}
"""What of a tenant's a path parameter is pointed at, by the beginning of the path."""
BODIES: Mapping[str, dict[str, Any]] = {
    "/v1/faults": {"impact": "down", "description": "mine, I say"},
    "/v1/keys": {"role": "account", "subject": "tenant-00", "scopes": ["tickets:read"]},
    "/v1/registry/import": {"dry_run": True},
    "/v1/contact-subscriptions": {"channels": ["email"]},
    "/v1/manager-subscriptions": {"account": "tenant-00", "channels": ["email"]},
    "notes": {"text": "I was here"},
    "links": {"label": "for me"},
    "decline": {"reason": "no_resources"},
    "progress": {"stage": "on_site"},
    "fault-report": {"text": "I did it", "cause": "fibre", "remedy_code": "spliced"},
    "suspend": {"reason": "spares"},
    "assist": {"of": DALI},
    "hand-over": {"to": DALI},
    "route": {"networks": [DALI], "reason": "because"},
    "reject": {"reason": "not a fault"},
    **{word: {"reason": "because I say so"} for word in ("dispute", "strike-out", "uphold")},
    "terms": {"reason": "because I say so", "tier": "diamond"},
    "satisfaction": {"satisfied": True},
    "follow-up": {"text": "we called"},
    "/v1/surveys/{quarter}": {"score": 5},
    "replay": {"since": "2026-11-21T08:00:00Z"},
    "/v1/subscriptions/{id}": {"digest_min": 5},
    "escalate": {"level": "province", "reason": "because"},
    **{word: {} for word in ("accept", "resume", "restore", "cancel", "confirm", "reopen", "rotate")},
    **{word: {} for word in ("rotate-secret", "enable", "test", "chase", "acknowledge")},
}
"""A body that is valid for a path, or for any path that ends with this word."""
OWN_ONLY = {
    ("POST", "/v1/subscriptions"), ("POST", "/v1/contact-subscriptions"), ("GET", "/v1/stream"), ("GET", "/v1/track"),
    ("GET", "/v1/track/stream"),
}  # fmt: skip
"""Operations that nothing of anybody's can be named to. What the stream shows is read over a real connection."""
UNKNOWN = {"ticket": "VT000101-00000000", "subscription": "sub_00000000000000000000", "link": "0" * 12}


@dataclass(frozen=True, slots=True)
class Probe:
    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None

    @property
    def text(self) -> str:
        """All that whoever sends it knew before."""
        return f"{self.method} {self.path} {dict(self.query)} {self.body}"

    async def send(self, caller: Caller) -> httpx.Response:
        content = None if self.body is None else orjson.dumps(self.body)
        headers = {} if self.body is None else {"Content-Type": "application/json"}
        return await caller.send(self.method, self.path, content, headers, params=dict(self.query))


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str
    access: Access
    query: frozenset[str]

    def refusals(self, role: Role) -> set[int]:
        """What somebody of this role may be answered when it is about what is another's."""
        if role not in self.access.roles:
            return {403}
        if "{" in self.path:
            return {404}
        return {422} if self.path == "/v1/faults" else {200}

    def at(self, victim: Tenant) -> Probe:
        """Pointed at what is the victim's, wherever this operation can name anything."""
        path = self.path
        if "{" in path:
            beginning = path[: path.index("}") + 1]
            path = path.replace(beginning, beginning[: beginning.index("{")] + AIMS[beginning](victim))
            path = path.replace("{seq}", "2")
        body = None
        if self.method in ("POST", "PATCH"):
            body = dict(BODIES[self.path] if self.path in BODIES else BODIES[self.path.rpartition("/")[2]])
            body |= {"circuit": victim.circuit} if self.path == "/v1/faults" else {}
        mine = {"account": victim.id, "circuit": victim.circuit, "subject": victim.id, "q": victim.circuit}
        return Probe(self.method, path, {name: mine[name] for name in self.query & set(mine)}, body)

    def at_nothing(self, victim: Tenant) -> Probe:
        """As `at`, of something that does not exist."""
        probe = self.at(victim)
        path = probe.path
        for id, unknown in UNKNOWN.items():
            path = path.replace(getattr(victim, id), unknown)
        return replace(probe, path=path.replace(victim.key.id, "0" * 12))


def operations(center: House) -> Sequence[Operation]:
    """Those that can be pointed at somebody."""
    return [o for o in _all(center) if (o.method, o.path) not in OWN_ONLY]


def _all(center: House) -> Iterator[Operation]:
    for route in center.center.api.routes:
        if isinstance(route, APIRoute) and route.path not in PUBLIC:
            access = access_of(route)
            assert access is not None
            query = frozenset(parameter.name for parameter in route.dependant.query_params)
            yield from (Operation(method, route.path, access, query) for method in sorted(route.methods or ()))


@dataclass(slots=True)
class Watch:
    """Counts the answers by status, and keeps each that says what its reader may not know."""

    everybody: Sequence[Tenant]
    answers: Counter[int] = field(default_factory=Counter)
    leaks: list[str] = field(default_factory=list)

    def heard(self, probe: Probe, answer: httpx.Response, *, own: Sequence[Tenant] = ()) -> None:
        """`own` are the tenants of whom this caller may know."""
        self.answers[answer.status_code] += 1
        text = f"{answer.text} {answer.headers}"
        others = [t for t in self.everybody if t not in own]
        if canaries(text) - {t.number for t in own} or named(text, others) - named(probe.text, others):
            self.leaks.append(f"{probe.text}: {answer.status_code} {text[:300]}")
