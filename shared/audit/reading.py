"""What auditors read: acts, and from where the steps of a ticket came."""

from typing import Any

import orjson

from shared.clock import from_ms, rfc3339
from shared.db.statement import Row
from shared.origin import Origin
from shared.tickets.log import Entry


def act_view(row: Row) -> dict[str, Any]:
    names = ("position", "actor", "credential", "address", "action", "object")
    return {
        **{name: row[name] for name in names},
        "at": rfc3339(from_ms(row["at"])),
        "details": orjson.loads(row["details"]),
        "hash": bytes(row["hash"]).hex(),
    }


def step_view(entry: Entry) -> dict[str, Any]:
    origin = origin_of(entry.origin)
    return {
        "seq": entry.seq, "at": rfc3339(entry.at), "type": entry.type, "actor": entry.actor,
        "credential": origin.credential, "address": origin.address, "hash": entry.hash.hex(),
    }  # fmt: skip


def origin_of(salted: str) -> Origin:
    """What was salted; an empty one for what the center did by itself."""
    credential, address, _ = salted.split(" ") if salted else ("-", "-", "")
    return Origin("" if credential == "-" else credential, "" if address == "-" else address)
