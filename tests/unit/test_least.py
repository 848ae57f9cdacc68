"""The least an account is told: nothing that is said of its open tickets goes past all of its subscriptions."""

from datetime import timedelta
from typing import Any

import pytest

from services.notifier.model.least import with_answering
from services.notifier.model.preferences import EVERYTHING, Preferences
from services.notifier.model.standing import Standing
from services.notifier.model.subscription import LEAST, Place, Subscription
from shared.contracts.event import Event
from shared.ids import AccountId, SubscriptionId
from shared.testing.clock import START
from tests.cases import ACCOUNT, ACTOR, CIRCUIT, TICKET

URGENT = Preferences(changes="urgent")
HERE, ELSEWHERE = (Preferences(circuits=frozenset({id})) for id in (CIRCUIT, "another"))


def subscription(id: str, wanted: Preferences, *, age: int = 0, **given: Any) -> Subscription:
    account, channel = given.pop("account", ACCOUNT), given.pop("channel", "webhook")
    made_at = START - timedelta(days=age)
    return Subscription(SubscriptionId(id), account, channel, "https://example.com", wanted, made_at, **given)


def event(type: str, actor: str = "system:clock") -> Event:
    return Event(TICKET, 7, START, type, actor, ACCOUNT, "inProgress", b"{}")


def told(of: Event, *subscriptions: Subscription) -> list[str]:
    return [s.id for s in with_answering(subscriptions) if s.wants(of, Place(CIRCUIT))]


def test_no_change_is_told_although_it_was_left_out() -> None:
    assert told(event("ticket.unchanged"), subscription("a", URGENT)) == ["a"]


def test_what_our_manager_hears_is_nothing_that_the_account_was_told() -> None:
    manager = subscription("m", Preferences(events=frozenset({"ticket.repeated"}), managers=True), age=9)
    assert told(event("ticket.unchanged"), manager) == []
    assert told(event("ticket.unchanged"), manager, subscription("a", URGENT)) == ["a"]
    assert told(event("ticket.repeated"), manager, subscription("a", URGENT)) == ["m", "a"]


@pytest.mark.parametrize("name", sorted(LEAST))
def test_of_narrow_subscriptions_one_answers_for_the_rest(name: str) -> None:
    wanting = {"ticket.restored", "ticket.deadline_missed", "ticket.escalated", "ticket.suspended", "ticket.unroutable"}
    both = told(event(name), subscription("a", URGENT), subscription("b", URGENT, age=1))
    assert both == (["a", "b"] if name in wanting else ["b"])


def test_customers_own_acts_and_what_follows_the_closing_can_be_left_out() -> None:
    assert told(event("ticket.chased", ACTOR), subscription("a", URGENT)) == []
    assert told(event("ticket.survey_asked"), subscription("a", URGENT)) == []


def test_what_another_subscription_wants_of_this_circuit_is_left_to_it() -> None:
    narrow = subscription("a", ELSEWHERE, age=1)
    assert told(event("ticket.unchanged"), subscription("u", URGENT), narrow, subscription("b", HERE)) == ["b"]
    assert told(event("ticket.unchanged"), subscription("u", URGENT), narrow) == ["u"]


def test_who_chose_types_or_places_gets_nothing_else() -> None:
    types = Preferences(events=frozenset({"ticket.restored"}))
    assert told(event("ticket.unchanged"), subscription("a", types), subscription("b", ELSEWHERE)) == []


@pytest.mark.parametrize("standing", [Standing(START, "failing"), Standing(START, None, START, "gone")])
def test_receiver_that_takes_nothing_is_no_substitute(standing: Standing) -> None:
    broken = subscription("a", EVERYTHING, age=1, standing=standing)
    assert "b" in told(event("ticket.unchanged"), broken, subscription("b", URGENT))


def test_short_message_answers_only_where_nothing_else_does() -> None:
    short = subscription("a", URGENT, age=1, channel="sms")
    assert told(event("ticket.unchanged"), short, subscription("b", URGENT, channel="email")) == ["b"]


def test_nobody_answers_for_another_account() -> None:
    parent = subscription("p", Preferences(changes="urgent", accounts=frozenset({ACCOUNT})), account=AccountId("group"))
    assert told(event("ticket.unchanged"), parent) == []


def test_once_something_takes_everything_nobody_else_is_told_more_than_it_wants() -> None:
    found = with_answering([subscription("a", URGENT, age=1), subscription("b", EVERYTHING)])
    assert [s.beside for s in found] == [None, None]
