"""A browser's session: whose requests it carries and whose not, and when it is over."""

from datetime import timedelta
from urllib.parse import urljoin

import pytest
from starlette.responses import Response

from shared.clock import rfc3339
from shared.operators.cookies import SESSION, Cookies
from tests.centers import key_of
from tests.openid import Browser, Site
from tests.people import done
from tests.registry import GRID, NEAR

REPORT = {"circuit": NEAR, "impact": "down", "description": "No light"}


def cookie_of(browser: Browser) -> str:
    return str(browser.http.cookies[SESSION])


async def is_in(browser: Browser) -> bool:
    return (await browser.get("/v1/session")).status_code == 200


async def test_cookie_is_out_of_reach_for_scripts_and_other_sites(browser: Browser) -> None:
    (session,) = [c for c in (await browser.sign_in("lin")).headers.get_list("set-cookie") if c.startswith(SESSION)]
    assert session.split("; ")[1:] == ["HttpOnly", "Path=/", "SameSite=lax"]


def test_cookie_over_https_is_for_this_host_and_https_only() -> None:
    answer = Response()
    Cookies(secure=True).put(answer, SESSION, "value")
    assert answer.headers["set-cookie"] == "__Host-vrc_session=value; HttpOnly; Path=/; SameSite=lax; Secure"


async def test_database_holds_no_cookie(site: Site, browser: Browser) -> None:
    await browser.signed_in("lin")
    path = site.center.settings.sqlite_path
    stored = b"".join(file.read_bytes() for file in path.parent.glob("vrc.sqlite3*"))
    assert b"Lin Wei" in stored
    assert cookie_of(browser).encode() not in stored


async def test_change_needs_the_sessions_token_and_a_page_of_the_center(browser: Browser) -> None:
    csrf = await browser.signed_in("mei")
    for token, origin in (
        (None, "own"), ("", "own"), (csrf[:-1], "own"), (csrf, None), (csrf, "null"), (csrf, "https://evil.test"),
        (csrf, browser.url + ".evil.test"), (csrf, browser.url.replace("http:", "https:")),
    ):  # fmt: skip
        assert (await browser.post("/v1/faults", REPORT, csrf=token, origin=origin)).status_code == 403
    assert (await browser.post("/v1/faults", REPORT, csrf=csrf)).status_code == 201


async def test_token_of_another_session_is_refused(browser: Browser, another: Browser) -> None:
    await browser.signed_in("mei")
    csrf = await another.signed_in("mei")
    assert (await browser.post("/v1/faults", REPORT, csrf=csrf)).status_code == 403


async def test_key_needs_no_token_and_wins_over_a_cookie(browser: Browser) -> None:
    await browser.signed_in("lin")
    headers = {"Authorization": f"Bearer {key_of('account', GRID)}"}
    assert (await browser.http.post("/v1/faults", json=REPORT, headers=headers)).status_code == 201
    assert done(await browser.http.get("/v1/session", headers=headers))["role"] == "account"
    refused = await browser.http.get("/v1/session", headers={"Authorization": "Bearer vrc_wrong"})
    assert refused.status_code == 401


async def test_session_that_was_planted_is_not_taken_over(site: Site, browser: Browser, another: Browser) -> None:
    """Fixation: an attacker's cookie in the victim's browser must not become the victim's session."""
    await another.signed_in("mei")
    for planted in ("x" * 43, cookie_of(another)):
        browser.http.cookies.set(SESSION, planted, domain="127.0.0.1")
        await browser.signed_in("lin")
        assert cookie_of(browser) != planted
        browser.http.cookies.clear()
    assert not await is_in(another)


async def test_signing_in_again_ends_the_session_before(browser: Browser, another: Browser) -> None:
    await browser.signed_in("lin")
    before = cookie_of(browser)
    await browser.signed_in("lin")
    another.http.cookies.set(SESSION, before, domain="127.0.0.1")
    assert await is_in(browser)
    assert not await is_in(another)


async def test_signing_out_ends_it_here_and_offers_the_end_at_the_provider(site: Site, browser: Browser) -> None:
    csrf = await browser.signed_in("lin")
    kept = cookie_of(browser)
    url = done(await browser.post("/v1/auth/logout", csrf=csrf))["provider_sign_out"]
    assert SESSION not in browser.http.cookies
    browser.http.cookies.set(SESSION, kept, domain="127.0.0.1")
    assert not await is_in(browser)
    answer = await browser.submit(url, logout="yes")
    assert (answer.status_code, answer.headers["location"].rstrip("/")) == (303, site.url)


async def test_after_signing_out_at_the_provider_it_asks_who_one_is(browser: Browser) -> None:
    csrf = await browser.signed_in("lin")
    await browser.submit(done(await browser.post("/v1/auth/logout", csrf=csrf))["provider_sign_out"], logout="yes")
    way = (await browser.get("/v1/auth/login")).headers["location"]
    page = urljoin(way, (await browser.http.get(way)).headers["location"])
    assert 'name="login"' in (await browser.http.get(page)).text


@pytest.mark.parametrize("csrf", [None, "wrong"])
async def test_nobody_else_signs_one_out(browser: Browser, csrf: str | None) -> None:
    await browser.signed_in("lin")
    assert (await browser.post("/v1/auth/logout", csrf=csrf)).status_code == 403
    assert await is_in(browser)


async def test_session_that_nobody_uses_ends(site: Site, browser: Browser) -> None:
    await browser.signed_in("lin")
    for _ in range(4):
        site.clock.advance(timedelta(minutes=29))
        assert await is_in(browser)
    site.clock.advance(timedelta(minutes=30))
    answer = await browser.get("/v1/session")
    assert (answer.status_code, "/v1/auth/login" in answer.json()["detail"]) == (401, True)


async def test_session_that_is_used_ends_too(site: Site, browser: Browser) -> None:
    await browser.signed_in("lin")
    ends_at = (await browser.session())["ends_at"]
    for _ in range(29):
        site.clock.advance(timedelta(minutes=20))
        assert await is_in(browser)
    site.clock.advance(timedelta(minutes=20))
    assert not await is_in(browser)
    assert ends_at == rfc3339(site.clock.now())


async def test_caches_keep_nothing_of_it(browser: Browser) -> None:
    answer = await browser.sign_in("lin")
    assert answer.headers["cache-control"] == "no-store"
    assert (await browser.get("/v1/session")).headers["cache-control"] == "no-store"
