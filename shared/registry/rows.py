"""A circuit and a contract from their rows; a detail that only a later version of the center knows is passed over."""

from typing import Any

import orjson
from pydantic import TypeAdapter

from shared.db.statement import Row
from shared.registry.model.account import Contract
from shared.registry.model.circuit import Circuit, End, Segment
from shared.registry.model.contact import reached_at

SEGMENTS, CONTRACT = TypeAdapter(tuple[Segment, ...]), TypeAdapter(Contract)


def details_of(row: Row) -> dict[str, Any]:
    return orjson.loads(row["details"]) if row["details"] else {}


def contract_of(row: Row) -> Contract:
    return CONTRACT.validate_python(details_of(row).get("contract", {}), extra="ignore")


def reporters_of(row: Row) -> frozenset[str] | None:
    """The phone numbers and mail addresses of those who may report by contract; None: whoever has a key."""
    more = details_of(row)
    if contract_of(row).reporters == "any-key":
        return None
    named = (contact.get(name) for contact in more.get("contacts", ()) for name in ("phone", "email"))
    return frozenset(reached_at(value) for value in named if value)


def circuit_of(row: Row) -> Circuit:
    more = details_of(row)
    return Circuit(
        row["id"], row["account"], row["service"], row["bandwidth_mbps"], bool(row["protected"]),
        End(row["a_network"], row["a_site"], more.get("a_address")),
        End(row["z_network"], row["z_site"], more.get("z_address")),
        SEGMENTS.validate_json(row["segments"], extra="ignore"), more.get("monthly_fee"),
    )  # fmt: skip
