"""A clock that stands still until it is moved: deadlines and retries are rows, so tests move this and run a tick."""

from datetime import UTC, datetime, timedelta

from shared.clock import whole_ms

START = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


class ManualClock:
    """A `Clock`; like the real one it knows whole milliseconds only. It may be moved back, as a machine's clock is."""

    def __init__(self, now: datetime = START) -> None:
        self._now = whole_ms(now)

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """The new now."""
        self._now = whole_ms(self._now + by)
        return self._now
