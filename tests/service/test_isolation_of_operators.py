"""Sessions and access tokens open what their duties say, and nothing else: every operation × every kind of either."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.auth.permissions import granted
from shared.operators.cookies import SESSION
from tests.centers import Embedded, House
from tests.openid import Browser, Site
from tests.people import Caller
from tests.probes import Operation, Watch, operations
from tests.tenants import Tenant, tenants

SAFE = ("GET", "HEAD")


class WithSession(Caller):
    """A browser's requests, with what a page of the center adds to them; without `csrf`, as another site makes them."""

    def __init__(self, http: httpx.AsyncClient, cookie: str, *, csrf: str | None, origin: str) -> None:
        super().__init__(http, None)
        self._headers = {"Cookie": f"{SESSION}={cookie}", "Origin": origin}
        if csrf is not None:
            self._headers["X-CSRF-Token"] = csrf


@dataclass(frozen=True)
class Town:
    house: House
    people: list[Tenant]
    site: Site

    async def signed_in(self, browser: Browser, login: str, *, with_csrf: bool = True) -> WithSession:
        csrf = await browser.signed_in(login)
        cookie = str(browser.http.cookies[SESSION])
        return WithSession(self.house.http, cookie, csrf=csrf if with_csrf else None, origin=self.site.url)

    async def probe_all(self, caller: Caller, *, streams: bool = True) -> list[tuple[Operation, int]]:
        """What every operation, pointed at some tenants, answers; nothing of anybody may stand in a refusal.

        Without `streams` for whoever may read them: they have no end."""
        watch, found = Watch(self.people), []
        for victim in self.people[:3]:
            for operation in operations(self.house):
                if operation.path.endswith("/stream") and not streams:
                    continue
                probe = operation.at(victim)
                answer = await probe.send(caller)
                found.append((operation, answer.status_code))
                if answer.status_code in (401, 403):
                    watch.heard(probe, answer)
        assert watch.leaks == []
        return found


@pytest.fixture
async def town(site: Site, tmp_path: Any) -> AsyncIterator[Town]:
    house = House(Embedded(tmp_path / "var"), site.clock)
    house.center = site.center
    async with tenants(house) as people:
        yield Town(house, people, site)
    await house.http.aclose()


async def test_session_that_has_ended_opens_nothing(town: Town, browser: Browser) -> None:
    caller = await town.signed_in(browser, "lin")
    assert (await caller.get("/v1/noc/queue")).status_code == 200
    town.site.clock.advance(timedelta(days=2))
    assert {status for _, status in await town.probe_all(caller)} == {401}


async def test_forged_session_opens_nothing(town: Town, browser: Browser) -> None:
    await browser.signed_in("lin")
    cookie = str(browser.http.cookies[SESSION])
    forged = WithSession(town.house.http, cookie[:-2] + "xx", csrf="x", origin=town.site.url)
    assert {status for _, status in await town.probe_all(forged)} == {401}


async def test_another_sites_page_changes_nothing_with_a_session(town: Town, browser: Browser) -> None:
    before = [await tenant.state() for tenant in town.people]
    caller = await town.signed_in(browser, "mei", with_csrf=False)
    probed = await town.probe_all(caller, streams=False)
    changed = {status for operation, status in probed if operation.method not in SAFE}
    assert changed == {403}
    assert [await tenant.state() for tenant in town.people] == before


async def test_access_token_that_has_expired_opens_nothing(town: Town) -> None:
    caller = Caller(town.house.http, await town.site.access_token())
    assert (await caller.get("/v1/noc/queue")).status_code == 200
    town.site.clock.advance(timedelta(hours=1))
    assert {status for _, status in await town.probe_all(caller)} == {401}


@pytest.mark.parametrize("who", ["lin", "mei", "tool"])
async def test_duties_are_all_that_a_session_or_a_token_opens(town: Town, browser: Browser, who: str) -> None:
    duty = "desk" if who == "mei" else "noc"
    token = who == "tool"
    caller = Caller(town.house.http, await town.site.access_token()) if token else await town.signed_in(browser, who)
    for operation, status in await town.probe_all(caller, streams=False):
        access = operation.access
        may = "operator" in access.roles and access.needs in granted("operator", [duty])
        assert (status != 403) == may, operation
        assert status != 401, operation
