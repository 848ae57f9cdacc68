"""What a channel is: a folder with its transport, its words and its tests, and one line in `roster.py`.

A channel knows no lane, no retry and no database of subscriptions: it renders, it makes one attempt, it says what came
of it. It is made once a process, is idle until it is used, and imports what is heavy only then.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from services.notifier.model.outcome import Attempt
from services.notifier.model.subscription import Subscription
from services.notifier.wording.links import Links
from services.notifier.wording.names import Names
from shared.clock import Clock
from shared.contracts.event import Event
from shared.secrets import Secrets, Vault
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """What the center gives to every channel when it is made. `vault` opens a subscription's secret, by its id;
    `names` knows what a local network is called, `links` where a question is answered."""

    clock: Clock
    settings: Settings
    secrets: Secrets
    vault: Vault
    names: Names
    links: Links


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be told: `events` of one ticket, in order; several when they waited for a digest or quiet hours.

    `history` is the ticket's whole log up to them, for a channel that `reads_history`: with it a message can say which
    circuit it is about, and is a function of the log, so that it is the same at every try.
    """

    subscription: Subscription
    events: Sequence[Event]
    history: Sequence[Event] = ()


class Channel(Protocol):
    """`deliver` gets what `render` made. It takes `timeout` at most and raises nothing: whatever goes wrong is an
    outcome. `new_secret` makes what the two share; None for a channel that needs nothing of the sort."""

    reads_history: bool
    timeout: timedelta

    def objection(self, target: str) -> str | None:
        """What is wrong with a target as it is given, in a few words after "target: "; None when it may be tried."""

    def new_secret(self) -> str | None: ...

    def render(self, notice: Notice) -> Any: ...

    async def deliver(self, subscription: Subscription, message: Any) -> Attempt: ...

    async def close(self) -> None: ...
