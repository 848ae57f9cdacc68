"""What the gateway says of a message afterwards stands in the log, once, and only of what was sent."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.notifier.handlers.receipts import ReceiptDesk
from services.notifier.metrics import NotifierMetrics
from services.notifier.model.standing import DISABLED_AFTER
from services.notifier.model.subscription import Subscription
from services.notifier.store import history, subscriptions
from shared.db.port import Database
from shared.db.statement import Row
from shared.errors import NotFound
from shared.metrics import Metrics
from shared.testing.clock import ManualClock
from tests.cases import notes
from tests.far_sides import Ends, far_sides, subscribe
from tests.notifying import Notifier, Tickets, notifier


@pytest.fixture
async def ends(clock: ManualClock) -> AsyncIterator[Ends]:
    async with far_sides(clock) as made:
        yield made


@pytest.fixture
async def one(store: Database, clock: ManualClock, ends: Ends) -> AsyncIterator[Notifier]:
    async with notifier(store, clock, channels=ends.channels()) as running:
        yield running


@pytest.fixture
def desk(store: Database, clock: ManualClock) -> ReceiptDesk:
    return ReceiptDesk(store, clock, NotifierMetrics(Metrics(), store, clock), look=lambda: None)


async def sent(one: Notifier, ends: Ends, *, events: int = 1, **wanted: object) -> tuple[Subscription, str]:
    """A message of so many events that the gateway has taken: whose, and its id."""
    happens = Tickets(one.database, one.clock)
    subscription = await subscribe(one, ends.sides["sms"], **wanted)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(events - 1)))
    await one.settle()
    one.clock.advance(timedelta(minutes=30))
    await one.look()
    await one.settle()
    return subscription, f"{first.ticket}-{events}.{subscription.id}"


async def log(one: Notifier, subscription: Subscription) -> list[Row]:
    return list(await history.tried(one.database, subscription.id, ticket=None, before=None, most=50))


async def test_message_that_reached_the_telephone_is_on_record(one: Notifier, ends: Ends, desk: ReceiptDesk) -> None:
    subscription, id = await sent(one, ends)
    one.clock.advance(timedelta(minutes=1))
    await desk.take(id, delivered=True, said="DELIVRD")
    receipt, attempt = await log(one, subscription)
    assert (receipt["run"], receipt["outcome"], receipt["answer"], receipt["took_ms"]) == (
        "receipt", "delivered", "DELIVRD", 1_860_000,
    )  # fmt: skip
    assert (receipt["reference"], receipt["upto"]) == (attempt["reference"], attempt["upto"]) == ("gateway-1", 1)
    assert await one.dead() == []


async def test_message_that_never_will_is_a_dead_letter(one: Notifier, ends: Ends, desk: ReceiptDesk) -> None:
    _, id = await sent(one, ends, events=2, digest_min=30)
    await desk.take(id, delivered=False, said="UNDELIV\u202e")
    assert [(d["seq"], d["reason"]) for d in await one.dead()] == [(1, "undelivered"), (2, "undelivered")]


async def test_receipt_that_comes_again_changes_nothing(one: Notifier, ends: Ends, desk: ReceiptDesk) -> None:
    subscription, id = await sent(one, ends)
    for _ in range(3):
        await desk.take(id, delivered=False, said="again")
    assert len(await log(one, subscription)) == 2
    assert len(await one.dead()) == 1


async def test_account_is_told_by_mail_that_its_telephone_gets_nothing_and_once(
    one: Notifier, ends: Ends, desk: ReceiptDesk
) -> None:
    await subscribe(one, ends.sides["email"], changes="urgent")
    subscription, id = await sent(one, ends)
    event = await Tickets(one.database, one.clock).open("another")
    await one.feed(event)
    await one.settle()
    for message in (id, id, f"{event.id}.{subscription.id}"):
        await desk.take(message, delivered=False, said="absent")
    await one.look()
    await one.settle()
    notices = [text for text in ends.sides["email"].read if "短信未能送达手机" in text]
    assert len(notices) == 1


async def test_only_a_receipt_ends_what_a_receipt_began(one: Notifier, ends: Ends, desk: ReceiptDesk) -> None:
    subscription, id = await sent(one, ends)
    await desk.take(id, delivered=False, said="absent")
    assert await state(one, subscription) == ("failing", "undelivered")
    happens = Tickets(one.database, one.clock)
    event = await happens.open("another")
    await one.feed(event)
    await one.settle()
    assert await state(one, subscription) == ("failing", "undelivered")
    await desk.take(f"{event.id}.{subscription.id}", delivered=True, said="")
    assert await state(one, subscription) == ("active", None)


async def test_five_days_of_messages_that_never_arrive_disable(one: Notifier, ends: Ends, desk: ReceiptDesk) -> None:
    subscription, id = await sent(one, ends)
    await desk.take(id, delivered=False, said="absent")
    event = await Tickets(one.database, one.clock).open("another")
    await one.feed(event)
    await one.settle()
    one.clock.advance(DISABLED_AFTER)
    await desk.take(f"{event.id}.{subscription.id}", delivered=False, said="absent")
    assert await state(one, subscription) == ("disabled", "undelivered")


async def state(one: Notifier, of: Subscription) -> tuple[str, str | None]:
    standing = (await subscriptions.by_ids(one.database, [of.id]))[of.id].standing
    return standing.state, standing.warned


async def test_what_the_gateway_says_deceives_nobody(one: Notifier, ends: Ends, desk: ReceiptDesk) -> None:
    subscription, id = await sent(one, ends)
    await desk.take(id, delivered=True, said="ok\u202e\x1b[2J\nforged")
    assert (await log(one, subscription))[0]["answer"].isprintable()


@pytest.mark.parametrize(
    "id", ["", "x", ".", "-.", "a-1.sub_1", "VT261121-7K3QM9XA-1.sub_00000000000000000000", "VT261121-7K3QM9XA-x.sub_1"]
)
async def test_what_was_never_sent_has_no_receipt(desk: ReceiptDesk, id: str) -> None:
    with pytest.raises(NotFound):
        await desk.take(id, delivered=True, said="")


async def test_message_that_was_not_taken_has_no_receipt(one: Notifier, ends: Ends, desk: ReceiptDesk) -> None:
    ends.sides["sms"].break_down()
    _, id = await sent(one, ends)
    with pytest.raises(NotFound):
        await desk.take(id, delivered=True, said="")
