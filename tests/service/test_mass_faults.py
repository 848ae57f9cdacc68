"""Several key circuits that fail with one cause: told at once, under one name, each ticket once."""

from datetime import timedelta

from tests.centers import House
from tests.people import Json, done
from tests.registry import FAR, NEAR, OTHERS, PLAIN, SHANGHAI, XIAN
from tests.service.test_escalations import escalated, waiting
from tests.waiting import until

MINUTE = timedelta(minutes=1)


async def mass_faults(center: House) -> list[Json]:
    return await center.operator.items("/v1/noc/mass-faults", limit=1)


async def members(center: House, count: int) -> list[str]:
    """The tickets of the only mass fault, as soon as there are so many."""

    async def there() -> bool:
        return [len(found["tickets"]) for found in await mass_faults(center)] == [count]

    await until(there)
    (found,) = await mass_faults(center)
    return sorted(found["tickets"])


async def test_third_circuit_with_one_cause_tells_all_three_and_the_fourth_joins_them(any_center: House) -> None:
    first = [await any_center.report(circuit, SHANGHAI, XIAN) for circuit in PLAIN[:3]]
    assert await members(any_center, 3) == sorted(first)
    fourth = await any_center.report(PLAIN[3], SHANGHAI, XIAN)
    assert await members(any_center, 4) == sorted([*first, fourth])
    told = [fact for ticket in (*first, fourth) for fact in await escalated(any_center, ticket)]
    assert len(told) == 4
    (found,) = await mass_faults(any_center)
    assert {fact["data"]["group"] for fact in told} == {found["id"]}
    assert {(f["data"]["cause"], f["data"]["level"], *f["data"]["to"]) for f in told} == {
        ("mass_fault", "province", "province", "account_manager", "customer"),
    }  # fmt: skip
    assert (found["network"], found["kinds"]) in ((SHANGHAI, ["access", "metro"]), (XIAN, ["access", "metro"]))


async def test_mass_fault_is_acknowledged_for_all_its_tickets_at_once(embedded: House) -> None:
    tickets = sorted([await embedded.report(circuit, SHANGHAI, XIAN) for circuit in PLAIN[:3]])
    await members(embedded, 3)
    (found,) = await mass_faults(embedded)
    path = f"/v1/noc/mass-faults/{found['id']}/acknowledge"
    assert sorted(done(await embedded.operator.post(path, {"note": "a cut cable"}))["tickets"]) == tickets
    assert (await waiting(embedded), done(await embedded.operator.post(path))) == ([], {"tickets": []})
    assert (await embedded.operator.post("/v1/noc/mass-faults/MF000101-00000000/acknowledge")).status_code == 404


async def test_circuits_elsewhere_or_long_ago_are_another_matter(embedded: House) -> None:
    for circuit in (FAR, NEAR, PLAIN[0], PLAIN[1]):
        await embedded.customer.report(circuit)
    await embedded.all_heard()
    embedded.clock.advance(31 * MINUTE)
    await embedded.report(PLAIN[2], SHANGHAI, XIAN)
    await embedded.all_heard()
    assert await mass_faults(embedded) == []


async def test_customer_learns_that_it_is_not_alone_and_of_nobody_else(embedded: House) -> None:
    own = await embedded.report(PLAIN[0], SHANGHAI, XIAN)
    others = [await embedded.bank.report(circuit) for circuit in OTHERS]
    await members(embedded, 3)
    text = (await embedded.customer.get(f"/v1/tickets/{own}/log")).text
    assert "several circuits at once in local network 021" in text
    assert not [other for other in (*others, *OTHERS, "beiyuan") if other in text]
    assert (await embedded.customer.get("/v1/noc/mass-faults")).status_code == 403
