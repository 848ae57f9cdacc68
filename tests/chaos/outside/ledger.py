"""What was sent, what was promised in answer, and what already contradicted itself on the way.

Every command carries a marker, its Idempotency-Key, also in a text field that ends up in the ticket's log: so the log
tells which command was recorded, on which ticket, and how often.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

# The field of each fact that carries the marker of the command behind it.
MARKED: Mapping[str, str] = {
    "ticket.reported": "reference",
    "ticket.report_joined": "reference",
    "ticket.noted": "text",
    "ticket.cancelled": "reason",
    "ticket.confirmed": "comment",
    "ticket.reopened": "reason",
    "ticket.restored": "remedy",
    "order.issued": "reason",
    "order.accepted": "engineer",
    "order.declined": "note",
    "order.progressed": "note",
    "order.handed_over": "reason",
}


@dataclass(frozen=True, slots=True)
class Credentials:
    """API keys, as the demonstration's credentials file has them."""

    operator: str
    accounts: Mapping[str, str]
    networks: Mapping[str, str]


class Ledger:
    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.acknowledged: dict[str, str] = {}
        """Marker → the ticket it was acknowledged on."""
        self.said: dict[str, str] = {}
        """Marker → ticket of what the broker acknowledged: to be recorded, or refused on the record, once."""
        self.refused: set[str] = set()
        self.reports = 0
        self.repeated = 0
        self.broken: dict[str, list[str]] = defaultdict(list)
        """Promise → every time it was seen broken while the load ran."""
        self._count = 0

    def new_marker(self) -> str:
        self._count += 1
        return f"{self.tag}-{self._count}"

    def is_marker(self, text: object) -> bool:
        return isinstance(text, str) and text.startswith(self.tag + "-")

    def acknowledge(self, marker: str, ticket: str) -> None:
        if (before := self.acknowledged.setdefault(marker, ticket)) != ticket:
            self.broken["changed answers"].append(f"{marker}: {before}, then {ticket}")

    def refuse(self, marker: str) -> None:
        self.refused.add(marker)
