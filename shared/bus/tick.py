"""A loop that looks whenever it is woken, and now and then anyway, until it is stopped; it never dies silently."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from shared.bus.loop import is_to_end
from shared.bus.wake import Wake
from shared.errors import Unavailable
from shared.health import Pulse

log = logging.getLogger(__name__)


class Loop:
    """`work` ends by itself and is never cut off in the middle, unless it takes longer than `stop` may."""

    def __init__(
        self, name: str, work: Callable[[], Awaitable[object]], *, wake: Wake, every_s: float, pulse: Pulse | None
    ) -> None:
        self._name = name
        self._work = work
        self._wake = wake
        self._every_s = every_s
        self._pulse = pulse
        self._stopping = False
        self._failing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name=self._name)

    async def stop(self, patience_s: float) -> None:
        self._stopping = True
        self._wake.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=patience_s)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while not self._stopping:
            try:
                await self._work()
            except Unavailable as error:
                log.info("%s waits: %s", self._name, error)
            except (Exception, asyncio.CancelledError) as error:  # an edge: said once, and the loop goes on
                if is_to_end():
                    raise
                if not self._failing:
                    log.error("%s fails and goes on trying", self._name, exc_info=error)
                self._failing = True
            else:
                self._failing = False
                if self._pulse is not None:
                    self._pulse.beat()
            await self._wake.wait(self._every_s)
