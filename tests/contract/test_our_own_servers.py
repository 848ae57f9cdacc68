"""A mail server or gateway that fails is its operator's trouble: nothing is lost, and no reader is blamed for it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.notifier.model.retrying import RETRY_DELAYS
from services.notifier.model.standing import DISABLED_AFTER, GOOD
from services.notifier.model.subscription import Subscription
from services.notifier.store import subscriptions
from shared.db.port import Database
from shared.testing.clock import ManualClock
from tests.far_sides import Ends, FarSide, far_sides, subscribe
from tests.notifying import Notifier, Tickets, notifier


@pytest.fixture
async def ends(clock: ManualClock) -> AsyncIterator[Ends]:
    async with far_sides(clock, mail_per_hour=2, sms_per_hour=2) as made:
        yield made


@pytest.fixture(params=["email", "sms"])
def side(request: pytest.FixtureRequest, ends: Ends) -> FarSide:
    return ends.sides[request.param]


@pytest.fixture
async def one(store: Database, clock: ManualClock, ends: Ends) -> AsyncIterator[Notifier]:
    async with notifier(store, clock, channels=ends.channels()) as running:
        yield running


async def found(one: Notifier, subscription: Subscription) -> Subscription:
    return (await subscriptions.by_ids(one.database, [subscription.id]))[subscription.id]


async def test_server_that_is_down_for_a_week_disables_nobody(one: Notifier, happens: Tickets, side: FarSide) -> None:
    subscription = await subscribe(one, side)
    side.break_down()
    for _ in range(3):
        await one.feed(await happens.open())
        await one.settle()
        await one.look(DISABLED_AFTER / 2)
        await one.settle()
    assert (await found(one, subscription)).standing == GOOD
    assert [lane["ticket"] for lane in await one.lanes() if lane["ticket"].startswith("notices")] == []


async def test_what_could_not_be_sent_for_three_days_is_kept_as_a_dead_letter(
    one: Notifier, happens: Tickets, side: FarSide
) -> None:
    await subscribe(one, side)
    side.break_down()
    event = await happens.open()
    await one.feed(event)
    for _ in RETRY_DELAYS:
        await one.settle()
        await one.look(max(RETRY_DELAYS))
    await one.settle()
    assert [(d["ticket"], d["seq"]) for d in await one.dead()] == [(event.ticket, 1)]


async def test_reader_gets_so_many_in_an_hour_and_the_rest_later(
    one: Notifier, happens: Tickets, side: FarSide
) -> None:
    await subscribe(one, side)
    events = [await happens.open() for _ in range(4)]
    await one.feed(*events)
    await one.settle()
    assert len(side.offered) == 2
    for _ in range(4):
        await one.look(timedelta(minutes=31))
        await one.settle()
    assert sorted(side.offered) == sorted(event.id for event in events)


async def test_one_readers_limit_is_nobody_elses(one: Notifier, happens: Tickets, side: FarSide) -> None:
    await subscribe(one, side)
    await one.feed(*[await happens.open() for _ in range(4)])
    await one.settle()
    side.target = "other@customer.example" if side.channel == "email" else "+8613900139000"
    await subscribe(one, side)
    await one.feed(await happens.open())
    await one.settle()
    assert len(side.offered) == 3
