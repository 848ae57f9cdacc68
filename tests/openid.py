"""A center that signs operators in with a real OpenID provider, both over real HTTP; and the browsers that do it.

The provider runs once for all tests: whoever stops it starts it again. Its subjects: Lin of the NOC, Mei of the desk,
Bo, to whom nothing is granted, and a tool.
"""

import re
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from html import unescape
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit, urlunsplit

import httpx
import pytest

from services.run import Center, center
from shared.clock import SystemClock
from shared.settings import Settings
from shared.testing.clock import ManualClock
from shared.testing.openid import CENTER, TOOL, OpenID
from shared.testing.process import free_ports
from shared.web.server import Listener
from tests.centers import UNHURRIED
from tests.people import Json, done

AUDIENCE = "https://center.test/api"
SUBJECTS: dict[str, dict[str, Any]] = {
    "lin": {"name": "Lin Wei 林伟", "groups": ["staff", "vip-noc"]},
    "mei": {"name": "Mei Hua", "groups": ["vip-desk"]},
    "bo": {"name": "Bo Yang", "groups": ["staff"]},
    TOOL: {"groups": ["vip-noc"]},
}


@dataclass(frozen=True)
class Site:
    """The center, its clock (which starts at the true time: the provider has a clock of its own) and its address."""

    center: Center
    clock: ManualClock
    url: str
    provider: OpenID

    def browser(self) -> "Browser":
        return Browser(self.url)

    async def access_token(self, audience: str = AUDIENCE) -> str:
        """The tool's."""
        form = {"grant_type": "client_credentials", "resource": audience}
        async with httpx.AsyncClient(trust_env=False, auth=(TOOL, self.provider.secret)) as http:
            return str(done(await http.post(f"{self.provider.issuer}/token", data=form))["access_token"])


class Browser:
    """Keeps cookies and fills in the provider's forms; goes on from page to page only when told to."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = httpx.AsyncClient(base_url=url, trust_env=False, timeout=30)

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(path)

    async def post(
        self, path: str, body: Any = None, *, csrf: str | None, origin: str | None = "own"
    ) -> httpx.Response:
        """As a page would do it: `origin` is the page's."""
        headers = {"Origin": self.url if origin == "own" else origin, "X-CSRF-Token": csrf}
        sent = {name: value for name, value in headers.items() if value is not None}
        return await self.http.post(path, headers=sent, **({} if body is None else {"json": body}))

    async def session(self) -> Json:
        return done(await self.get("/v1/session"))

    async def callback_url(
        self, login: str, *, next: str | None = None, changed: Callable[[str], str] = lambda url: url
    ) -> str:
        """Signs in at the provider, and stops where it sends the browser back; `changed` is done to the way there."""
        answer = await self.http.get("/v1/auth/login", params={"next": next} if next else {})
        url = changed(answer.headers["location"])
        while not url.startswith(self.url):
            answer = await self.http.get(url)
            if not answer.is_redirect:
                answer = await self._submit(answer, {"login": login, "password": "anything"})
            url = urljoin(str(answer.url), answer.headers["location"])
        return url

    async def sign_in(self, login: str, *, next: str | None = None) -> httpx.Response:
        """The center's answer to the callback."""
        return await self.http.get(await self.callback_url(login, next=next))

    async def signed_in(self, login: str) -> str:
        """The session's CSRF token."""
        answer = await self.sign_in(login)
        assert answer.status_code == 303, answer.text
        return str((await self.session())["csrf_token"])

    async def submit(self, url: str, **fields: str) -> httpx.Response:
        """Opens a page of the provider and sends its form."""
        return await self._submit(await self.http.get(url), fields)

    async def _submit(self, page: httpx.Response, fields: dict[str, str]) -> httpx.Response:
        form = re.search(r"<form[^>]*action=\"([^\"]*)\"", page.text)
        assert form, page.text
        hidden = re.findall(r"<input type=\"hidden\" name=\"([^\"]*)\" value=\"([^\"]*)\"", page.text)
        return await self.http.post(urljoin(str(page.url), unescape(form[1])), data={**dict(hidden), **fields})


def with_query(url: str, **changes: str) -> str:
    """The URL with these parameters, instead of what it had for them."""
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return urlunsplit(parts._replace(query=urlencode(query)))


@pytest.fixture(scope="session")
def center_port() -> int:
    return free_ports(1)[0]


@pytest.fixture(scope="session")
def openid(center_port: int) -> Iterator[OpenID]:
    with OpenID(f"http://127.0.0.1:{center_port}", SUBJECTS) as provider:
        yield provider


@pytest.fixture
async def site(openid: OpenID, center_port: int, tmp_path: Path, seeded_folder: Path) -> AsyncIterator[Site]:
    settings = Settings(
        data_dir=Path(shutil.copytree(seeded_folder, tmp_path / "var")),
        port=center_port,
        oidc_issuer=openid.issuer,
        oidc_client_id=CENTER,
        oidc_client_secret=openid.secret,
        oidc_scope="openid profile groups",
        oidc_audience=AUDIENCE,
        oidc_duties={"vip-noc": "noc", "vip-desk": "desk"},
        webhook_http=True,
        webhook_networks=(ip_network("127.0.0.0/8"),),
        **UNHURRIED,
        operator_contact="the duty office",
    )
    clock = ManualClock(SystemClock().now())
    async with center(settings, clock=clock) as running:
        listener = Listener(running.app, host="127.0.0.1", port=center_port)
        await listener.start()
        yield Site(running, clock, f"http://127.0.0.1:{center_port}", openid)
        await listener.stop()


@pytest.fixture
async def browser(site: Site) -> AsyncIterator[Browser]:
    browser = site.browser()
    yield browser
    await browser.http.aclose()


@pytest.fixture
async def another(site: Site) -> AsyncIterator[Browser]:
    """Somebody else's."""
    browser = site.browser()
    yield browser
    await browser.http.aclose()
