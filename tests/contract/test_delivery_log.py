"""Every attempt is on record, whatever became of it, and forgotten in time; on both databases."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from services.notifier.model.outcome import MOST_ANSWER_BYTES, Attempt, Delivered
from services.notifier.model.retrying import RETRY_DELAYS
from services.notifier.model.subscription import Subscription
from services.notifier.store import history
from services.notifier.store.lanes import PUT_DEAD
from shared.auth.principal import Principal
from shared.clock import to_ms
from shared.db.port import Database
from shared.db.statement import Row
from shared.errors import NotFound, TooManyRequests
from shared.testing.clock import START, ManualClock
from shared.testing.receiver import Answer, Receiver
from tests.cases import ACCOUNT, notes
from tests.notifying import CLAIM_FOR, Notifier, Tickets, notifier

BY = Principal("account", ACCOUNT)


async def tried(one: Notifier, of: Subscription, ticket: str | None = None) -> Sequence[Row]:
    """The oldest first."""
    return (await history.tried(one.database, of.id, ticket=ticket, before=None, most=100))[::-1]


async def test_every_attempt_is_kept_with_what_came_of_it(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    receiver.script.extend([Answer(503, body=b"not now"), "reset", Answer(202, body=b"thanks")])
    subscription = await one.subscribe(receiver)
    event = await happens.open()
    await one.feed(event)
    for delay in RETRY_DELAYS[:3]:
        await one.settle()
        await one.look(delay)
    rows = await tried(one, subscription)
    found = [(r["attempt"], r["outcome"], r["reason"], r["status"], r["answer"]) for r in rows]
    assert found == [
        (1, "retry", "server_error", 503, "not now"),
        (2, "retry", "disconnected", None, ""),
        (3, "delivered", "ok", 202, "thanks"),
    ]
    assert {(r["ticket"], r["seq"], r["upto"], r["run"]) for r in rows} == {(event.ticket, 1, 1, "")}
    assert [r["at"] - to_ms(START) for r in rows] == [0, 5000, 20_000]


async def test_attempt_of_a_worker_that_was_overtaken_was_made_all_the_same(
    one: Notifier, store: Database, clock: ManualClock, happens: Tickets
) -> None:
    async with Receiver(Answer(500, delay_s=0.2)) as slow:
        subscription = await one.subscribe(slow)
        await one.feed(await happens.open())
        await slow.until(1)
        async with notifier(store, clock) as other:
            await other.look(CLAIM_FOR)
            await other.settle()
        await one.settle()
    assert [row["outcome"] for row in await tried(one, subscription)] == ["delivered", "retry"]


async def test_each_subscription_has_its_own_attempts_and_dead_letters_alone(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    of = sorted([(await one.subscribe(receiver)).id for _ in range(3)])
    first = await happens.open()
    await one.feed(first)
    await one.settle()
    await one.database.transact(lambda tx: tx.insert(PUT_DEAD, [(id, first.ticket, 1, "timeout", 9, 0) for id in of]))
    for id in of:
        for ticket in (None, first.ticket):
            found = await history.tried(one.database, id, ticket=ticket, before=None, most=100)
            assert [row["subscription"] for row in found] == [id]
        assert [row["subscription"] for row in await history.dead(one.database, id, before=None, most=100)] == [id]


async def test_answer_is_cut_and_deceives_nobody(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    hostile = "<b>\x00\x1b[31m\u202egnp.exe\r\nSet-Cookie: x=1".encode() + b"\xff" + b"y" * 20_000
    receiver.script.append(Answer(200, body=hostile))
    subscription = await one.subscribe(receiver)
    await one.feed(await happens.open())
    await one.settle()
    (row,) = await tried(one, subscription)
    assert row["answer"].startswith("<b>\ufffd\ufffd[31m\ufffdgnp.exe\ufffd\ufffdSet-Cookie: x=1\ufffdyyy")
    assert len(row["answer"]) <= MOST_ANSWER_BYTES


@pytest.mark.parametrize("number", [*range(0x20), 0x7F, 0x85, 0x200E, 0x202A, 0x202E, 0x2028, 0x2066, 0x2069, 0xFEFF])
def test_no_character_that_directs_or_hides_is_shown(number: int) -> None:
    assert Attempt(Delivered(), 200, chr(number).encode()).shown == "\ufffd"


async def test_log_can_be_read_of_one_ticket(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    subscription = await one.subscribe(receiver)
    here, there = await happens.open(), await happens.open()
    await one.feed(here, there, *await happens.happen(here.ticket, *notes(2)))
    await one.settle()
    assert [row["seq"] for row in await tried(one, subscription, here.ticket)] == [1, 2, 3]


async def test_old_attempts_and_dead_letters_are_forgotten(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    receiver.otherwise = Answer(500)
    subscription = await one.subscribe(receiver)
    await one.feed(await happens.open())
    for delay in RETRY_DELAYS:
        await one.settle()
        await one.look(delay)
    await one.settle()
    assert len(await one.dead()) == 1
    before = START + timedelta(hours=1)
    assert await history.prune_attempts(one.database, before) == 9
    assert [row["attempt"] for row in await tried(one, subscription)] == list(range(10, 20))
    await history.prune_dead(one.database, before)
    assert len(await one.dead()) == 1
    await history.prune_dead(one.database, one.clock.now() + timedelta(seconds=1))
    assert await one.dead() == []


async def test_test_is_made_now_answered_and_on_record(one: Notifier, receiver: Receiver) -> None:
    receiver.script.append(Answer(500, body=b"who are you"))
    subscription = await one.subscribe(receiver, "ticket.restored")
    desk = one.trials
    made = await desk.test(BY, subscription.id)
    assert (made.attempt.status, made.attempt.shown) == (500, "who are you")
    await desk.test(BY, subscription.id)
    first, second = receiver.hooks
    assert (first.event["type"], first.signed, second.signed) == ("subscription.test", True, True)
    assert first.id != second.id
    assert [(row["run"], row["outcome"]) for row in await tried(one, subscription)] == [
        ("test", "retry"),
        ("test", "delivered"),
    ]
    with pytest.raises(NotFound):
        await desk.test(Principal("account", "beiyuan-bank"), subscription.id)


async def test_one_account_makes_one_test_at_a_time(one: Notifier, receiver: Receiver) -> None:
    receiver.otherwise = "hang"
    subscription = await one.subscribe(receiver)
    desk = one.trials
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(desk.test(BY, subscription.id))
        await receiver.until(1)
        with pytest.raises(TooManyRequests):
            await desk.test(BY, subscription.id)
        waiting.cancel()
    receiver.otherwise = Answer()
    assert (await desk.test(BY, subscription.id)).attempt.outcome == Delivered()
