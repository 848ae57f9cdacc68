"""Where the contract lists who may report, a report names one of them; elsewhere a key is enough."""

from dataclasses import replace

import pytest

from shared.db.port import Tx
from shared.registry.model import ContactPoint
from shared.registry.model.account import Contract
from shared.registry.model.contact import reached_at
from shared.registry.writing import put
from tests import registry
from tests.cases import SEED
from tests.centers import House

BANK_CIRCUIT, GRID_CIRCUIT = registry.OTHERS[0], registry.NEAR


async def restrict(center: House) -> None:
    """The bank's contract lists its duty desk."""
    desk = ContactPoint("Duty desk", phone="+86 10 5550 0134", email="Duty@bank.example")
    bank = replace(registry.ACCOUNTS[1], contacts=(desk,), contract=Contract(reporters="listed-contacts"))

    async def write(tx: Tx) -> None:
        await put(tx, [bank], (), (), by=SEED)

    await center.center.database.transact(write)
    await center.center.follower.refresh()


def body(circuit: str, contact: object) -> dict[str, object]:
    return {"circuit": circuit, "impact": "down", "description": "No light", "contact": contact}


@pytest.mark.parametrize("contact", [{"phone": "010-5550-0134"}, {"email": "duty@BANK.example", "name": "somebody"}])
async def test_listed_contact_may_report_however_it_is_written(embedded: House, contact: object) -> None:
    await restrict(embedded)
    assert (await embedded.bank.post("/v1/faults", body(BANK_CIRCUIT, contact))).status_code == 201


@pytest.mark.parametrize("contact", [None, "Duty desk", {"phone": "+86 10 5550 0135"}, {"email": "x@bank.example"}])
async def test_nobody_else_may_and_is_told_why(embedded: House, contact: object) -> None:
    await restrict(embedded)
    for caller in (embedded.bank, embedded.operator):
        refused = await caller.post("/v1/faults", body(BANK_CIRCUIT, contact))
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "contact")


async def test_other_accounts_need_no_contact(embedded: House) -> None:
    await restrict(embedded)
    assert (await embedded.customer.post("/v1/faults", body(GRID_CIRCUIT, None))).status_code == 201


def test_same_line_is_the_same_however_it_is_written() -> None:
    written = ("+86 10 5550 0134", "010-55500134", "0086 (10) 5550 0134", "8610 5550 0134")
    assert len({reached_at(number) for number in written}) == 1
    assert reached_at("010 5550 0135") != reached_at("010 5550 0134")
