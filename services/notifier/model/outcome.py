"""What became of one attempt, in words that every channel shares: the outcomes' reasons are the metric's labels."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from shared.contracts.event import Event

RetryReason = Literal[
    "timeout", "dns", "forbidden_target", "connect", "tls", "disconnected", "protocol", "redirect", "too_many_requests",
    "client_error", "server_error", "unauthorized", "not_configured", "deferred",
    "paced",
]  # fmt: skip
RefusedReason = Literal["rejected"]
GiveUpReason = Literal["gone"]
MOST_ANSWER_BYTES = 512


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has taken it: a 2xx, or what the channel has in its place."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not taken, and may be later. `retry_after` is what the receiver asked for. `ours`: it never got to the receiver,
    because of the center or of a server of its operator's; it says nothing of how the subscription stands."""

    reason: RetryReason
    retry_after: timedelta | None = None
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """This message will never be taken, others may be: it becomes a dead letter at once."""

    reason: RefusedReason


@dataclass(frozen=True, slots=True)
class GaveUp:
    """Nothing will ever be taken there: the receiver wants no more of this subscription."""

    reason: GiveUpReason


Outcome = Delivered | Retry | Refused | GaveUp


_UNREADABLE = re.compile(
    r"[^\x20-\x7e\u00a1-\u200a\u2010-\u2027\u2030-\u205f\u2070-\ud7ff\ue000-\ufefe\uff00-\ufff8\ufffc-\U000dffff]"
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """`status` is the protocol's number (HTTP, SMTP), `answer` the first bytes of what came with it, for the log.

    `reference` is the other side's name for what it took, by which a receipt that comes later is known again.
    """

    outcome: Outcome
    status: int | None = None
    answer: bytes = b""
    reference: str = ""

    @property
    def shown(self) -> str:
        """The answer as text that deceives nobody who reads it: one line, no controls, nothing that turns it round."""
        return _UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", self.answer.decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Made:
    """An attempt that was made, and what went out with it: one event, or several of one ticket as one message."""

    events: Sequence[Event]
    attempt: Attempt
    seconds: float


def named(outcome: Outcome) -> tuple[str, str]:
    """The outcome and its reason, as metrics and the log of attempts call them."""
    match outcome:
        case Delivered():
            return "delivered", "ok"
        case Retry(reason=reason):
            return "retry", reason
        case Refused(reason=reason):
            return "refused", reason
        case GaveUp(reason=reason):
            return "gave_up", reason
