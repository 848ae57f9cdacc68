"""Escalations over HTTP: the customer asks, somebody is told, somebody answers, and who sees whose telephone number."""

from dataclasses import replace
from datetime import timedelta

from shared.registry.model import ContactPoint
from shared.registry.writing import put
from tests import registry
from tests.cases import SEED
from tests.centers import House
from tests.people import Json, done
from tests.registry import BEIJING, CHUXIONG, FAR, KUNMING, NEAR, SHANGHAI, XIAN
from tests.waiting import until

MINUTE = timedelta(minutes=1)
PHONE = "+86 878 555 0134"


async def waiting(center: House) -> list[Json]:
    return await center.operator.items("/v1/noc/escalations", limit=1)


async def escalated(center: House, ticket: str, count: int = 1) -> list[Json]:
    """The ticket's escalations, as soon as there are so many."""

    async def there() -> bool:
        return len(await _escalations(center, ticket)) >= count

    await until(there)
    return await _escalations(center, ticket)


async def _escalations(center: House, ticket: str) -> list[Json]:
    return [entry for entry in await center.customer.log(ticket) if entry["type"] == "ticket.escalated"]


async def test_order_that_nobody_accepts_is_escalated_and_answered(any_center: House) -> None:
    ticket = await any_center.report(FAR, CHUXIONG, BEIJING)
    await any_center.network(BEIJING).accept(ticket)
    any_center.clock.advance(15 * MINUTE)
    (fact,) = await escalated(any_center, ticket)
    assert (fact["actor"], fact["data"]["networks"]) == ("system:clock", [CHUXIONG])
    (listed,) = await waiting(any_center)
    assert (listed["ticket"], listed["seq"], listed["level"]) == (ticket, fact["seq"], "network")
    path = f"/v1/tickets/{ticket}/escalations/{fact['seq']}/acknowledge"
    assert (await any_center.network(BEIJING).post(path)).status_code == 403
    done(await any_center.network(CHUXIONG).post(path, {"note": "a crew is on its way"}, key="answer-1"))
    assert (await any_center.network(CHUXIONG).post(path, {"note": "a crew is on its way"}, key="answer-1")).is_success
    assert (await any_center.operator.post(path)).status_code == 409
    assert await waiting(any_center) == []
    assert (await any_center.customer.facts(ticket)).count("ticket.escalation_acknowledged") == 1


async def test_customer_chases_the_networks_hear_and_the_second_time_it_is_escalated(any_center: House) -> None:
    ticket = await any_center.accepted(NEAR, KUNMING)
    chase = f"/v1/tickets/{ticket}/chase"
    done(await any_center.customer.post(chase, {"text": "Where does it stay?"}))
    too_soon = await any_center.customer.post(chase)
    assert (too_soon.status_code, too_soon.headers["Retry-After"]) == (429, "600")
    any_center.clock.advance(10 * MINUTE)
    done(await any_center.operator.post(chase))
    (fact,) = await escalated(any_center, ticket)
    assert (fact["data"]["cause"], fact["data"]["level"]) == ("chase", "network")
    chased = [e["data"] for e in await any_center.customer.log(ticket) if e["type"] == "ticket.chased"]
    assert chased[0] == {"text": "Where does it stay?", "networks": [KUNMING]}
    assert [(await caller.post(chase)).status_code for caller in (any_center.bank, any_center.network(KUNMING))] == [
        404, 403,
    ]  # fmt: skip


async def test_noc_escalates_by_hand_and_sees_whom_to_call(embedded: House) -> None:
    duty = ContactPoint("Chuxiong duty desk", phone=PHONE, window="24x7")
    day = ContactPoint("Day shift", phone="+86 878 555 0100", window="Mon-Fri 08:30-17:30")
    manager = ContactPoint("Key account desk", email="vip@example.com")
    network = replace(next(n for n in registry.NETWORKS if n.code == CHUXIONG), duty=(day, duty))
    account = replace(registry.ACCOUNTS[0], manager=manager)
    await embedded.center.database.transact(lambda tx: put(tx, [account], [network], [], by=SEED))
    await embedded.center.follower.refresh()
    ticket = await embedded.accepted(FAR, CHUXIONG, BEIJING)
    by_hand = {"level": "province", "reason": "The ministry called", "tell": ["account_manager"]}
    done(await embedded.operator.post(f"/v1/tickets/{ticket}/escalate", by_hand))
    (listed,) = await waiting(embedded)
    assert (listed["cause"], listed["to"], listed["account_name_en"]) == (
        "by_hand", ["province", "account_manager"], "Huawang Power",
    )  # fmt: skip
    assert listed["account_manager"]["email"] == "vip@example.com"
    of_chuxiong = next(of for of in listed["duty"] if of["network"] == CHUXIONG)
    assert [contact["phone"] for contact in of_chuxiong["contacts"]] == [PHONE]  # a Saturday
    for reader in (embedded.customer, embedded.network(BEIJING)):
        said = (await reader.get(f"/v1/tickets/{ticket}/log")).text + (await reader.get(f"/v1/tickets/{ticket}")).text
        assert PHONE not in said
        assert "vip@example.com" not in said
        assert (await reader.get("/v1/noc/escalations")).status_code == 403


async def test_most_urgent_escalation_comes_first(embedded: House) -> None:
    calm = await embedded.customer.report(NEAR, impact="degraded")
    urgent = await embedded.customer.report(FAR)
    for ticket in (calm, urgent):
        done(await embedded.operator.post(f"/v1/tickets/{ticket}/escalate", {"level": "network", "reason": "look"}))
    assert [found["ticket"] for found in await waiting(embedded)] == [urgent, calm]


async def test_what_is_restored_or_cancelled_is_on_nobodys_list(embedded: House) -> None:
    mended, gone = await embedded.accepted(NEAR, KUNMING), await embedded.accepted(registry.PLAIN[0], SHANGHAI, XIAN)
    for ticket in (mended, gone):
        done(await embedded.operator.post(f"/v1/tickets/{ticket}/escalate", {"level": "network", "reason": "look"}))
    await embedded.network(KUNMING).restore(mended)
    await embedded.customer.cancel(gone)
    assert await waiting(embedded) == []
    again = await embedded.operator.post(f"/v1/tickets/{gone}/escalate", {"level": "network", "reason": "look"})
    assert (again.status_code, again.json()["legal"]) == (409, [])
