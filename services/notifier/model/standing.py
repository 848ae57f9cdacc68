"""How a subscription stands with its receiver, what an attempt changes in that, and when somebody has to know.

A series of failures begins with a failure and ends with whatever is taken. In a series the account is told once that
it is failing (at an event's fourth failure) and once that an event was given up; after five days of nothing but
failures, or at once when the receiver says that it is gone, the subscription is disabled, until somebody enables it.

Where receipts come later (SMS), that something was taken proves little: after a receipt that says "undelivered" only
one that says "delivered" ends the series.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

Warned = Literal["failing", "exhausted", "undelivered"]
DisabledFor = Literal["gone", "failing"]
NoticeType = Literal["subscription.failing", "subscription.exhausted", "subscription.disabled"]
TEST = "subscription.test"
NOTICES = frozenset({"subscription.failing", "subscription.exhausted", "subscription.disabled", TEST})
"""Types of what is told of a subscription, and of no ticket: nobody's preferences leave them out, or let them wait."""

WARNED_AT = 4
DISABLED_AFTER = timedelta(days=5)


@dataclass(frozen=True, slots=True)
class Standing:
    """`warned`: of what the account was told in this series."""

    failing_since: datetime | None = None
    warned: Warned | None = None
    disabled_at: datetime | None = None
    disabled_for: DisabledFor | None = None

    @property
    def state(self) -> Literal["active", "failing", "disabled"]:
        if self.disabled_at is not None:
            return "disabled"
        return "failing" if self.failing_since is not None else "active"


GOOD = Standing()


@dataclass(frozen=True, slots=True)
class Taken:
    """Something was delivered."""


@dataclass(frozen=True, slots=True)
class Failed:
    """An event was not taken for the `failures`th time; `exhausted`: and was given up."""

    failures: int
    exhausted: bool = False


@dataclass(frozen=True, slots=True)
class Gone:
    """The receiver said that it wants no more."""


@dataclass(frozen=True, slots=True)
class Received:
    """A receipt: what was taken has arrived."""


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A receipt: what was taken will never arrive."""


Heard = Taken | Failed | Gone | Received | Undelivered


@dataclass(frozen=True, slots=True)
class Verdict:
    """How it stands now, and what the account has to be told."""

    standing: Standing
    tell: NoticeType | None = None


def after(standing: Standing, heard: Heard, now: datetime, *, taken_since: bool = False) -> Verdict:
    """`taken_since`: the log of attempts shows that something was taken since `failing_since`, perhaps by another
    process; it is looked at when the series would be too long (`is_too_long`)."""
    if standing.disabled_at is not None:
        return Verdict(standing)
    match heard:
        case Taken():
            return Verdict(standing if standing.warned == "undelivered" else GOOD)
        case Received():
            return Verdict(GOOD)
        case Gone():
            disabled = Standing(standing.failing_since or now, standing.warned, now, "gone")
            return Verdict(disabled, "subscription.disabled")
        case Failed() | Undelivered():
            begun = now if taken_since else standing.failing_since or now
            failing = Standing(begun, None if taken_since else standing.warned)
            if is_too_long(failing, now):
                return Verdict(replace(failing, disabled_at=now, disabled_for="failing"), "subscription.disabled")
            return _warned(failing, heard)


def _warned(failing: Standing, heard: Failed | Undelivered) -> Verdict:
    """Each is told once, and nothing after what is graver."""
    match heard:
        case Undelivered() if failing.warned != "undelivered":
            told = failing.warned == "exhausted"
            return Verdict(replace(failing, warned="undelivered"), None if told else "subscription.exhausted")
        case Failed(exhausted=True) if failing.warned in (None, "failing"):
            return Verdict(replace(failing, warned="exhausted"), "subscription.exhausted")
        case Failed(failures=failures) if failures >= WARNED_AT and failing.warned is None:
            return Verdict(replace(failing, warned="failing"), "subscription.failing")
        case _:
            return Verdict(failing)


def is_too_long(standing: Standing, now: datetime) -> bool:
    return standing.failing_since is not None and now - standing.failing_since >= DISABLED_AFTER


def is_news(standing: Standing, heard: Heard, now: datetime) -> bool:
    """Whether anything about it changes. Most attempts change nothing, and so cost nothing here."""
    return after(standing, heard, now).standing != standing
