"""What a tracking link shows: codes and instants, whatever facts there are or will be; never a word of anybody's."""

from dataclasses import fields, is_dataclass, replace
from typing import Any, get_type_hints

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.store.feed import Placed
from services.notifier.tracking.shapes import StepView
from services.notifier.tracking.view import SHOWN, frame, step
from shared.contracts import facts as f
from shared.contracts.event import Event
from shared.contracts.facts import Fact
from shared.ids import AccountId
from shared.testing.clock import START
from tests.cases import TICKET
from tests.strategies import FACTS, INSTANTS, NETWORKS, of

SECRET = "canary"
CODES = {"NetworkCode"}


def event(fact: Fact) -> Event:
    name = f.NAMES[type(fact)]
    return Event(TICKET, 7, START, name, f"operator:{SECRET}", AccountId(SECRET), "inProgress", f.encode(fact))


def spoken(value: Any) -> Any:
    """The same with a secret word in every text that is free."""
    hints = get_type_hints(type(value))
    changed: dict[str, Any] = {}
    for field in fields(value):
        held = getattr(value, field.name)
        if is_dataclass(held):
            changed[field.name] = spoken(held)
        elif isinstance(held, str) and "Literal" not in str(hints[field.name]):
            changed[field.name] = held if _is_code(field.type) else f"{SECRET} {held}"
    return replace(value, **changed)


def _is_code(hint: Any) -> bool:
    return any(name in str(hint) for name in CODES)


@given(FACTS)
def test_no_word_that_anybody_wrote_is_shown(fact: Fact) -> None:
    said = event(spoken(fact))
    assert SECRET.encode() not in frame(Placed(1, said))
    assert SECRET not in str(step(said))


@given(FACTS)
def test_what_is_shown_is_as_documented_and_what_is_not_named_is_not_shown(fact: Fact) -> None:
    shown = step(event(fact))
    assert (shown is None) == (type(fact) not in SHOWN)
    if shown is not None:
        assert set(StepView.model_validate_json(orjson.dumps(shown)).model_dump(exclude_unset=True)) == set(shown)


@pytest.mark.parametrize("hidden", [f.NoteAdded, f.TicketEscalated, f.FaultRepeated, f.TicketChased])
@given(data=st.data())
def test_what_is_internal_is_not_shown(hidden: type[Fact], data: st.DataObject) -> None:
    assert frame(Placed(1, event(data.draw(of(hidden))))) == b""


@given(NETWORKS, INSTANTS)
def test_step_is_told_when_it_happened_in_the_field(network: Any, occurred_at: Any) -> None:
    shown = step(event(f.OrderProgressed("x", network, "on_site", "a note", occurred_at=occurred_at)))
    assert shown is not None
    assert (shown["network"], shown["stage"], shown["status"]) == (network, "on_site", "inProgress")
    assert StepView.model_validate(shown).at == occurred_at
