"""Who is on duty at a given moment, from a roster whose entries say when to call. Pure.

A window is `24x7`, or days and hours at the network's place, `Mon-Fri 08:30-17:30`, `Sat,Sun 00:00-24:00`,
`18:00-08:00` (every day, over midnight); several are separated by `;`. One that can't be read may be any time.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

from shared.registry.model import ContactPoint

CHINA = timezone(timedelta(hours=8))
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_MINUTES = 24 * 60
_WINDOW = re.compile(r"(?:(?P<days>[a-z]{3}(?:[-,][a-z]{3})*) )?(?P<from>\d{2}:\d{2})-(?P<to>\d{2}:\d{2})")


def on_duty(roster: Sequence[ContactPoint], now: datetime) -> Sequence[ContactPoint]:
    """Those to call now; the whole roster when it has a gap: somebody must be called."""
    return [contact for contact in roster if is_on_duty(contact.window, now)] or roster


def is_on_duty(window: str | None, now: datetime) -> bool:
    if window is None or window.strip().lower() == "24x7":
        return True
    local = now.astimezone(CHINA)
    return any(_within(part.strip().lower(), local) for part in window.split(";"))


def _within(window: str, local: datetime) -> bool:
    found = _WINDOW.fullmatch(window)
    days = _days(found["days"]) if found else None
    if found is None or days is None:
        return True
    start, end = _minutes(found["from"]), _minutes(found["to"])
    minute, today = local.hour * 60 + local.minute, local.weekday()
    if start < end:
        return today in days and start <= minute < end
    yesterday = (today - 1) % 7
    return (today in days and minute >= start) or (yesterday in days and minute < end)


def _minutes(time: str) -> int:
    hours, minutes = time.split(":")
    return min(int(hours) * 60 + int(minutes), DAY_MINUTES)


def _days(text: str | None) -> set[int] | None:
    """None when a day is misspelled."""
    if text is None:
        return set(range(7))
    found: set[int] = set()
    for part in text.split(","):
        names = part.split("-")
        if not set(names) <= set(DAYS) or len(names) > 2:
            return None
        first, last = DAYS.index(names[0]), DAYS.index(names[-1])
        found |= {(first + n) % 7 for n in range((last - first) % 7 + 1)}
    return found
