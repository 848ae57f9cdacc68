"""Lanes: every wanted event of a ticket reaches the receiver at least once and in order, on both databases.

Retries are rows and the clock stands still: nothing here waits for time, only for a delivery under way to end.
"""

import asyncio
from datetime import timedelta

import pytest

from services.notifier.handlers import delivery
from services.notifier.handlers.room import Room
from services.notifier.model import lane as model
from services.notifier.model.lane import Claim
from services.notifier.model.outcome import Retry
from services.notifier.model.retrying import PATIENCE, RETRY_DELAYS
from services.notifier.store import lanes, standings, subscriptions
from services.notifier.store.lanes import Stale
from shared.auth.principal import Principal
from shared.clock import to_ms
from shared.contracts.facts import Fact
from shared.db.port import Database
from shared.ids import AccountId
from shared.testing.clock import ManualClock
from shared.testing.receiver import Answer, Receiver
from tests.cases import accepted, issued, notes, restored
from tests.notifying import CLAIM_FOR, Notifier, Tickets, notifier
from tests.waiting import until

SECOND = timedelta(seconds=1)


async def test_event_is_delivered_signed_and_acknowledged(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    await one.subscribe(receiver)
    event = await happens.open()
    await one.feed(event)
    await one.settle()
    (hook,) = receiver.hooks
    assert hook.signed
    assert hook.id == event.id
    lane = await one.lane()
    assert (lane["acked_seq"], lane["last_seq"], lane["due_at"], lane["claim"]) == (1, 1, None, None)


async def test_events_of_a_ticket_arrive_in_order(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    await one.subscribe(receiver)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(4)))
    await one.settle()
    assert receiver.seqs(first.ticket) == [1, 2, 3, 4, 5]


async def test_long_run_of_unwanted_events_is_passed_over(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    receiver.script.append(Answer(delay_s=0.1))
    await one.subscribe(receiver, "ticket.reported", "order.issued")
    first = await happens.open()
    await one.feed(first)
    await receiver.until(1)
    await one.feed(*await happens.happen(first.ticket, *notes(250), issued(first.ticket)))
    await one.settle()
    assert receiver.seqs(first.ticket) == [1, 252]


async def test_what_happens_while_a_delivery_is_under_way_follows_it(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    receiver.script.append(Answer(delay_s=0.05))
    await one.subscribe(receiver)
    first = await happens.open()
    await one.feed(first)
    await receiver.until(1)
    await one.feed(*await happens.happen(first.ticket, *notes(3)))
    await one.settle()
    assert receiver.seqs(first.ticket) == [1, 2, 3, 4]


async def test_flapping_receiver_gets_everything_in_order(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    receiver.script.extend([Answer(500), Answer(), "reset", Answer(503), Answer(), Answer(429), "garbage", Answer()])
    await one.subscribe(receiver)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(4)))
    for _ in range(6):
        await one.settle()
        await one.look(timedelta(minutes=2))
    assert receiver.seqs(first.ticket) == [1, 1, 2, 2, 2, 3, 3, 3, 4, 5]


async def test_every_try_of_an_event_has_the_same_id_and_body(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    receiver.script.append(Answer(500))
    await one.subscribe(receiver)
    await one.feed(await happens.open())
    await one.settle()
    await one.look(timedelta(seconds=5))
    await one.settle()
    first, second = receiver.hooks
    assert (first.id, first.body) == (second.id, second.body)
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    assert first.signed
    assert second.signed


async def test_failed_delivery_is_tried_again_when_due_and_not_before(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    receiver.otherwise = Answer(500)
    await one.subscribe(receiver)
    await one.feed(await happens.open())
    for attempts, delay in enumerate(RETRY_DELAYS[:5], 1):
        await one.settle()
        assert len(receiver.hooks) == attempts
        assert await one.look(delay - SECOND) == 0
        assert await one.look(SECOND) == 1


async def test_retry_after_puts_the_next_try_off(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    receiver.script.append(Answer(429, {"retry-after": "40"}))
    await one.subscribe(receiver)
    await one.feed(await happens.open())
    await one.settle()
    assert (await one.lane())["due_at"] == to_ms(one.clock.now() + timedelta(seconds=40))


async def test_event_that_is_never_taken_becomes_a_dead_letter_and_the_next_follows(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    receiver.script.extend([Answer(500)] * (len(RETRY_DELAYS) + 1))
    subscription = await one.subscribe(receiver)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(1)))
    for delay in RETRY_DELAYS:
        await one.settle()
        await one.look(delay)
    await one.settle()
    (dead,) = await one.dead()
    assert (dead["subscription"], dead["ticket"], dead["seq"]) == (subscription.id, first.ticket, 1)
    assert (dead["reason"], dead["attempts"]) == ("server_error", len(RETRY_DELAYS) + 1)
    assert receiver.seqs(first.ticket)[-1] == 2
    assert (await one.lane())["acked_seq"] == 2


async def test_redirect_is_a_failure_and_is_not_followed(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    receiver.script.append(Answer(302, {"location": receiver.url}))
    await one.subscribe(receiver)
    await one.feed(await happens.open())
    await one.settle()
    assert len(receiver.hooks) == 1
    assert one.count("vrc_delivery_attempts_total", channel="webhook", outcome="retry", reason="redirect") == 1


async def test_gone_disables_the_subscription_and_no_other(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    async with Receiver(otherwise=Answer(410)) as gone:
        await one.subscribe(gone)
        kept = await one.subscribe(receiver)
        first = await happens.open()
        await one.feed(first)
        await one.settle()
        await one.feed(*await happens.happen(first.ticket, *notes(1)))
        await one.settle()
        assert len(gone.hooks) == 1
    assert receiver.seqs(first.ticket) == [1, 2]
    assert {lane["subscription"] for lane in await one.lanes()} == {kept.id}


async def test_lane_that_a_disabled_subscription_has_after_all_is_dropped(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    """An event was fed while another process disabled it."""
    receiver.otherwise = Answer(500)
    subscription = await one.subscribe(receiver)
    await one.feed(await happens.open())
    await one.settle()
    disabled = {"since": 0, "told": "failing", "ended": 0, "because": "failing"}
    await one.database.transact(lambda tx: tx.fetch(standings.STAND, which=subscription.id, **disabled))
    assert await one.look(timedelta(days=1)) == 0
    await one.settle()
    assert (len(receiver.hooks), await one.lanes()) == (1, [])


async def test_ended_subscription_gets_nothing_that_is_still_owed(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    receiver.otherwise = Answer(500)
    subscription = await one.subscribe(receiver)
    first = await happens.open()
    await one.feed(first)
    await one.settle()
    await one.desk.end(Principal("account", subscription.account), subscription.id)
    assert await one.look(timedelta(days=1)) == 0
    await one.feed(*await happens.happen(first.ticket, *notes(1)))
    assert await one.lanes() == []


async def test_only_wanted_types_are_delivered(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    await one.subscribe(receiver, "order.accepted", "ticket.restored")
    first = await happens.open()
    facts: list[Fact] = [issued(first.ticket), accepted(first.ticket), *notes(2), restored(first.ticket)]
    await one.feed(first, *await happens.happen(first.ticket, *facts))
    await one.settle()
    assert [hook.event["type"] for hook in receiver.hooks] == ["order.accepted", "ticket.restored"]
    assert (await one.lane())["acked_seq"] == 6


async def test_subscription_made_in_mid_ticket_gets_what_comes_after(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(2)))
    await one.subscribe(receiver)
    await one.feed(*await happens.happen(first.ticket, *notes(1)))
    await one.settle()
    assert receiver.seqs(first.ticket) == [4]


async def test_what_was_not_wanted_when_it_happened_does_not_come_along_with_what_is(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    subscription = await one.subscribe(receiver, "ticket.reported")
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(2)))
    await one.settle()
    wishes = {"events": frozenset(), "digest_min": 1}
    await one.desk.change(Principal("account", subscription.account), subscription.id, wishes)
    await one.feed(*await happens.happen(first.ticket, *notes(1)))
    await one.look(timedelta(minutes=1))
    await one.settle()
    assert receiver.seqs(first.ticket) == [1, 4]


async def test_other_accounts_get_nothing(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    await one.subscribe(receiver, account=AccountId("beiyuan-bank"))
    await one.feed(await happens.open())
    assert await one.lanes() == []


async def test_event_that_comes_twice_is_fed_and_delivered_once(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    await one.subscribe(receiver)
    first = await happens.open()
    more = await happens.happen(first.ticket, *notes(2))
    await one.feed(first, *more, first)
    await one.feed(*more)
    await one.settle()
    assert receiver.seqs(first.ticket) == [1, 2, 3]
    assert await one.fed() == [(first.ticket, seq) for seq in (1, 2, 3)]


async def test_events_that_the_bus_left_out_are_read_from_the_log(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    await one.subscribe(receiver)
    first = await happens.open()
    *_, last = await happens.happen(first.ticket, *notes(5))
    await one.feed(first)
    await one.feed(last)
    await one.settle()
    assert receiver.seqs(first.ticket) == [1, 2, 3, 4, 5, 6]
    assert await one.fed() == [(first.ticket, seq) for seq in range(1, 7)]


async def test_what_was_not_fed_yet_is_not_delivered_with_what_was(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    await one.subscribe(receiver, digest_min=1)
    first = await happens.open()
    await one.feed(first)
    await happens.happen(first.ticket, *notes(1))
    await one.look(timedelta(minutes=1))
    await one.settle()
    assert receiver.ids == [first.id]


async def test_stale_claim_changes_nothing(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    receiver.otherwise = "hang"
    subscription = await one.subscribe(receiver)
    first = await happens.open()
    await one.feed(first)
    await receiver.until(1)
    before = await one.lane()
    stale = Claim(subscription, first.ticket, "somebody else's", 0, 1)
    now = one.clock.now()
    records = [model.passed(stale, 1, now), model.released(stale, now)]
    assert await one.database.transact(lambda tx: lanes.record(tx, records, now)) == [Stale(), Stale()]
    assert await one.lane() == before


async def test_cursor_never_goes_back(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    """A worker that was stopped may not know that its last record was written after all."""
    receiver.otherwise = "hang"
    subscription = await one.subscribe(receiver)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(2)))
    now = one.clock.now()
    claim = Claim(subscription, first.ticket, (await one.lane())["claim"], 0, 3)
    failed = model.failed(claim, [first], Retry("timeout"), now=now, until=now, jitter=0)
    for record in (model.passed(claim, 2, now), failed):
        await one.database.transact(lambda tx, record=record: lanes.record(tx, [record], now))
    lane = await one.lane()
    assert (lane["acked_seq"], lane["attempts"]) == (2, 0)


async def test_worker_whose_claim_ran_out_leaves_no_dead_letter(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    receiver.otherwise = "hang"
    subscription = await one.subscribe(receiver)
    event = await happens.open()
    await one.feed(event)
    now = one.clock.now() + PATIENCE
    stale = Claim(subscription, event.ticket, "run out", 0, 1, attempts=len(RETRY_DELAYS))
    record = model.failed(stale, [event], Retry("timeout"), now=now, until=now, jitter=0)
    assert record.dead
    await one.database.transact(lambda tx: lanes.record(tx, [record], now))
    assert await one.dead() == []


async def test_lane_of_a_worker_that_died_is_taken_over_after_its_claim(
    one: Notifier, store: Database, clock: ManualClock, happens: Tickets, receiver: Receiver
) -> None:
    receiver.script.append("hang")
    await one.subscribe(receiver)
    first = await happens.open()
    await one.feed(first)
    await receiver.until(1)
    async with notifier(store, clock) as other:
        assert await other.look(CLAIM_FOR - SECOND) == 0
        assert await other.look(SECOND) == 1
        await other.settle()
    assert receiver.seqs(first.ticket) == [1, 1]
    assert (await one.lane())["acked_seq"] == 1


async def test_lanes_of_a_killed_instance_are_free_when_it_starts_again(
    store: Database, clock: ManualClock, happens: Tickets, receiver: Receiver
) -> None:
    receiver.script.append("hang")
    async with notifier(store, clock, instance="n-1") as killed:
        await killed.subscribe(receiver)
        first = await happens.open()
        await killed.feed(first)
        await receiver.until(1)
        async with notifier(store, clock, instance="n") as other, notifier(store, clock, instance="n-1") as again:
            await other.deliveries.free_former_claims()
            assert await other.look() == 0
            await again.deliveries.free_former_claims()
            assert await again.look() == 1
            await again.settle()
    assert receiver.seqs(first.ticket) == [1, 1]


async def test_worker_that_was_overtaken_records_nothing_and_stops(
    one: Notifier, store: Database, clock: ManualClock, happens: Tickets
) -> None:
    async with Receiver(Answer(500, delay_s=0.2)) as slow:
        await one.subscribe(slow)
        await one.feed(await happens.open())
        await slow.until(1)
        async with notifier(store, clock) as other:
            await other.look(CLAIM_FOR)
            await other.settle()
        await one.settle()
    assert one.count("vrc_delivery_stale_records_total") == 1
    lane = await one.lane()
    assert (lane["acked_seq"], lane["attempts"], lane["due_at"]) == (1, 0, None)


async def test_stopping_lets_go_of_what_is_claimed(
    store: Database, clock: ManualClock, happens: Tickets, receiver: Receiver
) -> None:
    receiver.script.append("hang")
    async with notifier(store, clock) as first:
        await first.subscribe(receiver)
        event = await happens.open()
        await first.feed(event)
        await receiver.until(1)
    async with notifier(store, clock) as second:
        assert await second.look() == 1
        await second.settle()
    assert receiver.seqs(event.ticket) == [1, 1]


async def test_due_lanes_are_claimed_by_one_process_each(
    one: Notifier, store: Database, clock: ManualClock, happens: Tickets, receiver: Receiver
) -> None:
    receiver.otherwise = Answer(500)
    await one.subscribe(receiver)
    events = [await happens.open() for _ in range(30)]
    await one.feed(*events)
    await one.settle()
    while await one.look():
        await one.settle()
    receiver.otherwise = Answer()
    receiver.hooks.clear()
    clock.advance(timedelta(seconds=10))
    async with notifier(store, clock) as other:
        while sum(await asyncio.gather(one.look(), other.look())):
            await one.settle()
            await other.settle()
    assert sorted(receiver.ids) == sorted(event.id for event in events)


async def test_dead_receiver_holds_up_nobody_else(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    async with Receiver(otherwise="hang") as dead:
        await one.subscribe(dead)
        await one.subscribe(receiver)
        events = [await happens.open() for _ in range(300)]
        await one.feed(*events)
        while len(receiver.hooks) < len(events):
            await one.deliveries.wake.wait(0.05)
            await one.look()
        assert sorted(receiver.ids) == sorted(event.id for event in events)
        assert 0 < len(dead.hooks) <= 4


async def test_receivers_that_fill_all_the_room_and_hang_hold_up_nobody_else(
    store: Database, clock: ManualClock, happens: Tickets, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "HANGS_AFTER_S", 0.01)
    async with Receiver(otherwise="hang") as dead, notifier(store, clock, room=Room(total=8, failing=2)) as one:
        for _ in range(2):
            await one.subscribe(dead)
        await one.feed(*[await happens.open() for _ in range(4)])
        await until(lambda: len(dead.hooks) == 8)
        await one.subscribe(receiver)
        await one.feed(await happens.open())
        while not receiver.hooks:
            await one.deliveries.wake.wait(0.05)
            await one.look()
        assert len(dead.hooks) == 8


async def test_more_lanes_than_there_is_room_for_are_all_delivered(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    await one.subscribe(receiver)
    events = [await happens.open() for _ in range(200)]
    await one.feed(*events)
    while len(receiver.hooks) < len(events):
        await one.deliveries.wake.wait(0.05)
        await one.look()
    await one.settle()
    assert sorted(receiver.ids) == sorted(event.id for event in events)
    assert receiver.most_under_way <= 32


async def test_lanes_that_found_their_subscription_full_go_on_as_soon_as_it_has_room(
    one: Notifier, happens: Tickets
) -> None:
    async with Receiver(*["hang"] * 4) as receiver:
        await one.subscribe(receiver)
        await one.feed(*[await happens.open() for _ in range(6)])
        await receiver.until(4)
        assert await one.deliveries.wake.wait(10)
        assert await one.look() == 0  # the two that are left are not even looked at
        receiver.let_go.set()
        assert await one.deliveries.wake.wait(10), "nobody was told that there is room again"
        assert await one.look() == 2
        await receiver.until(6)


async def test_bumps_and_records_at_once_lose_nothing(
    one: Notifier, store: Database, clock: ManualClock, happens: Tickets
) -> None:
    """Two processes feed and deliver the same tickets; every receiver gets each ticket complete and in order."""
    async with Receiver() as left, Receiver() as right, notifier(store, clock) as other:
        await one.subscribe(left)
        await other.subscribe(right)
        firsts = [await happens.open() for _ in range(8)]
        for round in range(6):
            batches = [await happens.happen(first.ticket, *notes(2)) for first in firsts]
            half = [event for batch in batches[round % 2 :: 2] for event in batch]
            rest = [event for batch in batches[1 - round % 2 :: 2] for event in batch]
            await asyncio.gather(one.feed(*half), other.feed(*rest))
            await asyncio.gather(one.look(), other.look())
        for running in (one, other, one, other):
            await running.settle()
            await running.look()
        await one.settle()
        await other.settle()
        for receiver in (left, right):
            assert all(receiver.seqs(first.ticket) == list(range(1, 14)) for first in firsts)


async def test_secret_comes_back_from_the_database_and_shows_in_no_repr(one: Notifier, receiver: Receiver) -> None:
    made = await one.subscribe(receiver)
    found = await subscriptions.get(one.database, made.id, made.account)
    assert found is not None
    assert found.keys == made.keys
    assert made.keys.secret not in repr(found)
