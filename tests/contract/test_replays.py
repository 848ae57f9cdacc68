"""Replays, on both databases: in order, under the same ids, beside what happens now, and never of what is another's."""

from datetime import timedelta

import pytest

from services.notifier.handlers.replaying import DeadLetters, OneEvent, OneTicket, ReplayDesk, Since, What
from services.notifier.model.retrying import RETRY_DELAYS
from services.notifier.model.subscription import Subscription
from services.notifier.store import replays
from services.notifier.store.lanes import PUT_DEAD
from shared.auth.principal import Principal
from shared.errors import IllegalMove, InvalidInput, NotFound
from shared.ids import AccountId, SubscriptionId, TicketId
from shared.testing.clock import START
from shared.testing.receiver import Answer, Receiver
from tests.cases import ACCOUNT, notes, restored
from tests.notifying import Notifier, Tickets

BANK, GROUP = AccountId("beiyuan-bank"), AccountId("huawang-group")
BY = Principal("account", ACCOUNT)
MINUTE = timedelta(minutes=1)


async def history(one: Notifier, happens: Tickets, count: int = 4) -> TicketId:
    """A ticket with so many events, all delivered, one a minute."""
    first = await happens.open()
    await one.feed(first)
    for number in range(2, count + 1):
        one.clock.advance(MINUTE)
        await one.feed(*await happens.happen(first.ticket, *notes(1, first=number)))
    await one.settle()
    return first.ticket


async def replay(one: Notifier, of: Subscription, what: What) -> int:
    """All of it: answers of how many tickets."""
    found = await ReplayDesk(one.database, one.clock).replay(BY, of.id, what)
    one.clock.advance(MINUTE)
    while await one.look():
        await one.settle()
    return found.tickets


async def test_event_comes_again_as_it_was(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    subscription = await one.subscribe(receiver)
    ticket = await history(one, happens)
    assert await replay(one, subscription, OneEvent(ticket, 2)) == 1
    assert receiver.seqs(ticket) == [1, 2, 3, 4, 2]
    again, before = receiver.hooks[-1], receiver.hooks[1]
    assert (again.id, again.body, again.signed) == (before.id, before.body, True)


async def test_ticket_comes_again_in_order(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    subscription = await one.subscribe(receiver, "ticket.noted")
    ticket = await history(one, happens)
    receiver.script.extend([Answer(500), Answer()])
    await replay(one, subscription, OneTicket(ticket))
    await one.look(timedelta(minutes=1))
    await one.settle()
    assert receiver.seqs(ticket) == [2, 3, 4, 2, 2, 3, 4]


async def test_what_happened_since_a_time_comes_again(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    subscription = await one.subscribe(receiver)
    old = await history(one, happens)
    one.clock.advance(MINUTE)
    now = one.clock.now()
    young = await history(one, happens, 2)
    receiver.hooks.clear()
    assert await replay(one, subscription, Since(now - MINUTE)) == 2
    assert (receiver.seqs(old), receiver.seqs(young)) == ([4], [1, 2])


async def test_what_was_given_up_comes_again_once(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    subscription = await one.subscribe(receiver)
    receiver.otherwise = Answer(500)
    first = await happens.open()
    await one.feed(first)
    for delay in RETRY_DELAYS:
        await one.settle()
        await one.look(delay)
    await one.settle()
    receiver.otherwise = Answer()
    receiver.hooks.clear()
    assert await replay(one, subscription, DeadLetters()) == 1
    assert await replay(one, subscription, DeadLetters()) == 0
    assert receiver.seqs(first.ticket) == [1]
    assert (await one.dead())[0]["replayed_at"] is not None


async def test_given_up_again_it_can_be_replayed_again(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    subscription = await one.subscribe(receiver)
    ticket = await history(one, happens, 1)
    for _ in range(2):
        receiver.otherwise = Answer(500)
        await ReplayDesk(one.database, one.clock).replay(BY, subscription.id, OneEvent(ticket, 1))
        for delay in (timedelta(0), *RETRY_DELAYS):
            await one.look(delay)
            await one.settle()
        (dead,) = await one.dead()
        assert dead["replayed_at"] is None
        receiver.otherwise = Answer()
        assert await replay(one, subscription, DeadLetters()) == 1


async def test_replay_waits_for_no_digest(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    subscription = await one.subscribe(receiver, digest_min=30)
    first = await happens.open()
    await one.feed(first)
    await replay(one, subscription, OneTicket(first.ticket))
    assert receiver.seqs(first.ticket) == [1]


async def test_what_happens_meanwhile_does_not_wait_for_a_replay(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    subscription = await one.subscribe(receiver)
    ticket = await history(one, happens)
    receiver.script.append(Answer(500))
    await replay(one, subscription, OneTicket(ticket))
    await one.feed(*await happens.happen(ticket, restored(ticket)))
    await one.settle()
    assert receiver.seqs(ticket) == [1, 2, 3, 4, 1, 5]


async def test_replay_of_many_tickets_leaves_room_for_what_happens(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    """They are due one after the other: what is due at once is what happens."""
    subscription = await one.subscribe(receiver)
    await one.feed(*[await happens.open() for _ in range(50)])
    await one.settle()
    while await one.look():
        await one.settle()
    await ReplayDesk(one.database, one.clock).replay(BY, subscription.id, Since(START))
    assert await one.look() == 1
    assert await one.look(timedelta(milliseconds=200)) == 10


async def test_finished_replays_leave_nothing_behind(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    subscription = await one.subscribe(receiver)
    ticket = await history(one, happens)
    await replay(one, subscription, OneTicket(ticket))
    await one.settle()
    assert len(await one.lanes()) == 2
    assert await one.database.transact(lambda tx: replays.under_way(tx, subscription.id)) == 0
    await replays.drop_finished(one.database)
    assert (await one.lane())["run"] == ""


async def test_replay_that_is_under_way_is_not_dropped_with_those_that_are_done(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    subscription = await one.subscribe(receiver)
    ticket = await history(one, happens)
    await ReplayDesk(one.database, one.clock).replay(BY, subscription.id, OneTicket(ticket))
    await replays.drop_finished(one.database)
    assert await one.database.transact(lambda tx: replays.under_way(tx, subscription.id)) == 1
    await one.look(MINUTE)
    await one.settle()
    assert receiver.seqs(ticket) == [1, 2, 3, 4, 1, 2, 3, 4]


@pytest.mark.parametrize("what", [OneEvent(TicketId("VT000101-00000000"), 1), OneTicket(TicketId("VT000101-00000000"))])
async def test_unknown_ticket_is_refused(one: Notifier, receiver: Receiver, what: What) -> None:
    subscription = await one.subscribe(receiver)
    with pytest.raises(InvalidInput, match="of yours"):
        await replay(one, subscription, what)


async def test_another_s_ticket_is_as_unknown(one: Notifier, happens: Tickets, receiver: Receiver) -> None:
    ticket = await history(one, happens)
    theirs = await one.subscribe(receiver, account=BANK)
    desk = ReplayDesk(one.database, one.clock)
    for what in (OneEvent(ticket, 1), OneTicket(ticket)):
        with pytest.raises(InvalidInput, match="of yours"):
            await desk.replay(Principal("account", BANK), theirs.id, what)
    assert (await desk.replay(Principal("account", BANK), theirs.id, Since(START))).tickets == 0
    for by, id in ((BY, theirs.id), (BY, SubscriptionId("sub_none"))):
        with pytest.raises(NotFound):
            await desk.replay(by, id, Since(START))


async def test_parent_that_may_read_its_child_no_more_replays_nothing_of_it(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    ticket, desk = await history(one, happens), ReplayDesk(one.database, one.clock)
    children = frozenset({ACCOUNT})
    of = await one.subscribe(receiver, account=GROUP, reads=children, accounts=children)
    may, may_not = Principal("account", GROUP, reads=children), Principal("account", GROUP)
    assert (await desk.replay(may, of.id, Since(START))).tickets == 1
    assert (await desk.replay(may_not, of.id, Since(START))).tickets == 0
    with pytest.raises(InvalidInput, match="of yours"):
        await desk.replay(may_not, of.id, OneTicket(ticket))


async def test_what_subscribers_have_not_heard_of_yet_is_not_replayed(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    subscription = await one.subscribe(receiver)
    ticket = await history(one, happens, 1)
    one.clock.advance(MINUTE)
    await happens.happen(ticket, *notes(1))
    assert await replay(one, subscription, Since(one.clock.now())) == 0
    assert await replay(one, subscription, Since(START)) == 1
    assert receiver.seqs(ticket) == [1, 1]


async def test_what_one_subscription_replays_is_still_owed_to_another(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    mine, other = [await one.subscribe(receiver) for _ in range(2)]
    ticket = await history(one, happens, 2)
    dead = [(of.id, ticket, 1, "timeout", 9, 0) for of in (mine, other)]
    await one.database.transact(lambda tx: tx.insert(PUT_DEAD, dead))
    assert await replay(one, mine, DeadLetters()) == 1
    first = {letter["subscription"]: letter["replayed_at"] for letter in await one.dead()}
    assert (first[mine.id] is not None, first[other.id]) == (True, None)
    later = (mine.id, ticket, 2, "timeout", 9, 0)
    await one.database.transact(lambda tx: tx.insert(PUT_DEAD, [later]))
    assert await replay(one, mine, DeadLetters()) == 1
    again = {(d["subscription"], d["seq"]): d["replayed_at"] for d in await one.dead()}
    assert again[mine.id, 1] == first[mine.id] != again[mine.id, 2]


async def test_event_that_is_not_there_yet_or_not_wanted_is_refused(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    subscription = await one.subscribe(receiver, "ticket.noted")
    ticket = await history(one, happens, 2)
    await replay(one, subscription, OneEvent(ticket, 2))
    for seq in (1, 3):
        with pytest.raises(InvalidInput):
            await replay(one, subscription, OneEvent(ticket, seq))


async def test_disabled_subscription_has_to_be_enabled_first(
    one: Notifier, happens: Tickets, receiver: Receiver
) -> None:
    receiver.script.append(Answer(410))
    subscription = await one.subscribe(receiver)
    ticket = await history(one, happens, 1)
    with pytest.raises(IllegalMove, match="disabled"):
        await replay(one, subscription, OneTicket(ticket))
    await one.desk.enable(BY, subscription.id)
    await replay(one, subscription, Since(START))
    assert receiver.seqs(ticket) == [1, 1]
