"""What became of one attempt, in words that every channel shares: the outcomes' reasons are the metric's labels."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

RetryReason = Literal[
    "timeout", "dns", "forbidden_target", "connect", "tls", "disconnected", "protocol", "redirect", "too_many_requests",
    "client_error", "server_error", "unauthorized", "not_configured", "deferred",
]  # fmt: skip
RefusedReason = Literal["rejected"]
GiveUpReason = Literal["gone"]
MOST_ANSWER_BYTES = 512


@dataclass(frozen=True, slots=True)
class Delivered:
    """The receiver has taken it: a 2xx, or what the channel has in its place."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not taken, and may be later. `retry_after` is what the receiver asked for."""

    reason: RetryReason
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """This message will never be taken, others may be: it becomes a dead letter at once."""

    reason: RefusedReason


@dataclass(frozen=True, slots=True)
class GaveUp:
    """Nothing will ever be taken there: the receiver wants no more of this subscription."""

    reason: GiveUpReason


Outcome = Delivered | Retry | Refused | GaveUp


@dataclass(frozen=True, slots=True)
class Attempt:
    """`status` is the protocol's number (HTTP, SMTP), `answer` the first bytes of what came with it, for the log.

    `reference` is the other side's name for what it took, by which a receipt that comes later is known again.
    """

    outcome: Outcome
    status: int | None = None
    answer: bytes = b""
    reference: str = ""
