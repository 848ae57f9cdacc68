"""What goes from stage to stage: one message of one claimed lane, on its way."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from services.notifier.model.lane import Claim, Record
from services.notifier.model.outcome import Made
from shared.contracts.event import Event


@dataclass(slots=True)
class Job:
    """`known` is what was read of the lane and is not dealt with yet, in order; `events` what goes out now, as one
    message; `message` is that message as the channel has rendered it."""

    claim: Claim
    known: deque[Event] = field(default_factory=deque)
    events: Sequence[Event] = ()
    message: Any = None


@dataclass(frozen=True, slots=True)
class Settled:
    """No further stage has anything to do with it; `record` is to be written."""

    record: Record
    made: Made | None = None


class Stage(Protocol):
    async def take(self, job: Job) -> Job | Settled: ...
