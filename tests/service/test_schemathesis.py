"""The OpenAPI document is exact: every operation, with valid and with invalid data, as each role, over HTTP.

The center is a process of its own: schemathesis calls it synchronously, and its random numbers must be left alone.
"""

import shutil
import signal
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import count, cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from schemathesis import BaseSchema, Case
from schemathesis.config import SchemathesisConfig

from shared.clock import SystemClock, rfc3339
from shared.testing.process import ServerProcess, free_ports
from tests.centers import key_of
from tests.registry import BANK, BEIJING, DALI, FAR, GRID, KUNMING, NEAR, PLAIN

CONFIG: dict[str, Any] = {
    "seed": 1,
    "generation": {
        "max-examples": 15,  # valid and invalid, besides some 30 boundary cases an operation
        "deterministic": True,
        "no-shrink": True,
        "database": "none",
    },
}
NOBODY = "https://127.0.0.1:9/nobody"  # nothing is looked up, nobody is called
SHUT: dict[str, Any] = {"generation": {"max-examples": 3}, "phases": {"coverage": {"enabled": False}}}
"""An operation that the role may not use is refused before anything else is looked at: a few tries will do."""
PUBLIC: dict[str, Any] = {"generation": {"allow-extra-parameters": False}}
"""What others send here may have parameters of their own, which are passed over."""
PERIOD = {"from": "2026-01-01", "to": "2026-02-01"}
KEYS = {
    "account": key_of("account", GRID),
    "network": key_of("network", BEIJING),
    "operator": key_of("operator", "noc"),
    "link": None,  # of a ticket that there is only when the center runs
    "nobody": None,
}


@pytest.fixture(scope="module")
def base_url(tmp_path_factory: pytest.TempPathFactory, seeded_folder: Path) -> Iterator[str]:
    folder = Path(shutil.copytree(seeded_folder, tmp_path_factory.mktemp("schemathesis") / "var"))
    (port,) = free_ports(1)
    options = ["--data-dir", folder, "--port", str(port), "--metrics-port", "0", "--log-level", "warning"]
    options += [f"--rate-{who}=0" for who in ("account", "network", "operator", "link", "unknown")]
    options += ["--database-patience=20"]  # on a busy machine a 503 is right, and says nothing of the document
    options += ["--reports-per-circuit=0"]  # one caller stands for all, and is in a hurry
    options += ["--mail-host=127.0.0.1", "--mail-from=vip@operator.example", "--mail-port=9"]  # nobody takes it
    options += ["--sms-gateway=http://127.0.0.1:9/messages"]
    process = ServerProcess([sys.executable, "-m", "services.cli", "up", *options], log=folder / "log")
    process.wait_until(lambda: "Metrics on" in process.log.read_text(), timeout_s=60)
    yield f"http://127.0.0.1:{port}"
    process.ask_to_stop(signal.SIGINT)
    process.end_within(10)


@pytest.fixture(scope="module", params=KEYS)
def role(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def document(base_url: str, role: str) -> BaseSchema:
    found = httpx.get(f"{base_url}/openapi.json").json()
    # The pattern leaves no room for what is no URI; to look for one nevertheless took 10 s.
    del found["components"]["schemas"]["SubscriptionBody"]["properties"]["url"]["format"]
    shut = [
        f"{method.upper()} {path}"
        for path, operations in found["paths"].items()
        for method, operation in operations.items()
        if operation["x-roles"] and role not in operation["x-roles"]
    ]
    public = [
        f"{method.upper()} {path}"
        for path, operations in found["paths"].items()
        for method, operation in operations.items()
        if not operation["x-roles"]
    ]
    special = [{"include-name": public, **PUBLIC}, *([{"include-name": shut, **SHUT}] if shut else [])]
    config = {**CONFIG, "base-url": base_url, "operations": special}
    return schemathesis.openapi.from_dict(found, config=SchemathesisConfig.from_dict(config))


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        yield session


class World:
    """What callers know that no schema says: which tickets and segments there are, what time it is."""

    def __init__(self, base_url: str) -> None:
        self._operator = httpx.Client(base_url=base_url, headers={"Authorization": f"Bearer {KEYS['operator']}"})
        self._numbers = count()
        self._circuits = cycle([FAR, NEAR, *PLAIN])
        self._known: dict[str, Iterator[Any]] = {
            "circuit": self._circuits,
            "segment": cycle(["a-access"]),
            "of": cycle([DALI, KUNMING]),
            "to": cycle([DALI, KUNMING]),
            "networks": cycle([[DALI], [KUNMING, DALI]]),
            "code": cycle([BEIJING]),
            "url": cycle([NOBODY]),
            "target": cycle([NOBODY]),
            "channel": cycle(["webhook"]),
            "accounts": cycle([[GRID]]),
            "policy": cycle(["2026-1"]),
            "tier": cycle(["gold", "diamond"]),
            "since": cycle(["2026-01-01T00:00:00Z"]),
            "until": cycle(["2026-02-01T00:00:00Z"]),
            "calendar": cycle(["24x7"]),
            "quiet": cycle([{"zone": "UTC", "start": "22:00", "end": "07:00"}]),
        }

    def fill_in(self, case: Case) -> None:
        """Valid data gets to where it counts; what is meant to be invalid stays as it is."""
        if not case.meta.generation.mode.is_positive:
            return
        if "idempotency-key" in case.headers:
            case.headers["idempotency-key"] = f"key-{next(self._numbers)}"
        if case.path == "/v1/keys" and case.method == "POST":
            case.body |= self._terms(case.body["role"])
        if case.path.startswith("/v1/registry") and isinstance(case.body, dict):
            self._make_consistent(case)
            return
        for part in (case.path_parameters, case.query, case.body):
            if isinstance(part, dict):
                for name in list(part):
                    self._fill_in(case, part, name)

    def _fill_in(self, case: Case, part: dict[str, Any], name: str) -> None:
        if name == "cursor":
            del part[name]  # there is a `next` only after a page
        elif name == "id" and case.path.startswith(("/v1/tickets", "/v1/orders")):
            ticket = self._ticket(case.path.rpartition("/")[2])
            part[name] = f"{ticket}.{BEIJING}" if case.path.startswith("/v1/orders") else ticket
        elif case.path.startswith("/v1/reports/"):
            self._fill_in_report(case, part, name)
        elif name == "expires_at" and part[name] is not None:
            part[name] = rfc3339(SystemClock().now() + timedelta(days=1))
        elif name.endswith(("ed_at", "restoration_at")) and part[name] is not None:
            part[name] = rfc3339(SystemClock().now())
        elif name in self._known and part[name] is not None:
            part[name] = next(self._known[name])

    def _fill_in_report(self, case: Case, part: dict[str, Any], name: str) -> None:
        if name in PERIOD:
            part[name] = PERIOD[name]
        elif name == "account" and case.path.endswith("worst"):
            del part[name]  # networks are compared over all accounts

    def _make_consistent(self, case: Case) -> None:
        """An entry speaks of others that must exist, and has the id of its address."""
        kind, body = case.path.split("/")[3], case.body
        if case.method == "PUT":
            self._make_entries_consistent({kind: [body]})
            case.path_parameters["id"] = body["code" if kind == "networks" else "id"]
        else:
            self._make_entries_consistent(body)
            body["remove"] = {"accounts": ["nobody"]}

    def _make_entries_consistent(self, body: dict[str, Any]) -> None:
        for account in body.get("accounts", ()):
            account |= {"id": f"probe-{next(self._numbers)}", "parent": None}
        for circuit in body.get("circuits", ()):
            circuit |= {"id": f"probe-{next(self._numbers)}", "account": GRID}
            circuit["a_end"]["network"] = circuit["z_end"]["network"] = BEIJING
            circuit["segments"] = [{"id": "access", "kind": "access", "network": BEIJING}]
        for number, network in enumerate(body.get("networks", ())):
            network["code"] = f"0{700 + number}"

    def _terms(self, role: str) -> dict[str, Any]:
        """What keys of this role may be given, to somebody who has none yet."""
        subjects = {"account": BANK, "network": DALI, "operator": f"probe-{next(self._numbers)}"}
        grants = {"account": (["tickets:read"], []), "network": ([], []), "operator": ([], ["auditor"])}
        scopes, duties = grants[role]
        ends = rfc3339(SystemClock().now() + timedelta(days=1))
        addresses = ["10.0.0.0/8"]
        return {
            "subject": subjects[role],
            "scopes": scopes,
            "duties": duties,
            "expires_at": ends,
            "addresses": addresses,
        }

    def _ticket(self, verb: str) -> str:
        """One on which, or on whose order to Beijing, this can be done."""
        circuit = next(self._circuits)
        ticket = self._report(circuit)
        if verb == "reject":
            self._do(f"/v1/tickets/{ticket}/cancel")
            return self._report(circuit)
        self._do(f"/v1/tickets/{ticket}/route", networks=[BEIJING])
        order = f"/v1/orders/{ticket}.{BEIJING}"
        if verb not in ("accept", "route"):
            self._do(f"{order}/accept")
        if verb == "suspend":
            self._do(f"{order}/resume")
        if verb == "resume":
            self._do(f"{order}/suspend", reason="spares")
        if verb in ("confirm", "reopen", "fault-report"):
            self._do(f"{order}/restore", cause="fibre", remedy_code="spliced")
        return ticket

    def link(self) -> str:
        """The token of one to a new ticket."""
        path = f"/v1/tickets/{self._report(next(self._circuits))}/links"
        return str(self._operator.post(path, json={"label": "probe"}).json()["token"])

    def _report(self, circuit: str) -> str:
        report = {"circuit": circuit, "impact": "down", "description": "No light"}
        return str(self._operator.post("/v1/faults", json=report).json()["id"])

    def _do(self, path: str, **said: Any) -> None:
        """It may be so already."""
        assert self._operator.post(path, json=said).status_code in (200, 409)

    def close(self) -> None:
        self._operator.close()


@pytest.fixture(scope="module")
def world(base_url: str) -> Iterator[World]:
    world = World(base_url)
    yield world
    world.close()


@pytest.fixture(scope="module")
def key(role: str, world: World) -> str | None:
    return world.link() if role == "link" else KEYS[role]


@pytest.fixture(autouse=True)
def node_id(request: pytest.FixtureRequest) -> None:
    """schemathesis 4.32 reads an attribute that pytest 9.2 no longer has."""
    request.node._nodeid = request.node.nodeid


# All checks are on. Streams never end, so they are left to test_streams.
schema = schemathesis.pytest.from_fixture("document").exclude(path_regex="stream$")


@pytest.mark.timeout(1200)  # one test for all operations; a minute of work on a machine of one's own
@schema.parametrize()
def test_every_operation_does_as_the_document_says(
    case: Case, role: str, key: str | None, session: requests.Session, world: World
) -> None:
    if role in case.operation.definition.raw["x-roles"]:
        world.fill_in(case)
    case.call_and_validate(headers={"Authorization": f"Bearer {key}"} if key else {}, session=session)
