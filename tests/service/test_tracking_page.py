"""The page that a tracking link opens, in a real browser: what somebody without an account gets to see, live."""

import re
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.clock import to_ms
from shared.registry.writing import put
from shared.testing.clock import START
from shared.testing.serve import serving
from tests.browser import Tab, browser
from tests.cases import SEED
from tests.centers import House
from tests.people import Json, done
from tests.registry import BEIJING, CHUXIONG, FAR, NETWORKS
from tests.waiting import until

ZH, EN = "已派单至楚雄本地网", "The order went to Chuxiong network"
HOSTILE = "<img src=x onerror=alert(1)>"
GONE = ("索取新链接", "ask whoever sent it to you for a new one")


class Proxy:
    """Between browser and center: answers `status` itself, where there is one, to what begins with `path`.

    `resumed` is the Last-Event-ID of each stream that was asked for.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.path, self.status = "/v1/track", 0
        self.resumed: list[str | None] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == "/v1/track/stream":
            self.resumed.append(Headers(scope=scope).get("last-event-id"))
        is_refused = self.status and scope["type"] == "http" and scope["path"].startswith(self.path)
        app: ASGIApp = Response(status_code=self.status) if is_refused else self._app
        await app(scope, receive, send)


class Visit:
    """A browser, and a ticket that somebody is to see with it."""

    def __init__(self, house: House, tab: Tab, proxy: Proxy, url: str) -> None:
        self.house, self.tab, self.proxy, self.url = house, tab, proxy, url
        self.ticket = ""
        self.link: Json = {}

    async def open(self, *, lang: str = "en", now: datetime = START) -> None:
        self.link = done(await self.house.customer.post(f"/v1/tickets/{self.ticket}/links", {"label": "branch"}))
        await self.tab.send("Network.setUserAgentOverride", userAgent="a browser", acceptLanguage=lang)
        await self.tab.send("Emulation.setTimezoneOverride", timezoneId="Asia/Shanghai")
        clock = f"Date.now = () => {to_ms(now)}"
        await self.tab.send("Page.addScriptToEvaluateOnNewDocument", source=clock)
        await self.tab.open(self.url + self.link["page"])

    async def text(self) -> str:
        return str(await self.tab.value("document.body.innerText"))

    async def until_shown(self, *words: str) -> None:
        async def shown() -> bool:
            text = await self.text()
            return all(word in text for word in words)

        await until(shown)

    async def facts(self) -> dict[str, str]:
        rows: list[list[str]] = await self.tab.value(
            "[...document.querySelectorAll('dl div')].map(row => [...row.children].map(part => part.innerText))"
        )
        return {name: " | ".join(said.splitlines()) for name, said in rows}

    @property
    def network(self) -> Any:
        return self.house.network(CHUXIONG)


@asynccontextmanager
async def visiting(house: House, folder: Path) -> AsyncIterator[Visit]:
    proxy = Proxy(house.center.app)
    async with serving(proxy) as url, browser(folder) as tab:
        yield Visit(house, tab, proxy, url)
        house.center.end_streams()


@pytest.fixture
async def visit(embedded: House, tmp_path: Path) -> AsyncIterator[Visit]:
    async with visiting(embedded, tmp_path) as begun:
        begun.ticket = await embedded.report(FAR, BEIJING, CHUXIONG)
        yield begun


async def test_page_is_for_anybody_and_is_neither_kept_nor_found_nor_passed_on(embedded: House) -> None:
    page = await embedded.nobody.get("/track")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert (page.headers["x-robots-tag"], page.headers["x-content-type-options"]) == ("noindex", "nosniff")
    assert '<meta name="robots" content="noindex">' in page.text


async def test_page_runs_its_own_script_and_nothing_else(embedded: House) -> None:
    page = await embedded.nobody.get("/track")
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    for rule, element in (("script-src", "script"), ("style-src", "style")):
        (inside,) = re.findall(f"<{element}>(.*?)</{element}>", page.text, re.DOTALL)
        assert policy[rule] == f"'sha256-{b64encode(sha256(inside.encode()).digest()).decode()}'"
    assert (policy["default-src"], policy["connect-src"], policy["frame-ancestors"]) == ("'none'", "'self'", "'none'")
    assert not re.search(r"https?:|//\w+\.\w|innerHTML| src=", page.text)


async def test_page_shows_the_ticket_and_each_step_as_it_happens(visit: Visit) -> None:
    await visit.open()
    await visit.until_shown(visit.ticket, "Acknowledged", "Down", "The order went to Chuxiong network", "Live:")
    await visit.network.accept(visit.ticket, expected_restoration_at="2026-11-21T10:00:00Z")
    await visit.until_shown("In progress", "Chuxiong network has taken it on; expected back Nov 21, 18:00")
    await visit.network.suspend(visit.ticket, "no_site_access")
    await visit.until_shown("Waiting for the customer", "The repair waits: no access to the site")
    await visit.network.resume(visit.ticket)
    await visit.network.restore(visit.ticket, cause="fibre")
    await visit.until_shown("Restored, to be confirmed", "Service was restored, Nov 21, 16:00; cause: fibre")
    assert visit.tab.complaints == []
    assert {url.removeprefix(visit.url) for url in visit.tab.requests} <= {"/track", "/v1/track", "/v1/track/stream"}
    assert visit.tab.requests.count(f"{visit.url}/track") == 1


async def test_times_are_the_visitors_and_say_what_is_left_or_over(visit: Visit) -> None:
    await visit.network.accept(visit.ticket, expected_restoration_at="2026-11-21T09:45:00Z")
    await visit.open(now=START + timedelta(minutes=110))
    await visit.until_shown("Asia/Shanghai")
    facts = await visit.facts()
    assert facts["Expected back"] == "Nov 21, 17:45 | 5 min overdue"
    assert facts["Promised by"] == "Nov 21, 18:00 | 10 min left"
    assert facts["Reported"] == "Nov 21, 16:00"


@pytest.mark.parametrize(
    ("lang", "own", "other"),
    [("zh-CN", ZH, EN), ("en-GB", EN, ZH)],
)
async def test_page_speaks_the_browsers_language_and_the_other_at_a_press(
    visit: Visit, lang: str, own: str, other: str
) -> None:
    await visit.open(lang=lang)
    await visit.until_shown(own)
    assert other not in await visit.text()
    assert str(await visit.tab.value("document.documentElement.lang")).startswith(lang[:2])
    assert await visit.tab.value("document.querySelector('button').click(), document.body.innerText.length > 0")
    assert other in await visit.text()
    assert own not in await visit.text()


async def test_page_says_that_its_link_was_taken_back_and_shows_nothing_more(visit: Visit) -> None:
    await visit.open()
    await visit.until_shown(visit.ticket, "Live:")
    assert (await visit.house.customer.send("DELETE", f"/v1/links/{visit.link['id']}")).status_code == 204
    await visit.until_shown("This link was withdrawn", "此链接已被收回", *GONE)
    assert visit.ticket not in await visit.text()


@pytest.mark.parametrize("token", ["", "#", f"#{HOSTILE}", "#vrt_local_000000000000_" + "0" * 32, "#vrt_\u4e2d"])
async def test_dead_or_missing_token_says_in_both_languages_whom_to_ask(visit: Visit, token: str) -> None:
    await visit.tab.open(f"{visit.url}/track{token}")
    await visit.until_shown(*GONE)
    assert await visit.tab.value("document.images.length") == 0
    assert [said for said in visit.tab.complaints if "401" not in said] == []


async def test_names_of_others_are_text_and_could_not_become_anything_else(visit: Visit) -> None:
    named = [replace(n, name_zh=HOSTILE, name_en=HOSTILE) for n in NETWORKS]
    center = visit.house.center
    await center.database.transact(lambda tx: put(tx, (), named, (), by=SEED))
    await center.follower.refresh()
    await visit.open()
    await visit.until_shown(f"The order went to {HOSTILE} network")
    assert await visit.tab.value("document.images.length") == 0
    refused = "try { document.body.innerHTML = '<p>'; 'made' } catch (error) { error.name }"
    assert await visit.tab.value(refused) == "TypeError"


@pytest.mark.parametrize("status", [403, 404, 429, 503])
async def test_page_goes_on_trying_while_the_center_refuses(visit: Visit, status: int) -> None:
    visit.proxy.status = status
    await visit.open()
    await visit.until_shown("This page goes on trying")
    visit.proxy.status = 0
    await visit.until_shown(visit.ticket, "Live:")
    assert "goes on trying" not in await visit.text()


async def test_page_goes_on_trying_while_there_is_no_network(visit: Visit) -> None:
    visit.proxy.path, visit.proxy.status = "/v1/track/stream", 503
    await visit.open()
    await visit.until_shown(visit.ticket)
    rates = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    await visit.tab.send("Network.emulateNetworkConditions", offline=True, **rates)
    await visit.until_shown("This page goes on trying", visit.ticket)
    await visit.tab.send("Network.emulateNetworkConditions", offline=False, **rates)
    await visit.until_shown("As of Nov 21, 16:00")


async def test_page_follows_without_the_stream_too(visit: Visit) -> None:
    visit.proxy.path, visit.proxy.status = "/v1/track/stream", 404
    await visit.open()
    await visit.until_shown("updated about every 30 seconds")
    await visit.network.accept(visit.ticket)
    await visit.until_shown("Chuxiong network has taken it on")


async def test_page_resumes_its_stream_behind_what_it_has_seen(visit: Visit) -> None:
    await visit.open()
    await visit.until_shown("Live:")
    visit.proxy.status = 503
    await visit.network.accept(visit.ticket)
    await visit.until_shown("This page goes on trying")
    visit.proxy.status = 0
    await visit.until_shown("Chuxiong network has taken it on", "Live:")
    assert await visit.tab.value("document.querySelectorAll('li').length") == 4
    first, second = visit.proxy.resumed
    assert (first, second is not None) == (None, True)


@pytest.mark.parametrize(("scheme", "background"), [("light", "rgb(238, 241, 244)"), ("dark", "rgb(18, 24, 30)")])
async def test_page_fits_a_telephone_by_day_and_by_night(visit: Visit, scheme: str, background: str) -> None:
    dark = [{"name": "prefers-color-scheme", "value": scheme}]
    await visit.tab.send("Emulation.setEmulatedMedia", features=dark)
    await visit.tab.send("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=2, mobile=True)
    await visit.open()
    await visit.until_shown(visit.ticket)
    assert await visit.tab.value("getComputedStyle(document.body).backgroundColor") == background
    assert await visit.tab.value("document.documentElement.scrollWidth <= innerWidth"), "nothing sticks out"


async def test_page_says_what_it_needs_where_scripts_are_off(visit: Visit) -> None:
    await visit.tab.send("Emulation.setScriptExecutionDisabled", value=True)
    await visit.open()
    await visit.until_shown("此页面需要 JavaScript", "This page needs JavaScript")
