"""The networks' orders as they are kept beside the facts: one batch of facts leaves what its facts one by one leave."""

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from services.dispatcher.projection import KeptOrders
from services.dispatcher.tables import repair_orders
from shared.contracts import facts as f
from shared.db.port import Database, Tx
from shared.db.statement import Query
from shared.ids import NetworkCode, TicketId, order_id
from shared.testing.clock import START
from shared.tickets import store as tickets
from shared.tickets.log import append
from tests.cases import ACTOR, BEIJING, CHUXIONG, MINUTE, accepted, issued, new_ticket, notes, restored, save

o = repair_orders.c
ROWS = Query(select(repair_orders).order_by(o.ticket, o.network))
NAMES = [name for name in repair_orders.columns.keys() if name not in ("id", "ticket", "data")]  # noqa: SIM118


def steps(seed: str, id: TicketId) -> Sequence[f.Fact]:
    random = Random(seed)
    return [step(random, id) for _ in range(4)]


def step(random: Random, id: TicketId) -> f.Fact:
    network: NetworkCode = random.choice([BEIJING, CHUXIONG])
    order = order_id(id, network)
    return random.choice([
        issued(id, network, round=random.randrange(9)),
        accepted(id, network),
        restored(id, network, START + random.randrange(9) * MINUTE),
        f.OrderDeclined(order, network, "other"),
        f.OrderHandedOver(order, network, CHUXIONG, "theirs"),
        f.OrderStoodDown(order, network, "restored"),
        *notes(1),
    ])  # fmt: skip


async def recorded(store: Database, id: TicketId, facts: Sequence[f.Fact], minute: int) -> None:
    async def body(tx: Tx) -> None:
        held = (await tickets.lock(tx, [id]))[id]
        after, entries = append(held.ticket, held.head, facts, at=START + minute * MINUTE, actor=ACTOR)
        await save(tx, [after], entries, kept=KeptOrders())

    await store.transact(body)


async def rows(store: Database, id: TicketId) -> Sequence[dict[str, Any]]:
    found = [row for row in await store.fetch(ROWS) if row["ticket"] == id]
    return [{name: row[name] for name in NAMES} for row in found]


@pytest.mark.parametrize("seed", range(12))
async def test_batch_leaves_what_its_facts_leave_one_by_one(store: Database, seed: int) -> None:
    new = [new_ticket(circuit=circuit) for circuit in ("1", "2")]
    together, alone = (n.ticket.id for n in new)
    await store.transact(lambda tx: tickets.open_new(tx, new))
    for minute in range(4):
        await recorded(store, together, steps(f"{seed}.{minute}", together), minute)
        for fact in steps(f"{seed}.{minute}", alone):
            await recorded(store, alone, [fact], minute)
    assert await rows(store, together) == await rows(store, alone) != []
