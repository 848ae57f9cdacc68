"""Figures of a demonstration, folded from the facts as they come. Pure."""

from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from statistics import median
from typing import Any

OVER = frozenset({"closed", "cancelled", "rejected"})
LAST = 14
JUDGED = 5_000
"""So many of the latest repairs make the median."""


class Board:
    """`open` is every ticket that was heard of and is not over, with its status."""

    def __init__(self) -> None:
        self.open: dict[str, str] = {}
        self.over: Counter[str] = Counter()
        self.facts = 0
        self.reports = 0
        self.last: deque[Mapping[str, Any]] = deque(maxlen=LAST)
        self._reported: dict[str, datetime] = {}
        self._repairs_s: deque[float] = deque(maxlen=JUDGED)

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.open.values()) + self.over

    @property
    def repairs(self) -> int:
        return len(self._repairs_s)

    @property
    def median_repair(self) -> timedelta | None:
        """From the report to the restoration, suspensions included, of the tickets seen from their beginning."""
        return timedelta(seconds=median(self._repairs_s)) if self._repairs_s else None

    def see(self, fact: Mapping[str, Any]) -> None:
        ticket, status = fact["ticket"], fact["status"]
        self.facts += 1
        self.last.append(fact)
        match fact["type"]:
            case "ticket.reported":
                self.reports += 1
                self._reported[ticket] = datetime.fromisoformat(fact["data"]["reported_at"])
            case "ticket.report_joined":
                self.reports += 1
            case "ticket.restored" if ticket in self._reported:
                restored = datetime.fromisoformat(fact["data"]["restored_at"])
                self._repairs_s.append((restored - self._reported[ticket]).total_seconds())
            case _:
                pass
        if status not in OVER:
            self.open[ticket] = status
        elif self.open.pop(ticket, None):
            self.over[status] += 1
            self._reported.pop(ticket, None)
