"""Tickets are read one by one and in lists, by page, each caller seeing its own only."""

import base64

import orjson
import pytest

from shared.clock import to_ms
from shared.testing.clock import START
from tests.centers import House
from tests.people import Caller, done
from tests.registry import BEIJING, CHUXIONG, FAR, KUNMING, NEAR, OTHERS, PLAIN
from tests.waiting import until

UNKNOWN = "VT261121-7K3QM9XA"
LISTS = {
    "/v1/tickets": [1, "x"],
    "/v1/circuits": ["x"],
    f"/v1/networks/{BEIJING}/orders": [1, "x"],
    "/v1/noc/queue": [1, "x"],
    "/v1/noc/refused-progress": [1, "x", "y"],
}


def cursor(*key: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(key)).decode().rstrip("=")


async def ids(caller: Caller, **filters: object) -> list[str]:
    return [ticket["id"] for ticket in await caller.items("/v1/tickets", **filters)]


async def test_ticket_reads_as_it_was_answered(embedded: House) -> None:
    answer = await embedded.customer.post("/v1/faults", {"circuit": FAR, "impact": "down", "description": "x"}, key="k")
    ticket = (await embedded.operator.post("/v1/tickets/" + answer.json()["id"] + "/notes", {"text": "seen"})).json()
    read = done(await embedded.customer.get(f"/v1/tickets/{ticket['id']}"))
    assert {**read, "orders": [], "seq": 0} == {**ticket, "orders": [], "seq": 0}


async def test_list_is_newest_first_and_one_accounts_own(embedded: House) -> None:
    tickets = []
    for circuit in (FAR, NEAR, PLAIN[0]):
        tickets.insert(0, await embedded.customer.report(circuit))
        embedded.clock.advance(START - START.replace(minute=59, hour=7))
    theirs = await embedded.bank.report(OTHERS[0])
    assert await ids(embedded.customer) == tickets
    assert await ids(embedded.bank) == [theirs]
    assert await ids(embedded.operator) == [theirs, *tickets]


async def test_filters_narrow_the_list(embedded: House) -> None:
    far, near = await embedded.report(FAR, CHUXIONG, BEIJING), await embedded.report(NEAR, KUNMING)
    theirs = await embedded.bank.report(OTHERS[0])
    await embedded.network(BEIJING).accept(far)
    await embedded.customer.cancel(near)
    assert await ids(embedded.customer, status="inProgress") == [far]
    assert await ids(embedded.customer, status="cancelled", circuit=NEAR) == [near]
    assert await ids(embedded.customer, circuit="SG-NONE") == []
    assert await ids(embedded.customer, state="open") == [far]
    assert await ids(embedded.customer, state="over") == [near]
    assert await ids(embedded.operator, account="beiyuan-bank") == [theirs]
    assert await ids(embedded.customer, account="beiyuan-bank") == []
    assert await ids(embedded.customer, account="hw-power", state="open") == [far]


@pytest.mark.parametrize(
    ("name", "value"),
    [("status", "broken"), ("state", "lost"), ("limit", 0), ("limit", 201), ("limit", "x"), ("circuit", "")],
)
async def test_filter_that_is_none_is_refused_and_named(embedded: House, name: str, value: object) -> None:
    answer = await embedded.customer.get("/v1/tickets", **{name: value})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [f"query:{name}"]


async def test_every_filter_by_account_or_circuit_takes_what_the_registry_takes(embedded: House) -> None:
    paths = done(await embedded.nobody.get("/openapi.json"))["paths"]
    filters = [
        (path, parameter["name"])
        for path, operations in paths.items()
        for parameter in operations.get("get", {}).get("parameters", ())
        if parameter["name"] in ("account", "circuit") and not path.endswith("stream")
    ]
    assert len(filters) == 6
    for path, name in filters:
        assert done(await embedded.operator.get(path, **{name: "ACME.BJ-1"}))["items"] == [], path


async def test_pages_have_no_gap_and_no_repeat_while_tickets_are_added(any_center: House) -> None:
    before = [await any_center.customer.report(circuit) for circuit in (FAR, NEAR, *PLAIN[:3])]
    found, cursor_, fresh = [], None, iter(PLAIN[3:])
    while True:
        page = done(await any_center.customer.get("/v1/tickets", limit=2, cursor=cursor_))
        found += [ticket["id"] for ticket in page["items"]]
        if (cursor_ := page["next"]) is None:
            break
        any_center.clock.advance(START - START.replace(minute=59, hour=7))
        await any_center.customer.report(next(fresh))
    assert len(found) == len(set(found))
    assert set(found) == set(before)


async def test_last_page_says_that_there_is_no_next(embedded: House) -> None:
    for circuit in PLAIN[:4]:
        await embedded.customer.report(circuit)
    first = done(await embedded.customer.get("/v1/tickets", limit=2))
    last = done(await embedded.customer.get("/v1/tickets", limit=2, cursor=first["next"]))
    assert (len(first["items"]), len(last["items"]), last["next"]) == (2, 2, None)
    assert done(await embedded.bank.get("/v1/tickets")) == {"items": [], "next": None}


@pytest.mark.parametrize("path", LISTS)
async def test_cursor_that_is_not_of_this_list_is_400(any_center: House, path: str) -> None:
    key = LISTS[path]
    bad = [
        "", "x", "%%%", "цк", "W10", cursor(), cursor(*key, 1), cursor(*key[:-1]), cursor(None), cursor({}),
        cursor(*([True] * len(key))), cursor(*([2**63] * len(key))), cursor(*([1.5] * len(key))),
        cursor(*key[:-1], "a\x00"), base64.urlsafe_b64encode(b'["\xff"]').decode(),
    ]  # fmt: skip
    for given in bad:
        answer = await any_center.operator.get(path, cursor=given)
        assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json"), given
        assert answer.json()["errors"][0]["field"] == "query:cursor"
    assert (await any_center.operator.get(path, cursor=cursor(*key))).status_code == 200


async def test_cursor_of_a_log_is_checked_too(any_center: House) -> None:
    ticket = await any_center.report(FAR, CHUXIONG, BEIJING)
    for given in ("x", cursor("1"), cursor(1, 2), cursor(2**63), cursor(True)):
        assert (await any_center.customer.get(f"/v1/tickets/{ticket}/log", cursor=given)).status_code == 400
    for position in (-(2**40), -1, 2**40):
        answer = await any_center.customer.get(f"/v1/tickets/{ticket}/log", cursor=cursor(position))
        assert answer.status_code == 200


async def test_log_shows_every_fact_in_order_page_by_page(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    for number in range(5):
        await embedded.customer.note(ticket, f"note {number}")
    log = await embedded.customer.items(f"/v1/tickets/{ticket}/log", limit=3)
    assert [entry["seq"] for entry in log] == list(range(1, 9))
    assert [entry["id"] for entry in log] == [f"{ticket}-{n}" for n in range(1, 9)]
    assert [e["data"]["text"] for e in log if e["type"] == "ticket.noted"] == [f"note {n}" for n in range(5)]
    assert log == await embedded.customer.log(ticket)


async def test_another_accounts_ticket_is_as_unknown_as_one_that_does_not_exist(embedded: House) -> None:
    ticket = await embedded.bank.report(OTHERS[0])
    for tail in ("", "/log"):
        unknown = await embedded.customer.get(f"/v1/tickets/{UNKNOWN}{tail}")
        anothers = await embedded.customer.get(f"/v1/tickets/{ticket}{tail}")
        assert (anothers.status_code, anothers.content) == (404, unknown.content)
    for verb, body in (("notes", {"text": "x"}), ("cancel", None), ("confirm", None), ("reopen", None)):
        unknown = await embedded.customer.post(f"/v1/tickets/{UNKNOWN}/{verb}", body)
        anothers = await embedded.customer.post(f"/v1/tickets/{ticket}/{verb}", body)
        assert (anothers.status_code, anothers.content) == (404, unknown.content)
    assert await embedded.bank.facts(ticket) == await embedded.operator.facts(ticket)


@pytest.mark.parametrize("id", ["x", "VT261121-7K3QM9XU", "VT261121-7K3QM9XA%0A", "vt261121-7k3qm9xa", "%00", "%FF"])
async def test_id_that_is_none_is_as_unknown(embedded: House, id: str) -> None:
    unknown = await embedded.customer.get(f"/v1/tickets/{UNKNOWN}")
    answer = await embedded.customer.get(f"/v1/tickets/{id}")
    assert (answer.status_code, answer.content) == (404, unknown.content)


async def test_local_network_reads_the_tickets_it_was_ordered_to(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    await until(lambda: _reads(embedded.network(BEIJING), ticket))
    assert await embedded.network(BEIJING).facts(ticket)
    assert (await embedded.network(KUNMING).get(f"/v1/tickets/{ticket}")).status_code == 404
    assert (await embedded.network(BEIJING).get("/v1/tickets")).status_code == 403


async def test_log_goes_on_in_time_when_the_clock_goes_back(embedded: House) -> None:
    ticket = await embedded.report(FAR, CHUXIONG, BEIJING)
    embedded.clock.advance(START.replace(hour=7) - START)
    await embedded.customer.note(ticket, "later")
    instants = [entry["at"] for entry in await embedded.customer.log(ticket)]
    assert instants == sorted(instants)
    assert to_ms(embedded.clock.now()) < to_ms(START)


async def _reads(caller: Caller, ticket: str) -> bool:
    return (await caller.get(f"/v1/tickets/{ticket}")).status_code == 200
