"""The audit trail says who came in, who was refused, who left; and a stranger can't fill it."""

from typing import Any

import orjson
from sqlalchemy import select

from shared.audit.tables import audit_log
from shared.db.statement import Query
from shared.operators import break_glass
from tests.openid import Browser, Site, with_query

ACTS = Query(select(audit_log).order_by(audit_log.c.position))
DOOR = ("signin.", "breakglass.")


async def acts(site: Site) -> list[Any]:
    return [row for row in await site.center.database.fetch(ACTS) if row["action"].startswith(DOOR)]


async def test_sign_in_and_sign_out_are_acts_with_the_credential_and_where_from(site: Site, browser: Browser) -> None:
    csrf = await browser.signed_in("lin")
    await browser.post("/v1/auth/logout", csrf=csrf)
    begun, ended = await acts(site)
    assert (begun["action"], ended["action"]) == ("signin.succeeded", "signin.ended")
    for act in (begun, ended):
        assert (act["actor"], act["address"]) == ("operator:lin", "127.0.0.1")
        assert act["credential"].startswith("session:")
    assert begun["credential"] == ended["credential"]
    assert orjson.loads(begun["details"]) == {"duties": ["noc"], "name": "Lin Wei 林伟"}


async def test_refusal_of_somebody_the_provider_knows_is_an_act(site: Site, browser: Browser) -> None:
    await browser.sign_in("bo")
    await browser.get(await browser.callback_url("bo", changed=lambda way: with_query(way, nonce="n" * 43)))
    found = [(act["action"], act["actor"], orjson.loads(act["details"])["reason"]) for act in await acts(site)]
    assert found == [("signin.refused", "operator:bo", "no_duty"), ("signin.refused", "operator:unknown", "id_token")]


async def test_every_use_of_break_glass_is_an_act_and_what_is_locked_out_is_not(site: Site, browser: Browser) -> None:
    now, hash = site.clock.now(), break_glass.hashed("correct horse battery staple")
    await site.center.database.transact(lambda tx: break_glass.put_password(tx, hash, now))
    for password in ("correct horse battery staple", *["wrong"] * 6):
        await browser.post("/v1/auth/break-glass", {"password": password}, csrf=None)
    assert [act["action"] for act in await acts(site)] == ["breakglass.used", *["signin.refused"] * 5]
    assert {act["actor"] for act in await acts(site)} == {"operator:break-glass"}


async def test_stranger_leaves_nothing_in_the_trail(site: Site, browser: Browser) -> None:
    url = await browser.callback_url("lin")
    for state in ("", "x"):
        await browser.get(with_query(url, state=state))
    await browser.post("/v1/auth/break-glass", {"password": "of an account that was never made"}, csrf=None)
    assert await acts(site) == []
