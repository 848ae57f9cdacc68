"""Tracking links over HTTP: given and taken back by those whose ticket it is, and what they show to a visitor."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from io import StringIO
from typing import Any

import httpx
import pytest

from services.notifier.tracking import visiting
from services.notifier.tracking.links import MOST_LIVE, LinkMint
from services.notifier.tracking.service import Tracking
from shared.health import Health
from shared.metrics import Metrics
from shared.secrets import Secrets
from shared.testing.clock import START, ManualClock
from shared.testing.serve import serving
from shared.web.access import AccessLog
from shared.web.app import layered
from tests.centers import Embedded, House, house
from tests.keys import MASTER, issued, save
from tests.people import Caller, Json, done
from tests.registry import BEIJING, CHUXIONG, FAR, GRID
from tests.streams import reading

BODY: Json = {"label": "Kunming branch", "contact": {"name": "Chen", "phone": "13900000000"}}


async def give(house: House, ticket: str, **body: Any) -> Json:
    return dict(done(await house.customer.post(f"/v1/tickets/{ticket}/links", {**BODY, **body})))


def visitor(house: House, link: Json) -> Caller:
    return Caller(house.http, link["token"])


async def worked_on(house: House) -> str:
    """A ticket with every sort of word in it: the customer's, the network's, people's."""
    ticket = await house.report(FAR, BEIJING, CHUXIONG, description="SECRET", reference="SECRET", contact="SECRET")
    await house.network(CHUXIONG).accept(ticket, engineer="SECRET", expected_restoration_at="2026-11-21T10:00:00Z")
    await house.network(CHUXIONG).progress(ticket, "on_site", note="SECRET")
    await house.network(CHUXIONG).suspend(ticket, "no_site_access", evidence="SECRET")
    await house.customer.note(ticket, "SECRET")
    return ticket


async def test_link_shows_the_steps_of_its_ticket_and_no_words(any_center: House) -> None:
    ticket = await worked_on(any_center)
    answer = await visitor(any_center, await give(any_center, ticket)).get("/v1/track")
    seen = done(answer)
    assert "SECRET" not in answer.text
    assert (seen["ticket"], seen["status"], seen["waiting_for"]) == (ticket, "pending", "no_site_access")
    assert seen["expected_restoration"]["at"] == "2026-11-21T10:00:00.000Z"
    told = [(s["type"], s.get("network"), s.get("stage")) for s in seen["steps"]]
    assert told[0] == ("ticket.reported", None, None)
    assert ("order.progressed", CHUXIONG, "on_site") in told
    assert told[-1] == ("ticket.suspended", CHUXIONG, None)


async def test_answer_may_not_be_kept_nor_passed_on_in_a_referrer(embedded: House) -> None:
    link = await give(embedded, await embedded.customer.report(FAR))
    answer = await visitor(embedded, link).get("/v1/track")
    assert (answer.headers["cache-control"], answer.headers["referrer-policy"]) == ("no-store", "no-referrer")


async def test_token_is_told_once_and_its_page_has_it_behind_the_hash(any_center: House) -> None:
    ticket = await any_center.customer.report(FAR)
    answer = await any_center.customer.post(f"/v1/tickets/{ticket}/links", BODY)
    link = answer.json()
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert link["page"] == f"/track#{link['token']}"
    (listed,) = await any_center.customer.items(f"/v1/tickets/{ticket}/links")
    assert listed == {name: value for name, value in link.items() if name not in ("token", "page")}
    assert (listed["contact"]["name"], listed["state"], listed["created_by"]) == ("Chen", "live", f"account:{GRID}")


@pytest.mark.parametrize("public_url", ["https://vip.example", "https://vip.example/"])
async def test_page_is_a_whole_address_where_the_center_knows_its_own(
    embedded_way: Embedded, clock: ManualClock, public_url: str
) -> None:
    embedded_way.settings = embedded_way.settings.model_copy(update={"public_url": public_url})
    async with house(embedded_way, clock) as center:
        link = await give(center, await center.customer.report(FAR))
    assert link["page"] == f"https://vip.example/track#{link['token']}"


async def test_link_tells_what_was_promised_and_what_its_networks_are_called(any_center: House) -> None:
    ticket = await any_center.report(FAR, BEIJING, CHUXIONG)
    seen = done(await visitor(any_center, await give(any_center, ticket)).get("/v1/track"))
    sla = done(await any_center.customer.get(f"/v1/tickets/{ticket}/sla"))
    assert seen["promised_at"] == sla["targets"]["restore"]["due_at"]
    assert seen["networks"] == {BEIJING: {"zh": "北京", "en": "Beijing"}, CHUXIONG: {"zh": "楚雄", "en": "Chuxiong"}}


async def test_token_is_taken_from_the_header_only_and_stands_in_no_log(embedded: House) -> None:
    link = await give(embedded, await embedded.customer.report(FAR))
    lines = StringIO()
    log = AccessLog(lines)
    app = layered(embedded.center.api, metrics=Metrics(), access_log=log)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://center") as http:
        shown = await http.get("/v1/track", headers={"Authorization": f"Bearer {link['token']}"})
        assert shown.status_code == 200
        for name in ("token", "access_token", "key"):
            assert (await http.get("/v1/track", params={name: link["token"]})).status_code == 401
        cookie = {"Cookie": f"token={link['token']}"}
        assert (await http.get("/v1/track", headers=cookie)).status_code == 401
    log.flush()
    assert lines.getvalue().count("/v1/track") == 5
    assert link["token"].rpartition("_")[2] not in lines.getvalue()


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"expires_at": "2026-11-21T08:00:00Z"}, "expires_at"), ({"expires_at": "2027-11-21T08:00:00Z"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"), ({"label": ""}, "label"), ({"label": None}, "label"),
        ({"contact": {"fax": "1"}}, "contact.fax"),
        ({"contact": {"email": "bad"}}, "contact.email"), ({"token": "mine"}, "token"),
        ({"label": "\u202ereversed"}, "label"),
    ],
)  # fmt: skip
async def test_bad_link_is_refused_naming_the_field(embedded: House, body: Json, field: str) -> None:
    ticket = await embedded.customer.report(FAR)
    answer = await embedded.customer.post(f"/v1/tickets/{ticket}/links", {**BODY, **body})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_link_ends_when_it_was_said_to_and_after_three_days_if_nothing_was(any_center: House) -> None:
    ticket = await any_center.customer.report(FAR)
    short = await give(any_center, ticket, expires_at="2026-11-21T16:30:00+08:00")
    default = await give(any_center, ticket)
    ends = START.replace(hour=8, minute=30)
    any_center.clock.advance(ends - any_center.clock.now())
    assert (await visitor(any_center, short).get("/v1/track")).status_code == 401
    assert (await visitor(any_center, default).get("/v1/track")).status_code == 200
    any_center.clock.advance(timedelta(days=3))
    assert (await visitor(any_center, default).get("/v1/track")).status_code == 401


async def test_revoked_link_shows_nothing_more_and_revoking_again_is_harmless(any_center: House) -> None:
    link = await give(any_center, await any_center.customer.report(FAR))
    assert (await visitor(any_center, link).get("/v1/track")).status_code == 200
    for _ in range(2):
        assert (await any_center.customer.send("DELETE", f"/v1/links/{link['id']}")).status_code == 204
    dead = await visitor(any_center, link).get("/v1/track")
    assert (dead.status_code, dead.json()["title"]) == (401, "This link opens nothing")
    (listed,) = await any_center.operator.items(f"/v1/tickets/{link['ticket']}/links")
    assert listed["state"] == "revoked"


async def test_making_and_revoking_are_audited_without_the_token(embedded: House) -> None:
    link = await give(embedded, await embedded.customer.report(FAR))
    await embedded.customer.send("DELETE", f"/v1/links/{link['id']}")
    acts = [a for a in await embedded.operator.items("/v1/audit") if a["object"] == f"link:{link['id']}"]
    assert {a["action"] for a in acts} == {"link.made", "link.revoked"}
    assert {a["actor"] for a in acts} == {f"account:{GRID}"}
    assert link["token"] not in str(acts)
    assert "Chen" not in str(acts)


async def test_ticket_has_so_many_live_links_and_no_more(embedded: House) -> None:
    ticket = await embedded.customer.report(FAR)
    links = [await give(embedded, ticket) for _ in range(MOST_LIVE)]
    refused = await embedded.customer.post(f"/v1/tickets/{ticket}/links", BODY)
    assert (refused.status_code, refused.json()["legal"]) == (409, ["revoke"])
    await embedded.customer.send("DELETE", f"/v1/links/{links[0]['id']}")
    await give(embedded, ticket)


async def test_those_who_make_links_at_once_make_no_more_than_so_many(any_center: House) -> None:
    ticket = await any_center.customer.report(FAR)
    path = f"/v1/tickets/{ticket}/links"
    answers = await asyncio.gather(*(any_center.customer.post(path, BODY) for _ in range(MOST_LIVE + 5)))
    assert sorted(answer.status_code for answer in answers) == [201] * MOST_LIVE + [409] * 5
    assert len(await any_center.customer.items(path)) == MOST_LIVE


async def test_links_are_listed_newest_first_in_pages(any_center: House, clock: ManualClock) -> None:
    ticket = await any_center.customer.report(FAR)
    made = []
    for _ in range(5):
        made.append((await give(any_center, ticket))["id"])
        clock.advance(timedelta(seconds=1))
    listed = await any_center.customer.items(f"/v1/tickets/{ticket}/links", limit=2)
    assert [link["id"] for link in listed] == made[::-1]


@pytest.mark.parametrize(
    ("scopes", "status"), [(("subscriptions:manage",), 201), (("reports:write", "tickets:read"), 403)]
)
async def test_key_needs_the_scope_to_give_links(embedded: House, scopes: tuple[str, ...], status: int) -> None:
    ticket = await embedded.customer.report(FAR)
    key = issued("account", GRID, *scopes)
    await embedded.center.database.transact(lambda tx: save(tx, [key]))
    await embedded.center.key_follower.refresh()
    answer = await Caller(embedded.http, key.key).post(f"/v1/tickets/{ticket}/links", BODY)
    assert answer.status_code == status


async def test_links_that_are_long_over_are_forgotten(embedded: House, clock: ManualClock) -> None:
    ticket = await embedded.customer.report(FAR)
    await give(embedded, ticket)
    clock.advance(timedelta(days=60))
    recent = await give(embedded, ticket)
    clock.advance(timedelta(days=34))
    center = embedded.center
    mint = LinkMint(center.settings.environment, Secrets(MASTER))
    assert center.notifier is not None
    tracking = Tracking(
        center.database, clock, hub=center.notifier.hub, mint=mint, names=center.registry.network, public_url=None,
        health=Health(),
    )  # fmt: skip
    await tracking.prune_due_links()
    assert [link["id"] for link in await embedded.customer.items(f"/v1/tickets/{ticket}/links")] == [recent["id"]]


@pytest.fixture
async def http(any_center: House) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(any_center.center.app) as url, httpx.AsyncClient(base_url=url) as client:
        yield client
        any_center.center.end_streams()


async def test_stream_tells_the_steps_from_the_beginning_and_live_and_resumes(
    any_center: House, http: httpx.AsyncClient
) -> None:
    ticket = await worked_on(any_center)
    token = (await give(any_center, ticket))["token"]
    steps = done(await Caller(any_center.http, token).get("/v1/track"))["steps"]
    async with reading(http, "/v1/track/stream", token) as stream:
        shown = await stream.take(len(steps))
        assert [s.data for s in shown] == steps
        await any_center.customer.note(ticket, "SECRET")
        await any_center.network(CHUXIONG).resume(ticket)
        live = await stream.next()
        assert (live.event, live.data["network"], live.data["status"]) == ("ticket.resumed", CHUXIONG, "inProgress")
    async with reading(http, "/v1/track/stream", token, after=shown[-1].id) as stream:
        assert await stream.next() == live


async def test_stream_of_a_link_ends_when_it_is_revoked_or_expires_and_others_go_on(
    any_center: House, http: httpx.AsyncClient
) -> None:
    ticket = await any_center.report(FAR, BEIJING, CHUXIONG)
    revoked, expiring, kept = [
        await give(any_center, ticket, expires_at=f"2026-11-2{day}T09:00:00Z") for day in (2, 1, 3)
    ]
    async with (
        reading(http, "/v1/track/stream", revoked["token"]) as one,
        reading(http, "/v1/track/stream", expiring["token"]) as two,
        reading(http, "/v1/track/stream", kept["token"]) as three,
    ):
        await any_center.customer.send("DELETE", f"/v1/links/{revoked['id']}")
        assert await one.ended()
        any_center.clock.advance(timedelta(hours=2))
        assert await two.ended()
        await any_center.network(CHUXIONG).accept(ticket)
        while (await three.next()).event != "order.accepted":
            continue


async def test_link_has_so_many_streams_and_they_are_not_its_accounts(
    any_center: House, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visiting, "MOST_STREAMS", 1)
    link = await give(any_center, await any_center.customer.report(FAR))
    async with reading(http, "/v1/track/stream", link["token"]):
        refused = await Caller(http, link["token"]).get("/v1/track/stream")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
        async with reading(http, f"/v1/tickets/{link['ticket']}/stream", any_center.customer.key):
            pass
