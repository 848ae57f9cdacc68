"""Readiness is progress: each loop says when it last got something done, and what it still owes.

A connection that is open proves nothing: a consumer can sit silent, a relay can wait for a broker. So a part is ready
while its last beat is recent and what it owes is not old.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

STALE_AFTER_S = 15.0
OWES_AT_MOST = timedelta(seconds=30)


@dataclass(slots=True)
class Pulse:
    """One loop's. `name` appears in the readiness answer."""

    name: str
    last_beat: float = field(default_factory=time.monotonic)
    owed: timedelta = timedelta(0)

    def beat(self) -> None:
        self.last_beat = time.monotonic()
        self.owed = timedelta(0)

    def owes(self, age: timedelta) -> None:
        """How old the oldest thing is that this loop has not dealt with."""
        self.owed = age

    @property
    def silent_s(self) -> float:
        """Since the last beat."""
        return time.monotonic() - self.last_beat

    def trouble(self) -> str | None:
        if self.silent_s > STALE_AFTER_S:
            return f"no progress for {self.silent_s:.0f} s"
        if self.owed > OWES_AT_MOST:
            return f"oldest unpublished is {self.owed.total_seconds():.0f} s old"
        return None


class Health:
    def __init__(self) -> None:
        self._pulses: list[Pulse] = []

    def pulse(self, name: str) -> Pulse:
        pulse = Pulse(name)
        self._pulses.append(pulse)
        return pulse

    def troubles(self) -> dict[str, str]:
        return {p.name: trouble for p in self._pulses if (trouble := p.trouble())}

    @property
    def pulses(self) -> Sequence[Pulse]:
        return tuple(self._pulses)

    @property
    def parts(self) -> list[str]:
        return [p.name for p in self._pulses]
