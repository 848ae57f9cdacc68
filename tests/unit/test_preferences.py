"""What a subscription wants, as data: what is stored is what was said, and every filter leaves out what it says."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.model.preferences import EVERYTHING, Preferences, QuietHours, decode, encode
from services.notifier.model.subscription import Place, Subscription
from shared.contracts.event import Event
from shared.ids import AccountId, CircuitId, SubscriptionId
from shared.testing.clock import START
from tests.cases import ACCOUNT, CIRCUIT, log_of, notes, restored

_, (REPORTED, NOTED, RESTORED) = log_of(*notes(1), restored())
HERE = Place(CIRCUIT, frozenset({"010/head office", "0878/branch"}))
WORDS = st.frozensets(st.text(min_size=1, max_size=9), max_size=3)
PREFERENCES = st.builds(
    Preferences, events=WORDS, changes=st.sampled_from(["all", "milestones", "urgent"]), circuits=WORDS, sites=WORDS,
    accounts=WORDS, language=st.sampled_from(["zh", "en"]), digest_min=st.integers(0, 1440),
    quiet=st.none() | st.just(QuietHours("Asia/Shanghai", "22:00", "07:00")),
)  # fmt: skip


def subscription(**wanted: Any) -> Subscription:
    preferences = Preferences(**wanted) if wanted else EVERYTHING
    return Subscription(SubscriptionId("sub"), ACCOUNT, "webhook", "https://example.com", preferences, START)


@given(PREFERENCES)
def test_what_is_stored_is_what_was_said(preferences: Preferences) -> None:
    assert decode(encode(preferences)) == preferences


def test_who_wants_everything_stores_nothing() -> None:
    assert encode(EVERYTHING) == "{}"
    assert decode("{}") is EVERYTHING


@pytest.mark.parametrize(
    ("wanted", "wants"),
    [
        ({}, [True, True, True]),
        ({"language": "en"}, [True, True, True]),
        ({"events": frozenset({"ticket.noted"})}, [False, True, False]),
        ({"changes": "milestones"}, [True, False, True]),
        ({"changes": "urgent"}, [False, False, True]),
        ({"circuits": frozenset({CIRCUIT})}, [True, True, True]),
        ({"circuits": frozenset({CircuitId("another")})}, [False, False, False]),
        ({"sites": frozenset({"0878/branch"})}, [True, True, True]),
        ({"sites": frozenset({"0878/another"})}, [False, False, False]),
        ({"sites": frozenset({"0878/another"}), "circuits": frozenset({CIRCUIT})}, [True, True, True]),
        ({"sites": frozenset({"0878/branch"}), "changes": "urgent"}, [False, False, True]),
    ],
)
def test_every_filter_leaves_out_what_it_says(wanted: dict[str, Any], wants: list[bool]) -> None:
    found = [subscription(**wanted).wants(event, HERE) for event in (REPORTED, NOTED, RESTORED)]
    assert found == wants


def test_what_can_not_be_placed_is_wanted() -> None:
    picky = subscription(sites=frozenset({"0878/another"}))
    assert picky.wants(NOTED, None)
    assert picky.wants(NOTED, Place(CIRCUIT))


def test_others_events_are_wanted_only_of_children_that_are_named() -> None:
    child: Event = replace(NOTED, account=AccountId("child"))
    assert not subscription().wants(child)
    assert not subscription(language="en").wants(child)
    assert subscription(accounts=frozenset({AccountId("child")})).wants(child)
    assert subscription(accounts=frozenset({AccountId("child")})).wants(NOTED)
