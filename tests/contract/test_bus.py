"""Whichever way a fact goes, embedded or over Kafka: in order per ticket, at least once, none missing."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from shared.contracts.event import Event
from shared.db.port import Tx
from shared.ids import TicketId
from shared.tickets import store as tickets
from tests.buses import Bus, record
from tests.cases import BEIJING, issued, notes


def in_order(seen: Sequence[int], last: int) -> bool:
    """Each of 1 … last, none before the one in front of it; some may have come again."""
    first_times = list(dict.fromkeys(seen))
    return first_times == list(range(1, last + 1))


def told(event: Event) -> tuple[Any, ...]:
    return event.id, event.at, event.type, event.actor, event.account, event.status, event.data


async def test_facts_of_a_ticket_come_in_the_order_of_its_log(bus: Bus) -> None:
    ids = await bus.open(5)
    for _ in range(4):
        await asyncio.gather(*(bus.append(id, *notes(3)) for id in ids))
    seen = await bus.reader().read(5 * 13)
    assert {id: list(range(1, 14)) for id in ids} == seen


async def test_fact_arrives_as_the_log_has_it(bus: Bus) -> None:
    (id,) = await bus.open()
    await bus.append(id, issued(id, BEIJING), *notes(1))
    reader = bus.reader()
    await reader.read(3)
    assert [told(event) for event in reader.events] == [told(entry) for entry in await tickets.entries(bus.store, id)]


async def test_nothing_new_is_said_within_about_a_second(bus: Bus) -> None:
    await bus.open()
    reader = bus.reader()
    await reader.read(1)
    since = time.monotonic()
    assert await reader.poll() == []
    assert time.monotonic() - since < 2.5


async def test_reader_that_waits_is_woken_by_the_commit(bus: Bus) -> None:
    (id,) = await bus.open()
    reader = bus.reader()
    await reader.read(1)
    waiting = asyncio.create_task(reader.read(2))
    await asyncio.sleep(0)
    since = time.monotonic()
    await bus.append(id)
    await waiting
    assert time.monotonic() - since < 0.9  # the poll that would find it anyway comes after a second


async def test_every_service_is_given_every_fact(bus: Bus) -> None:
    (id,) = await bus.open()
    await bus.append(id)
    assert await bus.reader("notifier").read(2) == await bus.reader("dispatcher").read(2) == {id: [1, 2]}


async def test_service_goes_on_after_a_restart_where_it_was_done(bus: Bus) -> None:
    (id,) = await bus.open()
    first = bus.reader()
    await first.read(1)
    await first.close()
    await bus.append(id)
    assert await bus.reader().read(1) == {id: [2]}


async def test_what_was_not_marked_done_comes_again_after_a_restart(bus: Bus) -> None:
    (id,) = await bus.open()
    first = bus.reader()
    await first.read(1, done=True)
    await bus.append(id)
    await first.read(2, done=False)
    await first.close()
    assert await bus.reader().read(1) == {id: [2]}


async def test_service_that_never_marks_anything_begins_at_the_beginning_each_time(bus: Bus) -> None:
    (id,) = await bus.open()
    await bus.append(id)
    for _ in range(2):
        reader = bus.reader()
        assert await reader.read(2, done=False) == {id: [1, 2]}
        await reader.close()


async def test_facts_from_before_a_service_first_ran_are_given_to_it(bus: Bus) -> None:
    (id,) = await bus.open()
    await bus.append(id, *notes(9))
    assert await bus.reader("a service of tomorrow").read(10) == {id: list(range(1, 11))}


async def test_more_than_one_poll_can_hold_comes_in_several(bus: Bus) -> None:
    (id,) = await bus.open()
    for _ in range(6):
        await bus.append(id, *notes(200))
    assert await bus.reader().read(1201) == {id: list(range(1, 1202))}


async def test_nothing_is_lost_or_out_of_order_with_eight_committers_at_once(bus: Bus) -> None:
    async def commit() -> None:
        for id in await bus.open(4):
            for _ in range(5):
                await bus.append(id, *notes(2))

    reading = asyncio.create_task(bus.reader().read(8 * 4 * 11))
    await asyncio.gather(*(commit() for _ in range(8)))
    seen = await reading
    assert len(seen) == 32
    assert all(in_order(numbers, 11) for numbers in seen.values())


async def test_one_ticket_that_eight_change_at_once_is_told_in_order(bus: Bus) -> None:
    (id,) = await bus.open()
    reading = asyncio.create_task(bus.reader().read(81))
    for _ in range(10):
        await asyncio.gather(*(bus.append(id) for _ in range(8)))
    assert in_order((await reading)[id], 81)


async def test_nothing_is_missing_however_often_a_service_falls_over(bus: Bus) -> None:
    (id,) = await bus.open()
    seen: list[int] = []
    for life in range(6):
        await bus.append(id, *notes(5))
        reader = bus.reader()
        await reader.read(1, done=life % 2 == 1)
        await reader.close()
        seen += reader.seen[id]
    assert set(range(1, 32)) <= set(seen)


async def test_fact_of_a_transaction_that_failed_is_never_told(bus: Bus) -> None:
    (id,) = await bus.open()

    async def fails(tx: Tx) -> None:
        await record(tx, id, notes(1))
        raise ZeroDivisionError

    await asyncio.gather(bus.store.transact(fails), return_exceptions=True)
    await bus.append(id, issued(id))
    reader = bus.reader()
    await reader.read(2)
    assert [event.type for event in reader.events] == ["ticket.reported", "order.issued"]


async def test_tickets_are_told_in_the_order_in_which_they_were_committed_to_the_one_who_waits(bus: Bus) -> None:
    reader = bus.reader()
    order: list[TicketId] = []
    for number in range(1, 4):
        order += await bus.open()
        await reader.read(number)
    assert [event.ticket for event in reader.events] == order


async def test_reader_says_how_many_facts_have_not_taken_effect(bus: Bus) -> None:
    """Those that it was given and has not dealt with are among them."""
    (id,) = await bus.open()
    reader = bus.reader()
    assert await reader.behind() is None
    await reader.read(1)
    while await reader.behind():  # on Kafka, what earlier tests have left
        await reader.poll()
        await reader.done()
    await bus.append(id, *notes(3))
    await reader.read(4, done=False)
    assert await reader.behind() == 3
    await reader.done()
    assert await reader.behind() == 0
