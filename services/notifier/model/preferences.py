"""What an account wants to be told by one subscription, and when: plain data, stored as one JSON document.

What is left out means: all of it, at once, in Chinese. A document of before knows fewer words and means the same.
"""

from dataclasses import asdict, dataclass
from datetime import time
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson

from shared.ids import AccountId

Language = Literal["zh", "en"]
Changes = Literal["all", "milestones", "urgent"]


@dataclass(frozen=True, slots=True)
class QuietHours:
    """`start` and `end` are times of day (`22:00`) in `zone` (`Asia/Shanghai`); `end` may be on the next day."""

    zone: str
    start: str
    end: str

    @property
    def span(self) -> tuple[time, time]:
        return time.fromisoformat(self.start), time.fromisoformat(self.end)

    @property
    def tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


@dataclass(frozen=True, slots=True)
class Preferences:
    """Each set that is empty means all, but `accounts`: an account's own events always, and its children's named here.

    `sites` are `network/name` as a circuit's ends have them. `digest_min` > 0: news of a ticket wait that many minutes
    for others to join them. Neither a digest nor quiet hours ever hold up what is urgent. `managers`: it is our account
    manager who is told, and so nothing that the account itself has heard.
    """

    events: frozenset[str] = frozenset()
    changes: Changes = "all"
    circuits: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()
    accounts: frozenset[AccountId] = frozenset()
    language: Language = "zh"
    quiet: QuietHours | None = None
    digest_min: int = 0
    managers: bool = False

    @property
    def by_place(self) -> bool:
        """Whether it matters where a ticket's circuit is."""
        return bool(self.circuits or self.sites)

    @property
    def holds(self) -> bool:
        """Whether anything may ever have to wait."""
        return self.quiet is not None or self.digest_min > 0


def encode(preferences: Preferences) -> str:
    """What says nothing is left out, so that equal preferences are equal text."""
    said = {name: value for name, value in asdict(preferences).items() if value != getattr(EVERYTHING, name)}
    return orjson.dumps(said, default=sorted, option=orjson.OPT_SORT_KEYS).decode()


def decode(text: str) -> Preferences:
    said: dict[str, Any] = orjson.loads(text)
    for name in ("events", "circuits", "sites", "accounts"):
        if name in said:
            said[name] = frozenset(said[name])
    if quiet := said.get("quiet"):
        said["quiet"] = QuietHours(**quiet)
    return Preferences(**said) if said else EVERYTHING


EVERYTHING = Preferences()
