"""The AsyncAPI document says what is really on the topics: held against records that are made and doors that read."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, get_args

import jsonschema_rs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.contracts import facts, progress, refusal, topics
from shared.contracts.asyncapi import document
from shared.contracts.envelope import fact_type, progress_type
from shared.contracts.event import Event
from shared.contracts.records import to_messages
from shared.contracts.topics import TICKETS
from shared.ids import AccountId, NetworkCode
from shared.tickets.model import Status
from tests.cases import ORDER, TICKET
from tests.strategies import FACTS, INSTANTS, NAMES

Json = dict[str, Any]
DOCUMENT = document(version="1.2.3", statuses=get_args(Status))
COMPONENTS = DOCUMENT["components"]
MESSAGES, SCHEMAS = COMPONENTS["messages"], COMPONENTS["schemas"]
EVENTS = st.builds(
    lambda fact, seq, at, actor, status: Event(
        TICKET, seq, at, facts.NAMES[type(fact)], actor, AccountId("hw-power"), status, facts.encode(fact)
    ),
    FACTS, st.integers(1, 10_000), INSTANTS, NAMES, st.sampled_from(get_args(Status)),
)  # fmt: skip
VALUES = ["x", "", "0871", 5, None, "2026-11-21T08:30:00Z", "2026-11-21", "\x00", "y" * 2001]


def fits(value: Any, schema: Json) -> bool:
    whole = jsonschema_rs.Draft7Validator({"components": COMPONENTS, "allOf": [schema]}, validate_formats=True)
    return whole.is_valid(value)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for name, value in part.items() if name == "$ref")
        part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from references(inner)


def at(reference: str) -> Any:
    """What a reference leads to. Raises KeyError."""
    found: Any = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        found = found[name]
    return found


def is_taken(name: str, said: Json) -> bool:
    try:
        TypeAdapter(progress.TYPES[name]).validate_python(said)
    except ValidationError:
        return False
    return name != "handed_over" or bool(said.get("to") or said.get("segment"))  # else nobody knows to whom


@given(EVENTS)
def test_every_record_is_as_the_document_says(event: Event) -> None:
    (record,) = to_messages(event, [TICKETS])
    message = MESSAGES[fact_type(event.type)]
    assert fits({name: value.decode() for name, value in record.headers}, message["headers"])
    assert fits(orjson.loads(record.value), message["payload"])


@given(NAMES, st.none() | st.just(ORDER), NAMES, INSTANTS)
def test_every_refusal_is_as_the_document_says(id: str, order: str | None, reason: str, at: datetime) -> None:
    refused = refusal.ProgressRefused(message=id, type="", order=order, reason=reason, refused_at=at)
    record = refusal.to_message(NetworkCode("0878"), "vrc.progress.0878 ", refused, now=at)
    message = MESSAGES[refusal.TYPE]
    assert fits({name: value.decode() for name, value in record.headers}, message["headers"])
    assert fits(orjson.loads(record.value), message["payload"])


@given(EVENTS, EVENTS)
def test_document_tells_facts_apart(event: Event, other: Event) -> None:
    (record,) = to_messages(event, [TICKETS])
    headers = {name: value.decode() for name, value in record.headers}
    assert fits(headers, MESSAGES[fact_type(other.type)]["headers"]) == (event.type == other.type)


@pytest.mark.parametrize("name", progress.TYPES)
@given(data=st.data())
def test_what_the_document_allows_a_network_to_say_is_what_the_door_takes(name: str, data: st.DataObject) -> None:
    payload = MESSAGES[progress_type(name)]["payload"]
    properties = at(payload["$ref"])["properties"].keys() - {"order"}
    known = [
        word for shape in SCHEMAS.values() for part in shape["properties"].values() for word in part.get("enum", ())
    ]
    values = st.sampled_from([*VALUES, *known])
    said = data.draw(st.dictionaries(st.sampled_from([*sorted(properties), "surprise"]), values))
    assert fits({"order": ORDER, **said}, payload) == is_taken(name, said)
    assert not fits(said, payload)


def test_every_fact_and_every_progress_shape_is_on_its_channel() -> None:
    on = {name: set(channel["messages"]) for name, channel in DOCUMENT["channels"].items()}
    assert on["tickets"] == set(map(fact_type, facts.TYPES))
    assert on["progress"] == set(map(progress_type, progress.TYPES))
    assert on["orders"] == {*map(fact_type, topics.FOR_NETWORKS), refusal.TYPE}


@given(FACTS)
def test_what_goes_to_a_network_is_on_the_channel_of_orders(fact: facts.Fact) -> None:
    name = facts.NAMES[type(fact)]
    if len(topics.topics_of(name, facts.encode(fact))) > 1:
        assert fact_type(name) in DOCUMENT["channels"]["orders"]["messages"]


def test_channels_have_the_names_of_the_topics() -> None:
    addresses = {channel["address"].format(network="0878") for channel in DOCUMENT["channels"].values()}
    assert addresses == {topics.TICKETS, "vrc.orders.0878", "vrc.progress.0878"}


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    found = set(references(DOCUMENT))
    assert all(at(reference) for reference in found)
    assert {f"#/components/schemas/{name}" for name in SCHEMAS} <= found
