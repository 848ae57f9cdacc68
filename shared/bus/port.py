"""What a service sees of the bus."""

from collections.abc import Sequence
from typing import Protocol

from shared.contracts.envelope import Message
from shared.contracts.event import Event


class Events(Protocol):
    """One service's view of every ticket's facts, shared by all processes of that service.

    In order per ticket, at least once: what was polled and not marked done comes again after a restart.
    """

    async def poll(self) -> Sequence[Event]:
        """The next facts; waits about a second for the first, then answers empty."""

    async def done(self) -> None:
        """Everything polled so far has taken effect."""

    async def behind(self) -> int | None:
        """How many are there for this process that have not taken effect; None when that is not known."""

    async def close(self) -> None: ...


class Inbound(Protocol):
    """Messages from other organisations, raw: what they say is checked by whoever handles them."""

    async def poll(self) -> Sequence[Message]: ...

    async def done(self) -> None: ...

    async def behind(self) -> int | None: ...

    async def close(self) -> None: ...


class Publisher(Protocol):
    async def publish(self, messages: Sequence[Message]) -> None:
        """Returns when all are acknowledged, in the order given within each key. Raises Unavailable: any may be out."""

    async def close(self) -> None: ...
