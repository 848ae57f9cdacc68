"""The NOC's queue and the networks' lists come by rank, in pages that new rows never shift, on both databases."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from services.dispatcher import store as orders
from services.dispatcher.noc import store as noc
from services.dispatcher.projection import KeptOrders
from shared.clock import from_ms, to_ms
from shared.contracts import facts as f
from shared.db.port import Database, Tx
from shared.db.statement import Query
from shared.ids import TicketId, new_ticket_id
from shared.testing.clock import START
from shared.tickets import store as tickets
from shared.tickets.log import append, open_ticket
from shared.tickets.ranks import Standing
from shared.tickets.store import NewTicket
from tests.cases import ACTOR, BEIJING, accepted, issued, reported, restored, save

Step = Callable[[TicketId], f.Fact]
BEGINNING = (-(2**62), "")
MINUTES = 60_000


async def ordered(store: Database, circuit: str, rank: int, *steps: Step, tier: str = "gold") -> TicketId:
    """A ticket of this rank (minutes after the start), unroutable first, then these steps: ordered to Beijing."""
    id = new_ticket_id(START)
    ticket, first = open_ticket(id, reported(circuit=circuit), at=START, actor=ACTOR)
    standing = Standing(tier, to_ms(START) + (rank + 15) * MINUTES, to_ms(START) + rank * MINUTES)

    async def body(tx: Tx) -> None:
        await tickets.open_new(tx, [NewTicket(ticket, first, None, standing)])
        done = (f.TicketUnroutable("nobody is responsible"), *(step(id) for step in steps or (issued,)))
        after, entries = append(ticket, first.hash, done, at=START, actor=ACTOR)
        await save(tx, [after], entries, kept=KeptOrders())

    await store.transact(body)
    return id


async def queued(store: Database, circuit: str, rank: int) -> TicketId:
    return await ordered(store, circuit, rank, lambda _: f.NoteAdded("still waiting"))


async def test_queue_comes_by_rank_not_by_age(store: Database) -> None:
    later, sooner = await queued(store, "C1", 90), await queued(store, "C2", 30)
    found = await noc.queue(store, after=BEGINNING, most=9)
    assert [ticket.id for ticket, _ in found] == [sooner, later]
    assert found[0][1] == Standing("gold", to_ms(START) + 45 * MINUTES, to_ms(START) + 30 * MINUTES)


async def test_pages_of_the_queue_neither_repeat_nor_lose_while_tickets_come_in(store: Database) -> None:
    expected = [await queued(store, f"C{rank}", rank) for rank in (10, 20, 30, 40)]
    found: list[TicketId] = []
    seen_later: list[TicketId] = []
    after = BEGINNING
    for newcomers in ((5, 35), (50,), ()):  # before, within and behind what was read
        page = await noc.queue(store, after=after, most=2)
        found += [ticket.id for ticket, _ in page]
        after = (page[-1][1].rank_at, page[-1][0].id)
        seen_later += [await queued(store, f"N{newcomer}", newcomer) for newcomer in newcomers]
    assert found == [*expected[:3], seen_later[1], expected[3], seen_later[2]]


async def test_orders_carry_the_standing_of_their_ticket_and_come_by_rank(store: Database) -> None:
    later, sooner = await ordered(store, "C1", 90), await ordered(store, "C2", 30, tier="diamond")
    for state in (None, "live", "issued"):
        rows = await orders.orders_to(store, BEIJING, state=state, after=BEGINNING, most=9)
        assert [row["ticket"] for row in rows] == [sooner, later]
    assert (rows[0]["tier"], from_ms(rows[0]["breach_at"])) == ("diamond", START + timedelta(minutes=45))


async def test_pages_of_orders_neither_repeat_nor_lose_while_orders_come_in(store: Database) -> None:
    expected = [await ordered(store, f"C{rank}", rank) for rank in (10, 20, 30, 40)]
    found: list[TicketId] = []
    seen_later: list[TicketId] = []
    after = BEGINNING
    for newcomers in ((5, 35), (50,), ()):
        page = await orders.orders_to(store, BEIJING, state="live", after=after, most=2)
        found += [row["ticket"] for row in page]
        after = (page[-1]["rank_at"], page[-1]["id"])
        seen_later += [await ordered(store, f"N{newcomer}", newcomer) for newcomer in newcomers]
    assert found == [*expected[:3], seen_later[1], expected[3], seen_later[2]]


async def test_live_orders_are_those_issued_and_accepted(store: Database) -> None:
    at_work = await ordered(store, "C1", 10, issued, accepted)
    await ordered(store, "C2", 20, issued, accepted, restored)
    live = await orders.orders_to(store, BEIJING, state="live", after=BEGINNING, most=9)
    assert [row["ticket"] for row in live] == [at_work]


async def test_order_issued_again_keeps_its_rank_and_forgets_its_restoration(store: Database) -> None:
    id = await ordered(store, "C1", 10)
    ticket = await tickets.get(store, id)
    assert ticket is not None

    async def body(tx: Tx) -> None:
        stored = (await tickets.lock(tx, [id]))[id]
        facts = (accepted(id), restored(id), f.TicketReopened("still down"), issued(id, round=2))
        after, entries = append(stored.ticket, stored.head, facts, at=START, actor=ACTOR)
        await save(tx, [after], entries, kept=KeptOrders())

    await store.transact(body)
    (row,) = await orders.orders_to(store, BEIJING, state="live", after=BEGINNING, most=9)
    assert (row["state"], row["restored_at"], row["rank_at"]) == ("issued", None, to_ms(START) + 10 * MINUTES)


@pytest.mark.parametrize(
    ("query", "index"), [(noc.QUEUE, "ix_tickets_unroutable"), (orders.LIVE_ORDERS, "ix_repair_orders_")]
)
async def test_page_is_read_off_an_index_and_never_sorted(store: Database, query: Query, index: str) -> None:
    """PostgreSQL would read ten rows whole: it is told not to, and not to sort if it can help it."""

    async def plan(tx: Tx) -> str:
        given = {"at": BEGINNING[0], "id": "", "network": BEIJING, "most": 50}
        if tx.dialect == "sqlite":
            found = tx.raw.execute(f"EXPLAIN QUERY PLAN {query.sqlite.sql}", query.sqlite.arguments(given))
            return " ".join(str(row[3]) for row in found)
        await tx.raw.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
        )
        found = await tx.raw.fetch(f"EXPLAIN {query.postgresql.sql}", *query.postgresql.arguments(given))
        return " ".join(str(row[0]) for row in found)

    said = await store.transact(plan)
    assert index in said, said
    assert not any(word in said for word in ("Sort", "TEMP B-TREE"))
