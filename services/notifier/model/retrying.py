"""When a failed delivery is tried again: dense while a repair is under way, then out to 75 hours."""

from datetime import timedelta
from itertools import accumulate

SHORTEST_RETRY_AFTER = timedelta(seconds=1)
LONGEST_RETRY_AFTER = timedelta(hours=1)
JITTER = 0.2
OUTAGE = timedelta(minutes=5)
# A receiver that is down over a weekend loses nothing.
RETRY_DELAYS = (
    *(timedelta(seconds=s) for s in (5, 15, 30, 60, 120, 300, 600, 1200, 1800)),
    *(timedelta(hours=h) for h in (1, 2, 4, 8, 12, 12, 12, 12)),
    timedelta(hours=10, minutes=51, seconds=10),
)
PATIENCE = sum(RETRY_DELAYS, timedelta())
# By our own server's fault: from then on every half an hour, for when it is back, nobody says so.
MOST_BY_US = 9


def retry_delay(failures: int, retry_after: timedelta | None, jitter: float) -> timedelta | None:
    """How long to wait after this many failures of one event; None when it is to be given up.

    `jitter` is in [-1, 1]. A Retry-After (between 1 s and 1 h) only ever puts the next try off: a receiver that always
    asks for a second would else use up 75 hours' worth of tries in one minute.
    """
    if failures > len(RETRY_DELAYS):
        return None
    delay = RETRY_DELAYS[failures - 1] * (1 + JITTER * jitter)
    if retry_after is None:
        return delay
    return max(delay, min(max(retry_after, SHORTEST_RETRY_AFTER), LONGEST_RETRY_AFTER))


def most_failures(lasted: timedelta) -> int:
    """How often one event can have failed while for so long nothing was taken; 0: too short for an outage.

    What failed more often failed before as well, while others were taken: then it is the message and not its receiver.
    """
    if lasted < OUTAGE:
        return 0
    tries = accumulate(delay * (1 - JITTER) for delay in RETRY_DELAYS)
    return 1 + sum(1 for since_first in tries if since_first <= lasted)
