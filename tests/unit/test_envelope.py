"""Events travel as CloudEvents 1.0.2 in Kafka's binary mode, and come out as they went in."""

import re
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts import facts
from shared.contracts.envelope import Message, attributes, binary_headers, network_source, progress_type
from shared.contracts.event import Event
from shared.contracts.records import from_message, to_messages
from shared.contracts.topics import TICKETS
from shared.errors import InvalidInput
from shared.testing.clock import START
from tests.cases import ACTOR, TICKET, log_of
from tests.strategies import FACTS, INSTANTS, NAMES

EVENTS = st.builds(
    lambda fact, seq, at, actor, account, status, hash: Event(
        TICKET, seq, at, facts.NAMES[type(fact)], actor, account, status, facts.encode(fact), hash
    ),
    FACTS, st.integers(1, 10_000), INSTANTS, NAMES, NAMES, NAMES, st.sampled_from([b"", bytes(range(32))]),
)  # fmt: skip
REPORTED = log_of()[1][0]
MESSAGE = to_messages(REPORTED, [TICKETS])[0]


def to_message(event: Event) -> Message:
    (message,) = to_messages(event, [TICKETS])
    return message


def without(name: str) -> Message:
    return replace(MESSAGE, headers=[(n, v) for n, v in MESSAGE.headers if n != name])


def with_header(name: str, value: bytes) -> Message:
    return replace(without(name), headers=[*without(name).headers, (name, value)])


@given(EVENTS)
def test_event_comes_out_of_its_message_as_it_went_in(event: Event) -> None:
    received = from_message(to_message(event))
    assert received == event
    assert received.fact() == event.fact()


@given(EVENTS)
def test_every_attribute_is_one_that_cloudevents_allows(event: Event) -> None:
    for name, value in to_message(event).headers:
        assert name == "content-type" or re.fullmatch(r"ce_[a-z0-9]{1,20}", name)
        assert value


def test_message_says_what_cloudevents_requires() -> None:
    headers = dict(MESSAGE.headers)
    assert headers["content-type"] == b"application/json"
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_id"] == f"{TICKET}-1".encode()
    assert headers["ce_source"] == b"/vrc/tickets"
    assert headers["ce_type"] == b"vrc.ticket.reported.v1"


def test_time_is_rfc3339_and_subject_the_ticket() -> None:
    headers = dict(MESSAGE.headers)
    assert headers["ce_time"] == b"2026-11-21T08:00:00.000Z"
    assert headers["ce_subject"] == MESSAGE.key == TICKET.encode()


def test_extensions_say_who_did_it_to_whose_ticket() -> None:
    headers = dict(MESSAGE.headers)
    assert (headers["ce_actor"], headers["ce_account"]) == (ACTOR.encode(), b"hw-power")
    assert (headers["ce_status"], headers["ce_seq"]) == (b"acknowledged", b"1")


@given(st.lists(EVENTS, min_size=2, max_size=2, unique_by=lambda event: event.seq))
def test_two_facts_of_a_ticket_never_share_source_and_id(events: list[Event]) -> None:
    first, second = (dict(to_message(event).headers) for event in events)
    assert (first["ce_source"], first["ce_id"]) != (second["ce_source"], second["ce_id"])


@pytest.mark.parametrize("name", ["ce_specversion", "ce_id", "ce_type", "ce_source"])
def test_required_attribute_that_is_missing_is_named(name: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name}: this CloudEvents attribute is required"):
        attributes(without(name).headers)
    with pytest.raises(InvalidInput, match=name):
        attributes(with_header(name, b"").headers)


def test_header_without_a_value_counts_as_missing() -> None:
    nothing: bytes = None  # type: ignore[assignment]  # Kafka knows null headers, and any network can send one
    with pytest.raises(InvalidInput, match="ce_id"):
        attributes(with_header("ce_id", nothing).headers)


def test_another_specversion_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"only CloudEvents 1\.0"):
        attributes(with_header("ce_specversion", b"2.0").headers)


def test_attribute_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(InvalidInput, match="must be UTF-8"):
        attributes(with_header("ce_id", b"\xff").headers)


def test_headers_that_are_not_cloudevents_attributes_are_passed_over() -> None:
    headers = [*MESSAGE.headers, ("traceparent", b"\xff"), ("cex", b"1")]
    assert attributes(headers) == attributes(MESSAGE.headers)


@pytest.mark.parametrize("name", ["ce_subject", "ce_seq", "ce_time", "ce_actor", "ce_account", "ce_status"])
def test_message_that_lacks_what_the_centers_facts_carry_is_not_one(name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        from_message(without(name))


@pytest.mark.parametrize(
    ("name", "value"), [("ce_seq", b"one"), ("ce_time", b"now"), ("ce_type", b"other.v1"), ("ce_hash", b"none")]
)
def test_message_with_an_unreadable_attribute_is_not_one(name: str, value: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_message(with_header(name, value))


def test_progress_of_a_network_says_its_source_and_type() -> None:
    headers = binary_headers(
        id="1", type=progress_type("accepted"), source=network_source("0878"), subject=TICKET, time="now"
    )
    assert attributes(headers)["source"] == "/networks/0878"
    assert attributes(headers)["type"] == "vrc.progress.accepted.v1"


def test_time_of_an_event_is_read_as_aware_utc() -> None:
    assert isinstance(from_message(MESSAGE).at, datetime)
    assert from_message(MESSAGE).at == START
