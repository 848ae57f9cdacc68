"""A query or a check that forgets whose tickets it may show shows nobody another account's: PostgreSQL sees to it."""

import pytest
from sqlalchemy import bindparam, select

from services.intake.reads import store
from shared.auth.principal import Principal
from shared.db.statement import Query
from shared.registry import reading
from shared.registry.tables import circuits
from tests.centers import House
from tests.people import done
from tests.registry import BANK, BEIJING, FAR, GRID, OTHERS, SHANGHAI


@pytest.fixture
async def both_report(production: House) -> str:
    """Each of two accounts has a ticket; answers the bank's."""
    await production.customer.report(FAR)
    ticket = await production.bank.report(OTHERS[0])
    await production.ordered(ticket, BEIJING, SHANGHAI)
    return ticket


async def test_list_without_its_condition_shows_no_other_accounts_tickets(
    production: House, both_report: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "OF_ONE", store.OF_ALL)
    assert {t["account"] for t in done(await production.customer.get("/v1/tickets"))["items"]} == {GRID}
    assert {t["account"] for t in done(await production.bank.get("/v1/tickets"))["items"]} == {BANK}
    assert {t["account"] for t in done(await production.operator.get("/v1/tickets"))["items"]} == {GRID, BANK}


async def test_list_of_circuits_without_its_condition_shows_no_others(
    production: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "OF_ACCOUNT", Query(select(circuits).limit(bindparam("most"))))
    assert {c["account"] for c in done(await production.bank.get("/v1/circuits"))["items"]} == {BANK}


@pytest.mark.parametrize("part", ["", "/log", "/stream"])
async def test_another_accounts_ticket_is_unknown_even_to_a_door_that_does_not_check(
    production: House, both_report: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Principal, "may_read", lambda *_: True)
    answer = await production.customer.get(f"/v1/tickets/{both_report}{part}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
