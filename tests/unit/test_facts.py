"""Every fact is written and read unchanged, under one public name, in a shape that is frozen."""

from datetime import datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given

from shared.contracts import facts, freeze, progress
from shared.contracts.envelope import fact_name, fact_type
from shared.contracts.facts import Fact
from shared.testing.clock import START
from tests.cases import BEIJING, ORDER, reported
from tests.strategies import FACTS

SCHEMAS = freeze.schemas()


@given(FACTS)
def test_fact_is_read_as_it_was_written(fact: Fact) -> None:
    assert facts.decode(facts.NAMES[type(fact)], facts.encode(fact)) == fact


@given(FACTS)
def test_every_instant_is_written_with_z(fact: Fact) -> None:
    fields = orjson.loads(facts.encode(fact))
    instants = [name for name in fields if isinstance(getattr(fact, name), datetime)]
    assert all(fields[name].endswith("Z") for name in instants)


def test_every_fact_has_a_name_of_its_own() -> None:
    assert len(facts.TYPES) == len(facts.NAMES)
    assert {facts.NAMES[fact] for fact in facts.TYPES.values()} == set(facts.TYPES)


def test_every_progress_shape_has_a_name_and_a_verb_of_its_own() -> None:
    shapes = set(progress.NAMES)
    assert shapes == set(progress.TYPES.values()) == set(progress.VERBS.values())
    assert len(progress.TYPES) == len(progress.VERBS) == len(shapes)


@pytest.mark.parametrize("name", facts.TYPES)
def test_type_of_an_event_is_its_facts_name_and_version(name: str) -> None:
    assert fact_type(name) == f"vrc.{name}.v1"
    assert fact_name(fact_type(name)) == name


@pytest.mark.parametrize("type_", ["vrc.ticket.reported.v2", "org.ticket.reported.v1", "ticket.reported", "", "v1"])
def test_type_that_is_not_the_centers_is_refused(type_: str) -> None:
    with pytest.raises(ValueError, match="not a fact of this center"):
        fact_name(type_)


def test_field_that_a_later_version_adds_is_passed_over() -> None:
    later = orjson.dumps({"reason": "fixed itself", "score": 5})
    assert facts.decode("ticket.reopened", later) == facts.TicketReopened("fixed itself")


@pytest.mark.parametrize("data", [b"{}", b"[]", b"null", b"", b'{"reason": 1}'])
def test_data_of_another_shape_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="validation error"):
        facts.decode("ticket.reopened", data)


@pytest.mark.parametrize("type_", sorted(SCHEMAS))
def test_schema_is_frozen(type_: str) -> None:
    assert freeze.frozen().get(type_) == SCHEMAS[type_], "a released shape never changes: add a version"


def test_no_frozen_schema_is_given_up() -> None:
    assert set(freeze.frozen()) == set(SCHEMAS)


def test_freezing_again_changes_nothing(tmp_path: Path) -> None:
    assert freeze.freeze(tmp_path) == freeze.freeze(tmp_path) == []
    assert freeze.frozen(tmp_path) == SCHEMAS


def test_frozen_schema_is_replaced_by_force_only(tmp_path: Path) -> None:
    released = tmp_path / "vrc.ticket.closed.v1.json"
    released.write_text("{}")
    assert freeze.freeze(tmp_path) == ["vrc.ticket.closed.v1"]
    assert released.read_text() == "{}"
    assert freeze.freeze(tmp_path, force=True) == []
    assert freeze.frozen(tmp_path) == SCHEMAS


def test_shape_may_gain_a_field_that_need_not_be_there(tmp_path: Path) -> None:
    type_ = "vrc.ticket.reported.v1"
    earlier = orjson.loads(SCHEMAS[type_])
    del earlier["properties"]["reported_impact"]
    (tmp_path / f"{type_}.json").write_bytes(orjson.dumps(earlier))
    assert freeze.freeze(tmp_path) == []
    assert freeze.frozen(tmp_path) == SCHEMAS


@pytest.mark.parametrize("lost", ["impact", "segment"])
def test_shape_that_loses_or_demands_a_field_is_another(lost: str) -> None:
    later = orjson.loads(SCHEMAS["vrc.ticket.reported.v1"])
    demanding = {**later, "required": [*later["required"], "segment"]}
    changed = {**later, "properties": {**later["properties"], lost: {"type": "integer"}}}
    del later["properties"][lost]
    for other in (later, demanding, changed):
        assert not freeze.only_adds(SCHEMAS["vrc.ticket.reported.v1"], orjson.dumps(other).decode())


def test_prose_is_no_part_of_a_schema_but_a_field_called_description_is() -> None:
    schema = orjson.loads(SCHEMAS["vrc.ticket.reported.v1"])
    assert "description" in schema["properties"]
    assert "description" not in schema
    assert "title" not in schema["properties"]["impact"]


def test_order_can_be_worked_from_its_fact_alone() -> None:
    needed = {"order", "circuit", "segments", "impact", "description", "reported_at", "contact", "kind", "reason"}
    assert needed <= set(facts.OrderIssued.__dataclass_fields__)


def test_report_is_written_as_readers_know_it() -> None:
    assert orjson.loads(facts.encode(reported(contact=facts.Contact(phone="10086")))) == {
        "account": "hw-power", "circuit": "010-0878-IPV-0001", "impact": "down",
        "description": "No light at site A", "reported_at": "2026-11-21T08:00:00Z",
        "reference": None, "segment": None, "reported_impact": None,
        "tier": None, "breach_at": None, "terms": None,
        "contact": {"name": None, "phone": "10086", "email": None},
    }  # fmt: skip
    assert facts.encode(facts.OrderAccepted(ORDER, BEIJING, occurred_at=START)).count(b"Z") == 1
