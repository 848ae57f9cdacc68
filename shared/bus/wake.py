"""Wake a loop as soon as there is something to do, with a poll as the safety net."""

import asyncio


class Wake:
    """`set` may come any time, also before `wait`; several merge into one."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    def clear(self) -> None:
        """Whatever was said so far is about to be looked at."""
        self._event.clear()

    async def wait(self, timeout_s: float) -> bool:
        """True when woken, False when the time ran out."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True
