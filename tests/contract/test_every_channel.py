"""What is promised of a delivery holds over every channel alike: order, at least once, one name, an end to trying."""

from collections.abc import AsyncIterator
from datetime import timedelta

import orjson
import pytest

from services.notifier.handlers.replaying import DeadLetters, ReplayDesk
from services.notifier.model.outcome import Delivered
from services.notifier.model.preferences import QuietHours
from services.notifier.model.retrying import RETRY_DELAYS
from services.notifier.service import DEAD_LETTERS_KEPT
from services.notifier.store import history
from shared.auth.principal import Principal
from shared.contracts.facts import NoteAdded
from shared.db.port import Database
from shared.testing.clock import ManualClock
from shared.testing.receiver import Answer, Receiver
from tests.cases import ACCOUNT, accepted, issued, notes, restored
from tests.far_sides import CHANNELS, Ends, FarSide, far_sides, subscribe
from tests.notifying import CLAIM_FOR, Notifier, Tickets, notifier
from tests.unit.test_wording import HOSTILE
from tests.waiting import until

NIGHT = QuietHours("UTC", "07:00", "09:00")  # tests begin at 8:00
ENOUGH = timedelta(minutes=2)


@pytest.fixture
async def ends(clock: ManualClock) -> AsyncIterator[Ends]:
    async with far_sides(clock) as made:
        yield made


@pytest.fixture(params=CHANNELS)
def side(request: pytest.FixtureRequest, ends: Ends) -> FarSide:
    return ends.sides[request.param]


@pytest.fixture
async def one(store: Database, clock: ManualClock, ends: Ends) -> AsyncIterator[Notifier]:
    async with notifier(store, clock, channels=ends.channels()) as running:
        yield running


async def test_events_of_a_ticket_arrive_in_order(one: Notifier, happens: Tickets, side: FarSide) -> None:
    await subscribe(one, side)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(4)))
    await one.settle()
    assert side.offered == [f"{first.ticket}-{seq}" for seq in range(1, 6)]


async def test_what_is_not_taken_is_offered_again_under_its_name_and_nothing_overtakes_it(
    one: Notifier, happens: Tickets, side: FarSide
) -> None:
    side.refuse(times=2)
    await subscribe(one, side)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(1)))
    for _ in range(3):
        await one.settle()
        await one.look(ENOUGH)
    assert side.offered == [f"{first.ticket}-1"] * 3 + [f"{first.ticket}-2"]
    assert len(set(side.read[:3])) == 1


async def test_what_was_taken_when_the_connection_broke_is_offered_again(
    one: Notifier, happens: Tickets, side: FarSide
) -> None:
    side.lose()
    await subscribe(one, side)
    event = await happens.open()
    await one.feed(event)
    await one.settle()
    await one.look(ENOUGH)
    await one.settle()
    assert side.offered == [event.id, event.id]
    assert (await one.lane())["acked_seq"] == 1


async def test_ticket_that_is_held_up_holds_up_no_other(one: Notifier, happens: Tickets, side: FarSide) -> None:
    side.refuse(times=1)
    await subscribe(one, side)
    held, other = await happens.open(), await happens.open()
    await one.feed(held)
    await one.settle()
    await one.feed(other)
    await one.settle()
    assert side.offered == [held.id, other.id]


async def test_what_is_never_taken_becomes_a_dead_letter_and_the_next_follows(
    one: Notifier, happens: Tickets, side: FarSide
) -> None:
    side.refuse(times=len(RETRY_DELAYS) + 1)
    await subscribe(one, side)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(1)))
    for delay in RETRY_DELAYS:
        await one.settle()
        await one.look(delay)
    await one.settle()
    assert [(d["seq"], d["attempts"]) for d in await one.dead()] == [(1, len(RETRY_DELAYS) + 1)]
    assert side.offered[-1] == f"{first.ticket}-2"


async def test_what_was_given_up_is_listed_and_replayed_a_month_later(
    one: Notifier, happens: Tickets, side: FarSide
) -> None:
    side.refuse(times=len(RETRY_DELAYS) + 1)
    subscription = await subscribe(one, side)
    event = await happens.open()
    await one.feed(event)
    for delay in (*RETRY_DELAYS, DEAD_LETTERS_KEPT):
        await one.settle()
        await one.look(delay)
    await history.prune_dead(one.database, one.clock.now() - DEAD_LETTERS_KEPT)
    (listed,) = await history.dead(one.database, subscription.id, before=None, most=5)
    assert (listed["ticket"], listed["seq"]) == (event.ticket, 1)
    offered = len(side.offered)
    await ReplayDesk(one.database, one.clock).replay(Principal("account", ACCOUNT), subscription.id, DeadLetters())
    await one.look()
    await one.settle()
    assert side.offered[offered:] == [event.id]


@pytest.mark.parametrize("side", ["email", "sms"], indirect=True)
async def test_what_is_refused_for_good_becomes_a_dead_letter_at_once(
    one: Notifier, happens: Tickets, side: FarSide
) -> None:
    side.reject()
    await subscribe(one, side)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(1)))
    await one.settle()
    assert [(d["seq"], d["reason"], d["attempts"]) for d in await one.dead()] == [(1, "rejected", 1)]
    assert side.offered == [f"{first.ticket}-1", f"{first.ticket}-2"]


async def test_lane_of_a_worker_that_died_is_taken_over_and_its_late_answer_changes_nothing(
    one: Notifier, store: Database, clock: ManualClock, happens: Tickets, side: FarSide, ends: Ends
) -> None:
    side.hang()
    await subscribe(one, side)
    event = await happens.open()
    await one.feed(event)
    await side.until(1)
    async with notifier(store, clock, channels=ends.channels()) as other:
        assert await other.look(CLAIM_FOR) == 1
        await other.settle()
    after = await one.lane()
    side.let_go()
    await one.settle()
    assert side.offered == [event.id, event.id]
    assert one.count("vrc_delivery_stale_records_total") == 1
    assert (await one.lane(), after["acked_seq"]) == (after, 1)


async def test_events_that_wait_for_each_other_arrive_as_one(one: Notifier, happens: Tickets, side: FarSide) -> None:
    await subscribe(one, side, digest_min=30)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, issued(first.ticket), accepted(first.ticket)))
    assert await one.look(timedelta(minutes=29)) == 0
    await one.look(timedelta(minutes=1))
    await one.settle()
    (message,) = side.read
    for said in ("北京本地网已接单", "已派单至北京本地网") if side.channel != "webhook" else ("order.accepted",):
        assert said in message


async def test_quiet_hours_hold_what_is_not_urgent(one: Notifier, happens: Tickets, side: FarSide) -> None:
    await subscribe(one, side, quiet=NIGHT)
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, *notes(1)))
    assert await one.look(timedelta(minutes=59)) == 0
    assert side.offered == []
    await one.feed(*await happens.happen(first.ticket, restored(first.ticket)))
    await one.look()
    await one.settle()
    assert len(side.offered) == 1


@pytest.mark.parametrize("side", ["email", "sms"], indirect=True)
@pytest.mark.parametrize(
    ("language", "said"), [("zh", "北京本地网已接单"), ("en", "Local network Beijing has accepted")]
)
async def test_people_read_it_in_their_language(
    one: Notifier, happens: Tickets, side: FarSide, language: str, said: str
) -> None:
    await subscribe(one, side, language=language, events=frozenset({"order.accepted"}))
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, issued(first.ticket), accepted(first.ticket)))
    await one.settle()
    (message,) = side.read
    assert said in message


@pytest.mark.parametrize("hostile", HOSTILE[:5])
async def test_text_of_others_arrives_as_text(one: Notifier, happens: Tickets, side: FarSide, hostile: str) -> None:
    await subscribe(one, side, events=frozenset({"ticket.noted"}))
    first = await happens.open()
    await one.feed(first, *await happens.happen(first.ticket, NoteAdded(hostile)))
    await one.settle()
    (message,) = side.read
    assert side.offered == [f"{first.ticket}-2"]
    if side.channel == "webhook":
        assert orjson.loads(message)["data"]["data"]["text"] == hostile
    else:
        assert hostile not in message


async def test_account_is_told_of_a_subscription_that_was_disabled(
    one: Notifier, happens: Tickets, side: FarSide
) -> None:
    async with Receiver(otherwise=Answer(410)) as gone:
        await one.subscribe(gone)
        await subscribe(one, side, events=frozenset({"ticket.restored"}))
        await one.feed(await happens.open())
        await one.settle()
        await one.look()
        await one.settle()
    assert side.offered == [f"notices.{ACCOUNT}-1"]
    said = "subscription.disabled" if side.channel == "webhook" else "127. 0. 0. 1 的通知已停用：对端已不再接收"
    assert said in side.read[0]


async def test_test_message_arrives(one: Notifier, side: FarSide) -> None:
    subscription = await subscribe(one, side)
    made = await one.trials.test(Principal("account", ACCOUNT), subscription.id)
    assert made.attempt.outcome == Delivered()
    said = "subscription.test" if side.channel == "webhook" else "测试通知，没有发生任何障碍"
    assert said in side.read[0]


async def test_channel_that_hangs_holds_up_no_other(one: Notifier, happens: Tickets, side: FarSide, ends: Ends) -> None:
    side.hang()
    for each in ends.sides.values():
        await subscribe(one, each)
    event = await happens.open()
    await one.feed(event)
    await side.until(1)
    await until(lambda: one.deliveries.under_way == 1)
    assert all(each.offered == [event.id] for each in ends.sides.values())
    owed = [lane["subscription"] for lane in await one.lanes() if lane["due_at"]]
    assert len(owed) == 1
