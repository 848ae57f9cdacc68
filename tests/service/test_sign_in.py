"""Operators sign in with a real OpenID provider, over real HTTP, and with nothing that is not theirs."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from shared.testing.openid import OpenID
from tests.centers import key_of
from tests.openid import Browser, Site, with_query
from tests.people import Customer, done
from tests.registry import NEAR


def problem(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["detail"]


async def test_operator_who_signs_in_is_known_by_name_and_duties(browser: Browser) -> None:
    answer = await browser.sign_in("lin", next="/v1/noc/queue?limit=5")
    assert (answer.status_code, answer.headers["location"]) == (303, "/v1/noc/queue?limit=5")
    session = await browser.session()
    assert (session["subject"], session["name"], session["duties"]) == ("lin", "Lin Wei 林伟", ["noc"])
    assert (await browser.get("/v1/noc/queue")).status_code == 200


async def test_record_names_who_did_it(site: Site, browser: Browser) -> None:
    csrf = await browser.signed_in("mei")
    body = {"circuit": NEAR, "impact": "down", "description": "No light"}
    ticket = done(await browser.post("/v1/faults", body, csrf=csrf))
    log = done(await browser.get(f"/v1/tickets/{ticket['id']}/log"))
    assert log["items"][0]["actor"] == "operator:mei"


async def test_duty_opens_its_own_doors_only(browser: Browser) -> None:
    await browser.signed_in("mei")
    assert (await browser.get("/v1/tickets")).status_code == 200
    assert (await browser.get("/v1/noc/queue")).status_code == 403


async def test_who_has_no_duty_is_told_whom_to_ask(browser: Browser) -> None:
    status, detail = problem(await browser.sign_in("bo"))
    assert status == 403
    assert "Bo Yang" in detail
    assert "the duty office" in detail
    assert (await browser.get("/v1/session")).status_code == 401


async def test_way_to_the_provider_carries_state_nonce_and_challenge_that_tell_nothing(browser: Browser) -> None:
    sent = [(await browser.get("/v1/auth/login")).headers["location"] for _ in range(2)]
    first, second = ({k: v[0] for k, v in parse_qs(urlsplit(url).query).items()} for url in sent)
    assert first["code_challenge_method"] == "S256"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) == 43
        assert first[name] != second[name]


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.test/",
        "//evil.test",
        "/\\evil.test",
        "/a\\b",
        "javascript:alert(1)",
        "",
        "console",
        "/a\r\nb",
        "/é",
    ],
)
async def test_nobody_is_sent_elsewhere_after_sign_in(browser: Browser, target: str) -> None:
    answer = await browser.http.get("/v1/auth/login", params={"next": target})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "query:next"


async def test_answer_with_another_state_is_refused(browser: Browser) -> None:
    url = await browser.callback_url("lin")
    for state in ("", "x" * 43):
        status, detail = problem(await browser.get(with_query(url, state=state)))
        assert (status, "Begin again" in detail) == (401, True)


async def test_answer_in_another_browser_is_refused(browser: Browser, another: Browser) -> None:
    """An attacker's answer in a victim's browser would sign the victim in as the attacker."""
    url = await browser.callback_url("lin")
    assert (await another.get(url)).status_code == 401
    await another.get("/v1/auth/login")
    assert (await another.get(url)).status_code == 401


async def test_id_token_with_another_nonce_is_refused(browser: Browser) -> None:
    url = await browser.callback_url("lin", changed=lambda way: with_query(way, nonce="n" * 43))
    status, detail = problem(await browser.get(url))
    assert (status, "nonce" in detail) == (401, True)


async def test_code_with_another_challenge_is_refused_by_the_provider(browser: Browser) -> None:
    url = await browser.callback_url("lin", changed=lambda way: with_query(way, code_challenge="c" * 43))
    assert (await browser.get(url)).status_code == 401


async def test_code_counts_once(browser: Browser) -> None:
    url = await browser.callback_url("lin")
    kept = browser.http.cookies.get("vrc_sign_in")
    assert (await browser.get(url)).status_code == 303
    browser.http.cookies.set("vrc_sign_in", kept, domain="127.0.0.1")
    assert (await browser.get(url)).status_code == 401


async def test_id_token_that_has_expired_is_refused(site: Site, browser: Browser) -> None:
    url = await browser.callback_url("lin")
    site.clock.advance(timedelta(minutes=12))
    status, detail = problem(await browser.get(url))
    assert (status, "expired" in detail) == (401, True)


async def test_clocks_may_differ_by_a_minute_and_no_more(site: Site, browser: Browser) -> None:
    site.clock.advance(timedelta(minutes=-5))
    assert problem(await browser.sign_in("lin"))[0] == 401
    site.clock.advance(timedelta(minutes=4, seconds=10))
    assert (await browser.sign_in("lin")).status_code == 303


async def test_answer_of_another_issuer_is_refused(browser: Browser) -> None:
    url = await browser.callback_url("lin")
    assert problem(await browser.get(with_query(url, iss="https://evil.test"))) == (
        401,
        "This answer is another provider's.",
    )


async def test_sign_in_that_was_given_up_says_so(browser: Browser) -> None:
    url = await browser.callback_url("lin")
    status, detail = problem(await browser.get(with_query(url, error="access_denied")))
    assert (status, "access_denied" in detail) == (401, True)


async def test_new_keys_of_the_provider_are_fetched(site: Site, browser: Browser, openid: OpenID) -> None:
    await browser.signed_in("lin")
    openid.stop()
    openid.start()
    site.clock.advance(timedelta(seconds=30))
    assert (await browser.sign_in("lin")).status_code == 303


async def test_provider_that_is_down_is_said_and_those_inside_stay(
    browser: Browser, another: Browser, openid: OpenID
) -> None:
    await browser.signed_in("lin")
    url = await another.callback_url("mei")
    openid.stop()
    try:
        answer = await another.get(url)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
        assert "provider does not answer" in answer.json()["detail"]
        assert (await browser.get("/v1/noc/queue")).status_code == 200
    finally:
        openid.start()


async def test_provider_that_was_never_seen_and_is_down_is_503_at_the_door(browser: Browser, openid: OpenID) -> None:
    openid.stop()
    try:
        for _ in range(2):
            assert (await browser.get("/v1/auth/login")).status_code == 503
    finally:
        openid.start()


async def test_api_keys_go_on_working_beside_it(site: Site) -> None:
    async with httpx.AsyncClient(base_url=site.url, trust_env=False) as http:
        operator = Customer(http, key_of("operator", "noc"))
        assert done(await operator.get("/v1/session"))["subject"] == "noc"
