"""A parent account reads its children's tickets where their contract says so, and changes nothing of theirs."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest

from shared.ids import AccountId
from shared.registry.model import Account, Contract
from shared.registry.writing import Author, put
from shared.testing.clock import START
from shared.testing.serve import serving
from tests import registry
from tests.centers import House
from tests.keys import issued, save
from tests.people import Customer
from tests.registry import BANK, BEIJING, CHUXIONG, FAR, GRID, OTHERS
from tests.streams import reading
from tests.waiting import until

GROUP = AccountId("huawang-group")
BY = Author("operator:noc", START)
GRID_ACCOUNT = next(account for account in registry.ACCOUNTS if account.id == GRID)


async def enter(house: House, child: Account) -> None:
    """The group above `child`, as its contract has it."""
    group = Account(GROUP, "华网集团", "Huawang Group", "other", "gold")
    await house.center.database.transact(lambda tx: put(tx, [group, child], (), (), by=BY))
    await house.center.follower.refresh()


@pytest.fixture
async def parent(any_center: House) -> AsyncIterator[Customer]:
    """The group's, when its child's contract lets it read."""
    key = issued("account", GROUP)
    await any_center.center.database.transact(lambda tx: save(tx, [key]))
    await enter(any_center, replace(GRID_ACCOUNT, parent=GROUP, contract=Contract(parent_may_read=True)))
    yield Customer(any_center.http, key.key)
    await any_center.center.database.transact(lambda tx: put(tx, [GRID_ACCOUNT], (), (), by=BY))


async def test_parent_lists_and_reads_its_childs_tickets(any_center: House, parent: Customer) -> None:
    ticket, other = await any_center.customer.report(FAR), await any_center.bank.report(OTHERS[0])
    assert [t["id"] for t in await parent.items("/v1/tickets")] == [ticket]
    assert [t["id"] for t in await parent.items("/v1/tickets", account=GRID)] == [ticket]
    assert await parent.items("/v1/tickets", account=BANK) == []
    assert (await parent.ticket(ticket))["account"] == GRID
    assert (await parent.facts(ticket))[0] == "ticket.reported"
    assert (await parent.get(f"/v1/tickets/{other}")).status_code == 404


async def test_parent_follows_its_childs_tickets(any_center: House, parent: Customer) -> None:
    async with serving(any_center.center.app) as url, httpx.AsyncClient(base_url=url) as http:
        async with reading(http, "/v1/stream", parent.key) as stream:
            ticket = await any_center.customer.report(FAR)
            await any_center.bank.report(OTHERS[0])
            shown = [await stream.next() for _ in range(2)]
            async with reading(http, f"/v1/tickets/{ticket}/stream", parent.key) as one:
                assert (await one.next()).data["type"] == "ticket.reported"
        any_center.center.end_streams()
    assert {event.data["ticket"] for event in shown} == {ticket}


async def test_parent_changes_nothing_of_its_childs(any_center: House, parent: Customer) -> None:
    ticket = await any_center.report(FAR, CHUXIONG, BEIJING)  # nothing more happens to it by itself
    for verb, body in (("notes", {"text": "x"}), ("cancel", None), ("confirm", None), ("reopen", None)):
        refused = await parent.post(f"/v1/tickets/{ticket}/{verb}", body)
        assert (refused.status_code, "only that account's may change it" in refused.json()["detail"]) == (403, True)
    refused = await parent.post(f"/v1/tickets/{ticket}/links", {"label": "x"})
    assert (refused.status_code, "only that account's may give links" in refused.json()["detail"]) == (403, True)
    report = await parent.post("/v1/faults", {"circuit": FAR, "impact": "down", "description": "x"})
    assert (report.status_code, report.json()["errors"][0]["field"]) == (422, "circuit")
    assert await any_center.customer.facts(ticket) == await parent.facts(ticket)
    assert "ticket.noted" not in await parent.facts(ticket)


async def test_child_does_not_read_its_parents_or_siblings(any_center: House, parent: Customer) -> None:
    other = await any_center.bank.report(OTHERS[0])
    assert await any_center.customer.items("/v1/tickets") == []
    assert (await any_center.customer.get(f"/v1/tickets/{other}")).status_code == 404


async def test_contract_that_says_so_no_more_closes_the_lists_and_the_streams(
    any_center: House, parent: Customer
) -> None:
    ticket = await any_center.customer.report(FAR)
    async with (
        serving(any_center.center.app) as url,
        httpx.AsyncClient(base_url=url) as http,
        reading(http, "/v1/stream", parent.key) as stream,
    ):
        await enter(any_center, replace(GRID_ACCOUNT, parent=GROUP))
        assert await stream.ended()
    assert await parent.items("/v1/tickets") == []
    assert (await parent.get(f"/v1/tickets/{ticket}")).status_code == 404


async def test_tickets_of_a_group_come_in_pages_in_order(any_center: House, parent: Customer) -> None:
    theirs = [await any_center.customer.report(circuit) for circuit in registry.PLAIN[:3]]
    await until(lambda: _has(parent, 3))
    found = await parent.items("/v1/tickets", limit=2)
    assert sorted(t["id"] for t in found) == sorted(theirs)
    assert [(t["opened_at"], t["id"]) for t in found] == sorted(
        ((t["opened_at"], t["id"]) for t in found), reverse=True
    )


async def _has(parent: Customer, count: int) -> bool:
    return len(await parent.items("/v1/tickets")) == count
