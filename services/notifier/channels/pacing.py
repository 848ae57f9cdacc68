"""How many messages one mailbox or telephone gets in an hour, whoever asked for them: the rest waits.

In memory and a process each. What waits is a retry that says nothing of its reader, so nothing is lost but time.
"""

from datetime import timedelta

from services.notifier.model.outcome import Attempt, Retry
from shared.clock import Clock, to_ms
from shared.web.rates import Buckets, Rate

HOUR_S = 3600


class Pace:
    """`per_hour` 0: no limit."""

    def __init__(self, per_hour: int, clock: Clock) -> None:
        self._clock = clock
        self._buckets = Buckets(Rate("messages", per_hour, per_hour / HOUR_S)) if per_hour else None

    def hold(self, target: str) -> Attempt | None:
        """What becomes of a message that has to wait; None: it may go."""
        if self._buckets is None:
            return None
        left = self._buckets.take(target, to_ms(self._clock.now()))
        if not left.after_ms:
            return None
        return Attempt(Retry("paced", timedelta(milliseconds=left.after_ms), ours=True))
