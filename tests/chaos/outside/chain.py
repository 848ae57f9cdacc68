"""The hash chain of a ticket's log, verified from its description (docs/architecture/ticket-log.md) alone."""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tests.chaos.outside.ledger import Json

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def broken_link(log: Sequence[Json]) -> str | None:
    """What is wrong with the first entry that does not follow from those before it."""
    previous = bytes(32)
    for expected, entry in enumerate(log, 1):
        if entry["seq"] != expected:
            return f"{entry['id']}: entry {expected} is missing"
        if link(previous, entry).hex() != entry["hash"]:
            return f"{entry['id']}: the hash is not the chain's"
        previous = bytes.fromhex(entry["hash"])
    return None


def link(previous: bytes, entry: Json) -> bytes:
    """The hash of an entry that follows one with the hash `previous`."""
    at_ms = (datetime.fromisoformat(entry["at"]) - EPOCH) // timedelta(milliseconds=1)
    said = (entry[name] for name in ("type", "actor", "account", "status", "origin"))
    fields = (entry["ticket"], entry["seq"], at_ms, *said)
    head = "\x1f".join(map(str, fields)).encode()
    # The stored text is compact JSON in UTF-8, without numbers that could be written in two ways.
    data = json.dumps(entry["data"], ensure_ascii=False, separators=(",", ":")).encode()
    return hashlib.sha256(previous + head + b"\x1e" + data).digest()
