"""Simulated time: durations pass `speed` times faster than on the wall, and every wait ends at once on `stop`."""

import asyncio
from datetime import timedelta


class Pace:
    def __init__(self, speed: float = 1.0) -> None:
        self.speed = speed
        self._stop = asyncio.Event()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def stop(self) -> None:
        self._stop.set()

    def real(self, simulated: timedelta) -> timedelta:
        """How long this takes on the wall."""
        return simulated / self.speed

    async def wait(self, simulated: timedelta) -> bool:
        """Whether it goes on after that."""
        return await self.wait_s(self.real(simulated).total_seconds())

    async def wait_s(self, real_s: float) -> bool:
        """As `wait`, in seconds on the wall."""
        try:
            async with asyncio.timeout(real_s):
                await self._stop.wait()
        except TimeoutError:
            return True
        return False
