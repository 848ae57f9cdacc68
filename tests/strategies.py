"""Hypothesis strategies made from the types of the center's values: a new fact is covered on the day it is added."""

import types
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from shared.clock import from_ms
from shared.contracts import facts
from shared.ids import AccountId, CircuitId, NetworkCode, OrderId

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)
NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
INSTANTS = st.integers(946_684_800_000, 4_102_444_800_000).map(from_ms)  # this century
NETWORKS = st.sampled_from(["010", "021", "0871", "0878"])  # few, so that facts meet on one order

_BY_TYPE: dict[Any, st.SearchStrategy[Any]] = {
    str: TEXTS,
    int: st.integers(1, 2**31),
    bool: st.booleans(),
    datetime: INSTANTS,
    type(None): st.none(),
    NetworkCode: NETWORKS,
    OrderId: NAMES,
    AccountId: NAMES,
    CircuitId: NAMES,
}


def of(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of a type that facts are made of."""
    if hint in _BY_TYPE:
        return _BY_TYPE[hint]
    if isinstance(hint, NewType):
        return of(hint.__supertype__)
    if is_dataclass(hint):
        hints = get_type_hints(hint)
        return st.builds(hint, **{field.name: of(hints[field.name]) for field in fields(hint)})
    if get_origin(hint) is Literal:
        return st.sampled_from(get_args(hint))
    if get_origin(hint) is tuple:
        first, *others = get_args(hint)
        if others == [...]:
            return st.lists(of(first), max_size=3).map(tuple)
        return st.tuples(of(first), *map(of, others))
    if get_origin(hint) in (Union, types.UnionType):
        return st.one_of(*map(of, get_args(hint)))
    raise TypeError(f"no strategy for {hint}")


REPORTS = of(facts.FaultReported)
FACTS = st.one_of(*(of(fact) for fact in facts.NAMES))
