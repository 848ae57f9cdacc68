"""Quiet hours, digests, places and children in the lanes themselves, on both databases."""

from collections.abc import AsyncIterator
from datetime import timedelta

import orjson
import pytest
from sqlalchemy import bindparam, update

from services.notifier.model.preferences import QuietHours
from services.notifier.tables import lanes as table
from shared.auth.principal import Principal
from shared.clock import to_ms
from shared.db.port import Database
from shared.db.statement import Query
from shared.ids import AccountId
from shared.registry.model import Circuit, End, Segment
from shared.registry.writing import put
from shared.testing.clock import START, ManualClock
from shared.testing.receiver import Answer, Receiver
from tests.cases import ACCOUNT, BEIJING, CHUXIONG, CIRCUIT, SEED, notes, restored
from tests.notifying import Notifier, Tickets, notifier

MINUTE = timedelta(minutes=1)
GROUP = AccountId("huawang-group")
DUE_NOW = Query(update(table).values(due_at=bindparam("at")))
NIGHT = QuietHours("UTC", "07:00", "09:00")  # tests begin at 8:00


@pytest.fixture
async def one(store: Database, clock: ManualClock) -> AsyncIterator[Notifier]:
    async with notifier(store, clock, readers=lambda account: frozenset({account, GROUP})) as running:
        yield running


async def test_digest_comes_once_with_all_its_news(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    await one.subscribe(receiver, digest_min=30)
    first = await happens.open()
    await one.feed(first)
    one.clock.advance(10 * MINUTE)
    await one.feed(*await happens.happen(first.ticket, *notes(2)))
    assert await one.look(20 * MINUTE - timedelta(seconds=1)) == 0
    assert await one.look(timedelta(seconds=1)) == 1
    await one.settle()
    (hook,) = receiver.hooks
    body = orjson.loads(hook.body)
    assert (hook.id, body["type"]) == (f"{first.id}-3", "ticket.digest")
    assert [event["seq"] for event in body["data"]["events"]] == [1, 2, 3]
    assert hook.signed


async def test_what_is_urgent_breaks_the_quiet(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    await one.subscribe(receiver, quiet=NIGHT)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(1)))
    assert await one.look() == 0
    assert (await one.lane())["due_at"] == to_ms(START + 60 * MINUTE)
    await one.feed(*await happens.happen(first.ticket, restored(first.ticket)))
    assert await one.look() == 1
    await one.settle()
    assert [e["seq"] for e in orjson.loads(receiver.hooks[0].body)["data"]["events"]] == [1, 2, 3]


async def test_what_is_urgent_does_not_cut_short_a_retry(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    """A receiver that is down is not called more often because more happens."""
    receiver.otherwise = Answer(500)
    await one.subscribe(receiver)
    first = await happens.open()
    await one.feed(first)
    await one.settle()
    await one.feed(*await happens.happen(first.ticket, restored(first.ticket)))
    assert await one.look() == 0
    assert (await one.lane())["due_at"] == to_ms(START + timedelta(seconds=5))


async def test_what_is_urgent_and_breaks_the_quiet_does_not_cut_short_a_retry_either(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    receiver.otherwise = Answer(500)
    await one.subscribe(receiver, quiet=NIGHT)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, restored(first.ticket)))
    assert await one.look() == 1
    await one.settle()
    await one.feed(*await happens.happen(first.ticket, restored(first.ticket)))
    assert await one.look() == 0
    assert (await one.lane())["due_at"] == to_ms(START + timedelta(seconds=5))


async def test_what_is_urgent_is_not_overlooked_while_somebody_decides_to_wait(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    await one.subscribe(receiver, quiet=NIGHT)
    first = await happens.open()
    await one.feed(first)
    await one.database.transact(lambda tx: tx.fetch(DUE_NOW, at=to_ms(one.clock.now())))
    assert await one.look() == 1  # a worker has it, and its decision is on the way
    await one.feed(*await happens.happen(first.ticket, restored(first.ticket)))
    await one.settle()
    await one.look()
    await one.settle()
    assert [e["seq"] for e in orjson.loads(receiver.hooks[0].body)["data"]["events"]] == [1, 2]


async def test_digest_that_was_not_taken_is_tried_again_whole(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    receiver.script.append(Answer(500))
    await one.subscribe(receiver, digest_min=1)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(1)))
    await one.look(MINUTE)
    await one.settle()
    await one.look(timedelta(seconds=5))
    await one.settle()
    once, again = receiver.hooks
    assert (once.id, once.body) == (again.id, again.body)
    assert (await one.lane())["acked_seq"] == 2


@pytest.mark.parametrize("answer", [Answer(500), Answer(delay_s=0.2)])
async def test_changed_wish_hurries_no_retry_and_takes_nothing_from_who_is_delivering(
    one: Notifier, happens: Tickets, receiver: Receiver, answer: Answer
) -> None:
    receiver.script.append(answer)
    subscription = await one.subscribe(receiver)
    await one.feed(await happens.open())
    await receiver.until(1)
    if answer.status == 500:
        await one.settle()
    await one.desk.change(Principal("account", ACCOUNT), subscription.id, {"digest_min": 1})
    assert await one.look() == 0
    await one.settle()
    assert len(receiver.hooks) == 1


async def test_circuits_and_sites_are_chosen(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    ends = End(BEIJING, "head office"), End(CHUXIONG, "branch")
    segments = (Segment("a-access", "access", "a", BEIJING),)
    line = Circuit(CIRCUIT, ACCOUNT, "ip-vpn", 100, False, *ends, segments)
    await one.database.transact(lambda tx: put(tx, (), (), [line], by=SEED))
    async with Receiver() as elsewhere, Receiver() as by_circuit:
        await one.subscribe(receiver, sites=frozenset({f"{CHUXIONG}/branch"}))
        await one.subscribe(elsewhere, sites=frozenset({f"{CHUXIONG}/head office"}))
        await one.subscribe(by_circuit, circuits=frozenset({CIRCUIT}))
        here = await happens.open(CIRCUIT)
        await one.feed(here, await happens.open("unknown"))
        await one.settle()
        assert receiver.seqs(here.ticket) == by_circuit.seqs(here.ticket) == [1]
        assert here.ticket not in [hook.event["ticket"] for hook in elsewhere.hooks]


async def test_parent_is_told_of_the_children_it_names(
    one: Notifier, happens: Tickets, receiver: Receiver, clock: ManualClock, store: Database
) -> None:
    async with Receiver() as own_only:
        await one.subscribe(receiver, account=GROUP, accounts=frozenset({ACCOUNT}), reads=[ACCOUNT])
        await one.subscribe(own_only, account=GROUP)
        first = await happens.open()
        await one.feed(first)
        await one.settle()
        assert receiver.seqs(first.ticket) == [1]
        assert own_only.hooks == []


async def test_parent_that_may_read_no_more_gets_nothing_that_is_still_owed(
    one: Notifier, happens: Tickets, receiver: Receiver, clock: ManualClock, store: Database
) -> None:
    receiver.otherwise = Answer(500)
    await one.subscribe(receiver, account=GROUP, accounts=frozenset({ACCOUNT}), reads=[ACCOUNT])
    await one.feed(await happens.open())
    await one.settle()
    async with notifier(store, clock) as after:  # whoever looks now knows of no parent
        await after.look(timedelta(seconds=5))
        await after.settle()
    assert len(receiver.hooks) == 1
    assert (await one.lane())["due_at"] is None
