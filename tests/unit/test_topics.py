"""Each fact goes to the one topic of all tickets, and what concerns a network to that network's too."""

import re
from collections.abc import Sequence

from hypothesis import given

from shared.contracts import facts as f
from shared.contracts import topics
from shared.contracts.facts import Fact
from shared.ids import NetworkCode
from tests.cases import BEIJING, CHUXIONG, ORDER, issued
from tests.strategies import FACTS, NETWORKS


def topics_of(fact: Fact) -> Sequence[str]:
    return topics.topics_of(f.NAMES[type(fact)], f.encode(fact))


@given(FACTS)
def test_every_fact_goes_to_the_topic_of_all_tickets_first(fact: Fact) -> None:
    assert topics_of(fact)[0] == topics.TICKETS


@given(FACTS)
def test_only_the_facts_named_as_such_go_to_networks(fact: Fact) -> None:
    to_networks = topics_of(fact)[1:]
    assert not to_networks or f.NAMES[type(fact)] in topics.FOR_NETWORKS


def test_order_goes_to_its_network() -> None:
    assert topics_of(issued(network=CHUXIONG)) == (topics.TICKETS, "vrc.orders.0878")


def test_stand_down_goes_to_its_network() -> None:
    fact = f.OrderStoodDown(ORDER, BEIJING, "restored")
    assert topics_of(fact) == (topics.TICKETS, "vrc.orders.010")


def test_note_goes_to_every_network_with_a_live_order() -> None:
    fact = f.NoteAdded("the customer is on site", (BEIJING, CHUXIONG))
    assert topics_of(fact) == (topics.TICKETS, "vrc.orders.010", "vrc.orders.0878")


def test_what_a_network_says_to_another_goes_to_the_other() -> None:
    for fact in (
        f.OrderHandedOver(ORDER, CHUXIONG, BEIJING, "it is dark"),
        f.AssistanceRequested(ORDER, CHUXIONG, BEIJING),
    ):
        assert topics_of(fact) == (topics.TICKETS, "vrc.orders.010")


@given(NETWORKS)
def test_network_is_read_off_its_topics(network: NetworkCode) -> None:
    assert topics.network_of(topics.orders_topic(network)) == network
    assert topics.network_of(topics.progress_topic(network)) == network


@given(NETWORKS)
def test_pattern_finds_every_networks_progress_and_nothing_else(network: NetworkCode) -> None:
    assert re.match(topics.PROGRESS_PATTERN, topics.progress_topic(network))
    assert not re.match(topics.PROGRESS_PATTERN, topics.orders_topic(network))
    assert not re.match(topics.PROGRESS_PATTERN, topics.progress_topic(network) + "0.retry")
