"""A small HTTP door of its own behind the shared layers, on a real uvicorn: what every service's routes go through."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import orjson
import pytest
from fastapi import APIRouter, Depends, Header, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from shared import errors
from shared.auth.permissions import Access
from shared.auth.principal import Principal
from shared.db.sqlite import SqliteDatabase
from shared.errors import CenterError, FieldError
from shared.health import Health, Pulse
from shared.metrics import Metrics
from shared.testing.clock import ManualClock
from shared.web.app import layered, make_app
from shared.web.authentication import authenticate
from shared.web.by_key import ByKey
from shared.web.routes import HotRoute, StrictRoute, allow, hot, read_json
from shared.web.server import Listener
from tests.keys import issued, keyring_on, save
from tests.stores import PATIENCE_S

ACCESS = Access(("account",), "reports:write")
RAISED: dict[str, CenterError] = {
    "invalid": errors.InvalidInput(FieldError("impact", "is required"), FieldError("query:limit", "is too large")),
    "malformed": errors.InvalidInput(FieldError("body", "is not JSON"), status=400),
    "media": errors.UnsupportedMedia("send JSON"),
    "large": errors.TooLarge("too large"),
    "unauthenticated": errors.Unauthenticated("who are you"),
    "forbidden": errors.Forbidden("not you"),
    "missing": errors.NotFound(),
    "gone": errors.Gone("too old", oldest="VT261121-7K3QM9XA-7"),
    "illegal": errors.IllegalMove("not now", legal=["confirm", "reopen"]),
    "reused": errors.KeyReused("another request"),
    "unavailable": errors.Unavailable("later", retry_after_s=3),
}


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=10)]


class Thing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str
    parts: list[Part] = []


router = APIRouter(route_class=StrictRoute)
Caller = Annotated[Principal, Depends(allow("account", "operator", needs="tickets:read"))]


@router.post("/v1/things")
async def make(thing: Thing, caller: Caller) -> dict[str, int]:
    return {"length": len(thing.name)}


@router.get("/v1/things/{number}")
async def read(
    caller: Caller,
    number: int,
    limit: Annotated[int, Query(le=200)] = 1,
    trace: Annotated[int, Header()] = 0,
) -> dict[str, int]:
    return {"number": number}


@router.get("/v1/raise/{name}")
async def fail(name: str, caller: Caller) -> None:
    raise RAISED.get(name) or ZeroDivisionError("the secret of the house")


async def hot_handler(request: Request) -> Response:
    await authenticate(request, ACCESS)
    body = read_json(await request.body(), request.headers.get("content-type"))
    if body == "defect":
        raise ZeroDivisionError("the secret of the house")
    return Response(orjson.dumps({"length": len(body["name"])}), 201)


@hot(hot_handler, ACCESS)
async def make_hot(thing: Thing) -> Any: ...


router.routes.append(HotRoute("/v1/hot", make_hot, methods=["POST"]))


@dataclass(frozen=True)
class Door:
    """`client` is the account's; `network` and `nobody` are other callers' headers."""

    client: httpx.AsyncClient
    port: int
    network: dict[str, str]
    nobody: dict[str, str]
    pulse: Pulse
    metrics: Metrics

    async def problem(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """The problem that answers, after a look at its form."""
        answer = await self.client.request(method, path, **request)
        assert answer.headers["content-type"] == "application/problem+json"
        problem: dict[str, Any] = answer.json()
        assert problem["status"] == answer.status_code
        return problem


@dataclass(frozen=True)
class _Running:
    port: int
    account: str
    network: str
    pulse: Pulse
    metrics: Metrics


@asynccontextmanager
async def _running(path: Path) -> AsyncIterator[_Running]:
    store = SqliteDatabase(path, patience_s=PATIENCE_S)
    account, network = issued("account", "hw-power"), issued("network", "0878")
    await store.transact(lambda tx: save(tx, [account, network]))
    keyring, health, metrics = keyring_on(store, ManualClock()), Health(), Metrics()
    await keyring.load()
    pulse = health.pulse("relay")
    app = make_app([router], authenticators=[ByKey(keyring)], health=health)
    listener = Listener(layered(app, metrics=metrics, access_log=None), host="127.0.0.1", port=0)
    await listener.start()
    yield _Running(listener.bound_port, account.key, network.key, pulse, metrics)
    await listener.stop()
    await store.close()


@pytest.fixture(scope="session")
def _open_door(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[_Running]:
    """One for the whole run, in a thread of its own: starting uvicorn for each test would take half their time."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="door")
    thread.start()
    running = _running(Path(shutil.copy(sqlite_template, tmp_path_factory.mktemp("door"))))
    yield asyncio.run_coroutine_threadsafe(running.__aenter__(), loop).result()
    asyncio.run_coroutine_threadsafe(running.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
async def door(_open_door: _Running) -> AsyncIterator[Door]:
    url, headers = f"http://127.0.0.1:{_open_door.port}", {"Authorization": f"Bearer {_open_door.account}"}
    others = {"Authorization": f"Bearer {_open_door.network}"}, {"Authorization": ""}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False, verify=False) as client:
        yield Door(client, _open_door.port, *others, _open_door.pulse, _open_door.metrics)
