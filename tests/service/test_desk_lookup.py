"""Somebody calls: the desk finds the account by what it hears, and sees at once what it must know."""

from typing import Any

import pytest

from services.intake.registry.accounts import number
from tests.centers import House
from tests.people import Json, done
from tests.registry import BANK, FAR, GRID, OTHERS

NOTES = {"notes": "call the night desk first", "manager": {"name": "Manager Zhao", "phone": "021-5550 0100"}}


async def look_up(center: House, q: str) -> list[Json]:
    await center.center.follower.refresh()
    return list(done(await center.operator.get("/v1/desk/lookup", q=q))["items"])


async def found(center: House, q: str) -> list[tuple[str, str]]:
    return [(item["account"]["id"], item["matched"]) for item in await look_up(center, q)]


async def change(center: House, account: str, **fields: Any) -> None:
    path = f"/v1/registry/accounts/{account}"
    entry = done(await center.operator.get(path))
    done(await center.operator.send("PUT", path, json={**entry, **fields}))


@pytest.mark.parametrize(
    ("q", "account", "matched"),
    [
        ("华网", GRID, "name"), ("电力", GRID, "name"), ("huawang", GRID, "name"), ("Ｂｅｉｙｕａｎ", BANK, "name"),
        (FAR, GRID, "circuit"), (FAR.lower(), GRID, "circuit"), (OTHERS[0], BANK, "circuit"),
    ],
)  # fmt: skip
async def test_account_is_found_by_name_or_circuit(any_center: House, q: str, account: str, matched: str) -> None:
    assert (account, matched) in await found(any_center, q)


@pytest.mark.parametrize(
    "q",
    [
        "010-5550 0134",
        "+86 10 5550 0134",
        "0086 (10) 55500134",
        "5550-0134",
        "０１０ ５５５００１３４",
        "86 10 55500134",
    ],
)
async def test_account_is_found_by_a_contacts_number_however_it_is_written(embedded: House, q: str) -> None:
    await change(embedded, BANK, contacts=[{"name": "Ms Li", "phone": "(010) 5550 0134"}])
    assert await found(embedded, q) == [(BANK, "phone")]


@pytest.mark.parametrize("q", ["0134", "010-5550 0135", "nobody at all", "%", "__"])
async def test_what_is_not_there_is_not_found(embedded: House, q: str) -> None:
    await change(embedded, BANK, contacts=[{"name": "Ms Li", "phone": "(010) 5550 0134"}])
    answer = await embedded.operator.get("/v1/desk/lookup", q=q)
    assert answer.status_code == 422 if len(q) < 2 else done(answer)["items"] == []


async def test_answer_has_all_that_the_desk_must_know(any_center: House) -> None:
    await change(any_center, GRID, **NOTES)
    ticket = await any_center.customer.report(FAR, description="No light at site A")
    await any_center.customer.note(ticket, "our generator is running")
    item = next(item for item in await look_up(any_center, FAR))
    account = item["account"]
    assert (account["tier"], account["notes"], account["manager"]["name"]) == (
        "diamond", NOTES["notes"], "Manager Zhao"
    )  # fmt: skip
    assert [(t["id"], t["circuit"], t["impact"]) for t in item["open_tickets"]] == [(ticket, FAR, "down")]
    said = {(c["ticket"], c["type"], c["text"]) for c in item["last_contacts"]}
    assert said == {
        (ticket, "ticket.noted", "our generator is running"), (ticket, "ticket.reported", "No light at site A"),
    }  # fmt: skip
    await change(any_center, GRID, notes=None, manager=None)


async def test_ticket_that_is_over_is_no_open_one(embedded: House) -> None:
    ticket = await embedded.customer.report(FAR)
    await embedded.customer.cancel(ticket)
    assert (await look_up(embedded, FAR))[0]["open_tickets"] == []


async def test_changed_account_is_found_by_its_new_name_and_not_by_its_old(embedded: House) -> None:
    assert await found(embedded, "Huawang") == [(GRID, "name")]
    await change(embedded, GRID, name_en="Riverlight Power")
    assert (await found(embedded, "riverlight"), await found(embedded, "Huawang")) == ([(GRID, "name")], [])


def test_number_is_the_same_however_it_is_dialled() -> None:
    ways = ["010 5550 0134", "+86 10 5550 0134", "0086-10-5550-0134", "(010)55500134", "10 5550 0134"]
    assert {number(way) for way in ways} == {"1055500134"}
    assert number("8655 1234") == "86551234"
