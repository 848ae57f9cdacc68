"""The loop every consumer runs: poll, handle, mark done; the same batch again while the database is away.

Never a silent death: an unexpected error is logged and the batch tried again after a pause, so that the part shows
as stuck in the readiness answer instead of losing what it could not handle. Nor by a cancellation that nobody asked
for: aiokafka's close lets that of a task of its own out.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from shared.errors import Unavailable
from shared.health import Pulse

log = logging.getLogger(__name__)
T = TypeVar("T", covariant=True)
U = TypeVar("U")
PAUSE_S = 0.5


class Source(Protocol[T]):
    async def poll(self) -> Sequence[T]: ...

    async def done(self) -> None: ...


async def consume(
    source: Source[U], handle: Callable[[Sequence[U]], Awaitable[object]], pulse: Pulse, *, turn_s: float = 0
) -> None:
    """Runs until cancelled. `handle` must be repeatable.

    A batch for which `handle` answers that it found something to do is followed by the next not before `turn_s` after
    its own begin, so that what comes meanwhile shares it.
    """
    while True:
        batch = await _until_it_works(source.poll, pulse)
        if batch:
            next_turn = time.monotonic() + turn_s
            worked: object = await _until_it_works(lambda batch=batch: handle(batch), pulse)  # type: ignore[misc]
            await _until_it_works(source.done, pulse)
            if worked and (rest := next_turn - time.monotonic()) > 0:
                await asyncio.sleep(rest)
        pulse.beat()


def is_to_end() -> bool:
    """Whether somebody cancelled the task this is called in. Else a CancelledError came from inside a library."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _until_it_works(step: Callable[[], Awaitable[U]], pulse: Pulse) -> U:
    while True:
        try:
            return await step()
        except Unavailable as error:
            log.warning("%s waits: %s", pulse.name, error)
        except asyncio.CancelledError:
            if is_to_end():
                raise
            log.exception("%s was cut off from inside and tries again", pulse.name)
        except Exception:
            log.exception("%s failed and tries again", pulse.name)
        await asyncio.sleep(PAUSE_S)
