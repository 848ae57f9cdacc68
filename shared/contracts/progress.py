"""What a local network tells the center about its order: the same shapes over Kafka and over HTTP.

Over Kafka a message on `vrc.progress.<code>` is `{"order": ..., **shape}` with the CloudEvents type
`vrc.progress.<name>.v1`; over HTTP the shape is the body of `POST /v1/orders/{order}/<verb>`.

`occurred_at` is when it happened in the field, if that was earlier than the message.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar

from pydantic import AfterValidator, ConfigDict, Field

from shared.contracts.facts import Cause, DeclineReason, RemedyCode, Stage, SuspendReason
from shared.contracts.instant import Instant
from shared.contracts.text import PATTERN, WRITTEN, plain, written
from shared.ids import NETWORK_PATTERN, NetworkCode

_PLAIN = {"pattern": PATTERN}
Text = Annotated[str, Field(min_length=1, max_length=2000, json_schema_extra=_PLAIN), AfterValidator(plain)]
# What customers and operators write. The networks' shapes were released with Text, which takes blanks.
Written = Annotated[
    str, Field(min_length=1, max_length=2000, json_schema_extra={"pattern": WRITTEN}), AfterValidator(written)
]
Short = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=_PLAIN), AfterValidator(plain)]
Network = Annotated[NetworkCode, Field(pattern=NETWORK_PATTERN)]


class Shape:
    """A field that is not of the shape is an error, not ignored."""

    __slots__ = ()
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Shape):
    engineer: Short | None = None
    expected_restoration_at: Instant | None = None
    occurred_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Declined(Shape):
    reason: DeclineReason
    note: Text | None = None
    occurred_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progressed(Shape):
    stage: Stage
    note: Text | None = None
    segment: Short | None = None
    expected_restoration_at: Instant | None = None
    occurred_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspended(Shape):
    reason: SuspendReason
    evidence: Text | None = None
    occurred_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(Shape):
    note: Text | None = None
    occurred_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AssistanceAsked(Shape):
    of: Network
    note: Text | None = None
    occurred_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver(Shape):
    """`to` may be left out when `segment` names the faulty segment: its network is responsible."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "anyOf": [{"required": [name], "properties": {name: {"type": "string"}}} for name in ("to", "segment")]
        },
    )
    to: Network | None = None
    segment: Short | None = None
    reason: Text = "fault is not on our segment"
    occurred_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored(Shape):
    cause: Cause | None = None
    remedy: Text | None = None
    remedy_code: RemedyCode | None = None
    restored_at: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultReportGiven(Shape):
    """What the customer is owed after the restoration. `cause` and `remedy_code` may be left out where the restoration
    said them; what is given again corrects what was given before."""

    text: Text
    cause: Cause | None = None
    remedy_code: RemedyCode | None = None
    prevention: Text | None = None


Progress = (
    Accepted | Declined | Progressed | Suspended | Resumed | AssistanceAsked | HandedOver | Restored | FaultReportGiven
)

VERBS: dict[str, type[Progress]] = {
    "accept": Accepted,
    "decline": Declined,
    "progress": Progressed,
    "suspend": Suspended,
    "resume": Resumed,
    "assist": AssistanceAsked,
    "hand-over": HandedOver,
    "restore": Restored,
    "fault-report": FaultReportGiven,
}
VERB_OF: dict[type[Progress], str] = {shape: verb for verb, shape in VERBS.items()}

NAMES: dict[type[Progress], str] = {
    Accepted: "accepted",
    Declined: "declined",
    Progressed: "progressed",
    Suspended: "suspended",
    Resumed: "resumed",
    AssistanceAsked: "assistance_requested",
    HandedOver: "handed_over",
    Restored: "restored",
    FaultReportGiven: "fault_report_given",
}
TYPES: dict[str, type[Progress]] = {name: shape for shape, name in NAMES.items()}


def earliest(progress: Progress) -> datetime | None:
    """When the network says it happened; None means when the center heard of it."""
    match progress:
        case Restored(restored_at=at):
            return at
        case FaultReportGiven():
            return None
        case _:
            return progress.occurred_at
