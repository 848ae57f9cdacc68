"""Receivers that fail, on both databases: their account is told by its other subscriptions; in time one is disabled."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from services.notifier.channels.port import Notice
from services.notifier.handlers.troubles import Troubles
from services.notifier.model.outcome import Attempt, Delivered, GaveUp, Made, Retry
from services.notifier.model.retrying import RETRY_DELAYS
from services.notifier.model.standing import DISABLED_AFTER, WARNED_AT, Standing
from services.notifier.model.subscription import Subscription
from services.notifier.store import notices, standings, subscriptions
from shared.auth.principal import Principal
from shared.db.port import Database, Tx
from shared.db.postgres import PostgresDatabase
from shared.errors import IllegalMove
from shared.testing.clock import START, ManualClock
from shared.testing.receiver import Answer, Receiver
from tests.cases import ACCOUNT, notes
from tests.notifying import Notifier, Tickets, notifier, webhook_channel
from tests.waiting import somebody_waits_for, until

BY = Principal("account", ACCOUNT)
TROUBLES = "subscription.failing", "subscription.exhausted", "subscription.disabled"


@pytest.fixture
async def dead() -> AsyncIterator[Receiver]:
    async with Receiver(otherwise=Answer(500)) as running:
        yield running


async def standing(one: Notifier, of: Subscription) -> Standing:
    return (await subscriptions.by_ids(one.database, [of.id]))[of.id].standing


async def try_again(one: Notifier, times: int) -> None:
    """Let so many more tries pass."""
    for delay in RETRY_DELAYS[:times]:
        await one.settle()
        await one.look(delay)
    await one.settle()


async def told(one: Notifier, receiver: Receiver) -> list[dict[str, Any]]:
    """What this receiver was told of subscriptions, after whatever is on its way."""
    await one.settle()
    while await one.look():
        await one.settle()
    return [hook.event for hook in receiver.hooks if hook.event["type"] in TROUBLES]


async def test_fourth_failure_is_told_by_another_subscription(
    one: Notifier, happens: Tickets, receiver: Receiver, dead: Receiver
) -> None:
    failing = await one.subscribe(dead)
    await one.subscribe(receiver, "ticket.restored")  # whatever else it wants, it is told
    await one.feed(await happens.open())
    await try_again(one, 2)
    assert await told(one, receiver) == []
    await one.look(RETRY_DELAYS[2])
    (notice,) = await told(one, receiver)
    assert (notice["type"], notice["account"]) == ("subscription.failing", ACCOUNT)
    assert (notice["data"]["subscription"], notice["data"]["receiver"]) == (failing.id, "127.0.0.1")
    assert (notice["data"]["reason"], notice["data"]["status"]) == ("server_error", 500)
    assert (await standing(one, failing)) == Standing(START, "failing")
    assert all(hook.signed for hook in receiver.hooks)


async def test_what_is_taken_again_ends_the_trouble(
    one: Notifier, happens: Tickets, receiver: Receiver, dead: Receiver
) -> None:
    failing = await one.subscribe(dead)
    await one.feed(await happens.open())
    await one.settle()
    assert (await standing(one, failing)).state == "failing"
    dead.otherwise = Answer()
    await one.look(RETRY_DELAYS[0])
    await one.settle()
    assert (await standing(one, failing)).state == "active"


async def test_event_that_was_given_up_is_told(
    one: Notifier, happens: Tickets, receiver: Receiver, dead: Receiver
) -> None:
    await one.subscribe(dead)
    await one.subscribe(receiver)
    await one.feed(await happens.open())
    await try_again(one, len(RETRY_DELAYS))
    types = [notice["type"] for notice in await told(one, receiver)]
    assert types == ["subscription.failing", "subscription.exhausted"]


async def test_five_days_of_nothing_but_failures_disable(
    one: Notifier, happens: Tickets, receiver: Receiver, dead: Receiver
) -> None:
    failing = await one.subscribe(dead)
    await one.subscribe(receiver)
    await one.feed(await happens.open())
    await one.settle()
    one.clock.advance(DISABLED_AFTER)
    await one.feed(await happens.open())
    assert [n["type"] for n in await told(one, receiver)] == ["subscription.disabled"]
    found = await standing(one, failing)
    assert (found.disabled_at, found.disabled_for) == (START + DISABLED_AFTER, "failing")
    assert failing.id not in {lane["subscription"] for lane in await one.lanes()}
    tried = len(dead.hooks)
    await one.feed(await happens.open())
    await one.settle()
    assert len(dead.hooks) == tried


async def test_five_days_in_which_another_process_got_something_through_do_not(
    one: Notifier, store: Database, clock: ManualClock, happens: Tickets, dead: Receiver
) -> None:
    failing = await one.subscribe(dead)
    await one.feed(await happens.open())
    await one.settle()
    dead.script.append(Answer())
    await one.look(RETRY_DELAYS[0])
    await one.settle()
    # As if whoever delivered that had been told of no trouble before.
    await store.transact(lambda tx: standings.stand(tx, failing.id, Standing(START, "failing")))
    clock.advance(DISABLED_AFTER)
    await one.feed(await happens.open())
    await one.settle()
    assert await standing(one, failing) == Standing(clock.now())


async def test_gone_is_told_and_visible(one: Notifier, happens: Tickets, receiver: Receiver, dead: Receiver) -> None:
    dead.otherwise = Answer(410)
    gone = await one.subscribe(dead)
    await one.subscribe(receiver)
    await one.feed(await happens.open())
    (notice,) = await told(one, receiver)
    assert (notice["type"], notice["data"]["reason"]) == ("subscription.disabled", "gone")
    assert (await standing(one, gone)).disabled_for == "gone"
    page = (await one.metrics.page()).decode()
    assert 'vrc_subscriptions_in_trouble{channel="webhook",state="disabled"} 1.0' in page


async def test_one_that_was_enabled_again_gets_what_happens_from_then_on(
    one: Notifier, happens: Tickets, dead: Receiver
) -> None:
    dead.script.append(Answer(410))
    dead.otherwise = Answer()
    gone = await one.subscribe(dead)
    first = await happens.open()
    await one.feed(first)
    await one.settle()
    await one.feed(*await happens.happen(first.ticket, *notes(1)))
    await one.desk.enable(BY, gone.id)
    await one.feed(*await happens.happen(first.ticket, *notes(1)))
    await one.settle()
    assert dead.seqs(first.ticket) == [1, 3]
    with pytest.raises(IllegalMove):
        await one.desk.enable(BY, gone.id)


async def test_account_is_told_once_however_many_workers_fail_at_once(
    one: Notifier, store: Database, clock: ManualClock, happens: Tickets, receiver: Receiver, dead: Receiver
) -> None:
    await one.subscribe(dead)
    await one.subscribe(receiver)
    await one.feed(*[await happens.open() for _ in range(8)])
    async with notifier(store, clock) as other:
        for delay in RETRY_DELAYS[:5]:
            clock.advance(delay)
            for _ in range(3):
                await asyncio.gather(one.settle(), other.settle())
                await asyncio.gather(one.look(), other.look())
            await asyncio.gather(one.settle(), other.settle())
        assert len(await told(other, receiver)) == 1
    assert [event.seq for event in await notices.entries(store, notices.log_of(ACCOUNT), after=0, most=9)] == [1]


async def test_account_is_told_once_by_workers_that_have_not_heard_of_each_other(
    one: Notifier, happens: Tickets, receiver: Receiver, dead: Receiver
) -> None:
    failing = await one.subscribe(dead)
    await one.subscribe(receiver)
    troubles = Troubles(one.database, one.clock, look=lambda: None)
    made = Made([await happens.open()], Attempt(Retry("server_error"), 500), 0.1)
    for _ in range(2):
        await troubles.hear(failing, made, failures=WARNED_AT, given_up=False)
    assert len(await told(one, receiver)) == 1


async def test_what_several_subscriptions_of_an_account_come_to_is_decided_one_after_the_other(
    postgres_store: PostgresDatabase, clock: ManualClock, dead: Receiver
) -> None:
    """Else two would number their notices alike."""
    async with notifier(postgres_store, clock) as one:
        dead.otherwise = Answer(410)
        gone = await one.subscribe(dead)

        async def feed_meanwhile(tx: Tx) -> None:
            await subscriptions.lock(tx, ACCOUNT)
            await one.feed(await Tickets(postgres_store, clock).open())
            await until(lambda: somebody_waits_for(tx))

        await postgres_store.transact(feed_meanwhile)
        await one.settle()
        assert (await standing(one, gone)).state == "disabled"


async def test_subscription_that_was_ended_is_in_no_trouble_any_more(
    one: Notifier, happens: Tickets, receiver: Receiver, dead: Receiver
) -> None:
    ended = await one.subscribe(dead)
    await one.subscribe(receiver)
    await one.feed(await happens.open())
    await one.settle()
    await one.desk.end(BY, ended.id)
    assert await standings.in_trouble(one.database) == {}
    troubles = Troubles(one.database, one.clock, look=lambda: None)
    made = Made([await happens.open()], Attempt(GaveUp("gone"), 410), 0.1)
    assert await troubles.hear(ended, made, failures=1, given_up=False) == ended.standing
    assert await told(one, receiver) == []


async def test_notices_are_numbered_and_come_in_order(
    one: Notifier, happens: Tickets, receiver: Receiver, dead: Receiver
) -> None:
    """Also while the receiver that is told does not take them at first."""
    await one.subscribe(dead)
    await one.subscribe(receiver, "ticket.restored")
    receiver.script.append(Answer(500))
    await one.feed(await happens.open())
    await try_again(one, len(RETRY_DELAYS))
    found = await told(one, receiver)
    assert [notice["id"] for notice in found] == [f"notices.{ACCOUNT}-1"] * 2 + [f"notices.{ACCOUNT}-2"]


class Mail:
    """Another channel, that takes everything."""

    reads_history = False
    timeout = timedelta(seconds=15)

    def __init__(self) -> None:
        self.told: list[str] = []

    def objection(self, target: str) -> None:
        return None

    def new_secret(self) -> None:
        return None

    def render(self, notice: Notice) -> str:
        return notice.events[0].type

    async def deliver(self, subscription: Subscription, message: str) -> Attempt:
        self.told.append(message)
        return Attempt(Delivered())

    async def close(self) -> None:
        return None


async def test_another_channel_is_told_rather_than_another_webhook(
    store: Database, clock: ManualClock, happens: Tickets, receiver: Receiver, dead: Receiver
) -> None:
    mail = Mail()
    async with notifier(store, clock, channels={"webhook": webhook_channel(clock), "mail": mail}) as one:
        dead.otherwise = Answer(410)
        await one.subscribe(dead)
        await one.subscribe(receiver, "ticket.restored")
        await one.subscribe_by("mail", "noc@example.com", "ticket.restored")
        await one.feed(await happens.open())
        assert await told(one, receiver) == []
    assert mail.told == ["subscription.disabled"]
