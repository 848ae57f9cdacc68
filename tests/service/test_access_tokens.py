"""Tools show an access token of the provider: real ones count while they are good, forged ones never."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from shared.testing.openid import CENTER, OpenID
from tests.centers import key_of
from tests.openid import Browser, Site
from tests.people import Customer, Json, done
from tests.registry import NEAR


@pytest.fixture
async def http(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=site.url, trust_env=False) as client:
        yield client


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def parts(token: str) -> list[Json]:
    """Header and claims."""
    return [json.loads(base64.urlsafe_b64decode(p + "==")) for p in token.split(".")[:2]]


async def refused(http: httpx.AsyncClient, token: str, because: str) -> None:
    answer = await Customer(http, token).get("/v1/noc/queue")
    assert (answer.status_code, answer.headers.get("www-authenticate")) == (401, "Bearer"), answer.text
    assert because in answer.json()["detail"]


async def test_tool_works_with_its_token_and_no_csrf_token(site: Site, http: httpx.AsyncClient) -> None:
    tool = Customer(http, await site.access_token())
    assert done(await tool.get("/v1/session"))["subject"] == "tool"
    assert (await tool.get("/v1/noc/queue")).status_code == 200
    ticket = await Customer(http, key_of("operator", "noc")).report(NEAR)
    await tool.note(ticket, "measured: no light")
    assert "operator:tool" in [entry["actor"] for entry in await tool.log(ticket)]


async def test_duties_of_a_tool_come_from_its_claims(site: Site, http: httpx.AsyncClient) -> None:
    tool = Customer(http, await site.access_token())
    assert (await tool.post("/v1/faults", {"circuit": NEAR})).status_code == 403


async def test_token_that_has_expired_is_refused(site: Site, http: httpx.AsyncClient) -> None:
    token = await site.access_token()
    site.clock.advance(timedelta(minutes=12))
    await refused(http, token, "expired")


async def test_token_for_another_audience_is_refused(site: Site, http: httpx.AsyncClient) -> None:
    await refused(http, await site.access_token("https://other.test/api"), "aud")


async def test_id_token_is_no_access_token(site: Site, browser: Browser, http: httpx.AsyncClient) -> None:
    csrf = await browser.signed_in("lin")
    url = httpx.URL(done(await browser.post("/v1/auth/logout", csrf=csrf))["provider_sign_out"])
    id_token = url.params["id_token_hint"]
    assert parts(id_token)[1]["aud"] == CENTER
    await refused(http, id_token, "aud")


async def test_token_with_another_signature_is_refused(site: Site, http: httpx.AsyncClient) -> None:
    head, claims, signature = (await site.access_token()).split(".")
    more = part({**parts(f"{head}.{claims}.")[1], "groups": ["vip-noc", "vip-desk"]})
    await refused(http, f"{head}.{more}.{signature}", "bad_signature")


async def test_token_without_algorithm_is_refused(site: Site, http: httpx.AsyncClient) -> None:
    header, claims = parts(await site.access_token())
    for name in ("none", "None", "NONE", ""):
        for signature in ("", "AAAA"):
            await refused(http, f"{part({**header, 'alg': name})}.{part(claims)}.{signature}", "algorithm")


async def test_public_key_is_no_shared_secret(site: Site, http: httpx.AsyncClient, openid: OpenID) -> None:
    """Algorithm confusion: an HMAC made with what everybody can fetch."""
    header, claims = parts(await site.access_token())
    async with httpx.AsyncClient(trust_env=False) as client:
        keys = done(await client.get(f"{openid.issuer}/jwks"))["keys"]
    assert len(keys) == 2
    for key in keys:
        for secret in (json.dumps(key).encode(), base64.urlsafe_b64decode(key.get("n", key.get("x")) + "==")):
            forged = jwt.encode(
                {**header, "alg": "HS256", "kid": key["kid"]}, claims, OctKey.import_key(secret), algorithms=["HS256"]
            )
            await refused(http, forged, "algorithm")


async def test_own_key_with_the_providers_id_is_refused(site: Site, http: httpx.AsyncClient) -> None:
    header, claims = parts(await site.access_token())
    mine = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
    await refused(http, jwt.encode(header, claims, mine, algorithms=["ES256"]), "bad_signature")


async def test_own_key_carried_in_the_token_is_refused(site: Site, http: httpx.AsyncClient) -> None:
    header, claims = parts(await site.access_token())
    mine = ECKey.import_key(ec.generate_private_key(ec.SECP256R1()))
    forged = jwt.encode({**header, "jwk": mine.as_dict(private=False)}, claims, mine, algorithms=["ES256"])
    await refused(http, forged, "bad_signature")


async def test_key_of_another_kind_than_the_algorithm_is_refused(site: Site, http: httpx.AsyncClient) -> None:
    header, claims = parts(await site.access_token())
    mine = RSAKey.import_key(rsa.generate_private_key(65537, 2048))
    await refused(http, jwt.encode({**header, "alg": "RS256"}, claims, mine, algorithms=["RS256"]), "does not publish")


@pytest.mark.parametrize("token", ["a.b.c", "..", "e30.e30.e30", "x" * 9000 + ".b.c", "é.b.c", "eyJhbGciOjF9.e30.AA"])
async def test_rubbish_is_refused(http: httpx.AsyncClient, token: str) -> None:
    answer = await http.get("/v1/session", headers={"Authorization": f"Bearer {token}".encode()})
    assert answer.status_code == 401


async def test_keys_that_are_new_are_fetched_and_old_ones_count_no_more(
    site: Site, http: httpx.AsyncClient, openid: OpenID
) -> None:
    before = await site.access_token()
    assert (await Customer(http, before).get("/v1/noc/queue")).status_code == 200
    openid.stop()
    openid.start()
    after = await site.access_token()
    await refused(http, after, "does not publish")  # it was asked for its keys less than ten seconds ago
    site.clock.advance(timedelta(seconds=10))
    assert (await Customer(http, after).get("/v1/noc/queue")).status_code == 200
    await refused(http, before, "does not publish")


async def test_known_keys_count_on_while_the_provider_is_down(
    site: Site, http: httpx.AsyncClient, openid: OpenID
) -> None:
    token = await site.access_token()
    assert (await Customer(http, token).get("/v1/noc/queue")).status_code == 200
    openid.stop()
    try:
        site.clock.advance(timedelta(minutes=10, seconds=30))  # older than keys are kept: asked for, in vain
        assert (await Customer(http, token).get("/v1/noc/queue")).status_code == 200
        site.clock.advance(timedelta(minutes=1))
        await refused(http, token, "expired")
    finally:
        openid.start()
