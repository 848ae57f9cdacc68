"""An open stream ends when its key does: revoked, expired, or replaced, in this process and in another."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta

import httpx
import pytest

from services.run import Center, center
from shared.auth.keys import IssuedKey
from shared.settings import Settings
from shared.testing.clock import START, ManualClock
from shared.testing.serve import serving
from tests.centers import House, Production, key_of
from tests.keys import issued, save
from tests.people import Caller, Customer, done
from tests.registry import FAR, GRID
from tests.streams import PATIENCE_S, reading
from tests.waiting import until

HOUR = timedelta(hours=1)


async def known(house: House, key: IssuedKey) -> IssuedKey:
    await house.center.database.transact(lambda tx: save(tx, [key]))
    await house.center.key_follower.refresh()
    return key


@pytest.fixture
async def http(any_center: House) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(any_center.center.app) as url, httpx.AsyncClient(base_url=url, timeout=PATIENCE_S) as client:
        yield client
        any_center.center.end_streams()


@pytest.mark.parametrize("of_ticket", [False, True])
async def test_streams_of_a_revoked_key_end_and_others_go_on(
    any_center: House, http: httpx.AsyncClient, of_ticket: bool
) -> None:
    ticket = await any_center.customer.report(FAR)
    path = f"/v1/tickets/{ticket}/stream" if of_ticket else "/v1/stream"
    key = await known(any_center, issued("account", GRID))
    async with reading(http, path, key.key) as cut, reading(http, "/v1/stream", any_center.customer.key) as kept:
        assert (await any_center.operator.send("DELETE", f"/v1/keys/{key.id}")).status_code == 204
        assert await cut.ended()
        await any_center.customer.note(ticket, "still there?")
        while (await kept.next()).event != "ticket.noted":
            continue


async def test_streams_of_a_key_end_when_it_expires(any_center: House, http: httpx.AsyncClient) -> None:
    key = await known(any_center, issued("account", GRID, expires_at=any_center.clock.now() + HOUR))
    async with reading(http, "/v1/stream", key.key) as stream:
        any_center.clock.advance(HOUR)
        assert await stream.ended()
    assert (await Caller(http, key.key).get("/v1/stream")).status_code == 401


class Pair:
    """Two processes of one center on one PostgreSQL: revoked is at the first, streams are read at the second."""

    def __init__(self, first: Center, second: Center, here: httpx.AsyncClient, there: httpx.AsyncClient) -> None:
        self.first, self.second = first, second
        self.here, self.there = here, there


@pytest.fixture(params=[("intake", "notifier")])
async def pair(production_way: Production, request: pytest.FixtureRequest) -> AsyncIterator[Pair]:
    """Their own loops run; nobody tells one what the other did."""
    await production_way.begin()
    async with AsyncExitStack() as stack:
        centers, clients = [], []
        for services in request.param:
            settings: Settings = production_way.settings
            part = center(settings, services=services.split("+"), clock=ManualClock(START))
            running = await stack.enter_async_context(part)
            url = await stack.enter_async_context(serving(running.app))
            clients.append(await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30)))
            centers.append(running)
        yield Pair(*centers, *clients)
        centers[1].end_streams()


async def test_revocation_in_one_process_cuts_key_and_stream_in_another(pair: Pair) -> None:
    key = issued("account", GRID)
    await pair.first.database.transact(lambda tx: save(tx, [key]))
    caller = Caller(pair.there, key.key)

    async def answers(status: int) -> bool:
        return (await caller.get("/v1/subscriptions")).status_code == status

    await until(lambda: answers(200))
    async with reading(pair.there, "/v1/stream", key.key) as stream:
        own = Caller(pair.here, key.key)
        await until(lambda: _known(own))
        assert (await own.send("DELETE", f"/v1/keys/{key.id}")).status_code == 204
        assert await stream.ended()
    await until(lambda: answers(401), timeout_s=5)


@pytest.mark.parametrize("pair", [("intake+notifier", "notifier")], indirect=True)
async def test_revocation_in_one_process_cuts_link_and_its_stream_in_another(pair: Pair) -> None:
    customer = Customer(pair.here, key_of("account", GRID))
    made = done(await customer.post(f"/v1/tickets/{await customer.report(FAR)}/links", {"label": "branch"}))
    visitor = Caller(pair.there, made["token"])
    assert (await visitor.get("/v1/track")).status_code == 200
    async with reading(pair.there, "/v1/track/stream", made["token"]) as stream:
        assert (await customer.send("DELETE", f"/v1/links/{made['id']}")).status_code == 204
        assert await stream.ended()
    assert (await visitor.get("/v1/track")).status_code == 401


async def _known(caller: Caller) -> bool:
    return (await caller.get("/v1/keys")).status_code == 200
