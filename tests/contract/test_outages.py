"""A receiver that is back after hours, on both databases: what it is owed does not wait for the schedule's next try."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.notifier.handlers.replaying import ReplayDesk, Since
from services.notifier.model.outcome import Delivered
from services.notifier.model.retrying import OUTAGE, RETRY_DELAYS
from services.notifier.model.standing import DISABLED_AFTER
from services.notifier.model.subscription import Subscription
from services.notifier.store import subscriptions
from shared.auth.principal import Principal
from shared.contracts.event import Event
from shared.testing.receiver import Answer, Receiver
from tests.cases import ACCOUNT, notes
from tests.notifying import Notifier, Tickets

BY = Principal("account", ACCOUNT)
DOWN = Answer(503)


@pytest.fixture
async def down() -> AsyncIterator[Receiver]:
    async with Receiver(otherwise=DOWN) as running:
        yield running


async def fail(one: Notifier, times: int) -> None:
    """Whatever is owed, so often, each time as late as the schedule says."""
    await one.settle()
    for delay in RETRY_DELAYS[: times - 1]:
        await one.look(delay)
        await one.settle()


async def failed_for_hours(one: Notifier, happens: Tickets, receiver: Receiver) -> tuple[Subscription, Event]:
    """The next try is an hour away or more; two events are owed."""
    failing = await one.subscribe(receiver)
    first = await happens.open()
    await one.feed(first)
    await fail(one, 10)
    await one.feed(*await happens.happen(first.ticket, *notes(1)))
    receiver.hooks.clear()
    return failing, first


async def delivered(one: Notifier) -> None:
    """All that is due, without any time going by."""
    await one.settle()
    while await one.look():
        await one.settle()


async def test_what_is_owed_follows_the_first_that_is_taken(one: Notifier, happens: Tickets, down: Receiver) -> None:
    _, owed = await failed_for_hours(one, happens, down)
    down.otherwise = Answer()
    await one.feed(await happens.open())
    await delivered(one)
    assert down.seqs(owed.ticket) == [1, 2]


async def test_test_that_is_taken_brings_what_is_owed(one: Notifier, happens: Tickets, down: Receiver) -> None:
    failing, owed = await failed_for_hours(one, happens, down)
    assert not isinstance((await one.trials.test(BY, failing.id)).attempt.outcome, Delivered)
    await delivered(one)
    assert len(down.hooks) == 1, "a test that fails is nothing but a test"
    down.otherwise = Answer()
    await one.trials.test(BY, failing.id)
    await delivered(one)
    assert down.seqs(owed.ticket) == [1, 2]


async def test_new_target_gets_what_is_owed_and_has_failed_nothing_yet(
    one: Notifier, happens: Tickets, down: Receiver, receiver: Receiver
) -> None:
    failing, owed = await failed_for_hours(one, happens, down)
    receiver.script.append(DOWN)
    receiver.secret = down.secret
    await one.desk.change(BY, failing.id, {"target": receiver.url})
    await delivered(one)
    await one.look(RETRY_DELAYS[0])
    await one.settle()
    assert (receiver.seqs(owed.ticket), down.hooks) == ([1, 1, 2], [])


async def test_message_that_fails_while_others_are_taken_keeps_to_its_schedule(
    one: Notifier, happens: Tickets, down: Receiver
) -> None:
    _, owed = await failed_for_hours(one, happens, down)
    down.script += [Answer(), DOWN]  # another is taken, and this one is tried once more because of it
    down.otherwise = Answer()
    await one.feed(await happens.open())
    await delivered(one)
    one.clock.advance(OUTAGE)
    await one.feed(await happens.open())
    await delivered(one)
    assert down.seqs(owed.ticket) == [1]
    await one.look(RETRY_DELAYS[10] - OUTAGE)
    await one.settle()
    assert down.seqs(owed.ticket) == [1, 1, 2]


async def test_short_series_hastens_nothing(one: Notifier, happens: Tickets, down: Receiver) -> None:
    """A receiver that takes some and puts off others says when it wants those."""
    await one.subscribe(down)
    owed = await happens.open()
    down.otherwise = Answer(429, {"retry-after": "600"})
    await one.feed(owed)
    await one.settle()
    down.otherwise = Answer()
    one.clock.advance(OUTAGE - timedelta(seconds=1))
    await one.feed(await happens.open())
    await delivered(one)
    assert down.seqs(owed.ticket) == [1]


@pytest.mark.parametrize("failures", ["gone", "five days"])
async def test_replay_since_it_failed_brings_all_that_one_missed_while_it_was_disabled(
    one: Notifier, happens: Tickets, down: Receiver, failures: str
) -> None:
    failing = await one.subscribe(down)
    first = await happens.open()
    one.clock.advance(timedelta(milliseconds=80))  # on its way to the first try
    down.otherwise = Answer(410) if failures == "gone" else DOWN
    await one.feed(first)
    await one.settle()
    if failures == "five days":
        one.clock.advance(DISABLED_AFTER)
        await one.look()
        await one.settle()
    await one.feed(*await happens.happen(first.ticket, *notes(1)))
    standing = (await subscriptions.by_ids(one.database, [failing.id]))[failing.id].standing
    assert (standing.state, standing.failing_since) == ("disabled", first.at)
    down.hooks.clear()
    down.otherwise = Answer()
    await one.desk.enable(BY, failing.id)
    await ReplayDesk(one.database, one.clock).replay(BY, failing.id, Since(standing.failing_since or one.clock.now()))
    await delivered(one)
    assert down.seqs(first.ticket) == [1, 2]
