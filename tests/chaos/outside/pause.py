"""Waiting that ends early when there is no more reason to wait."""

import asyncio
from contextlib import suppress


async def pause(seconds: float, *, unless: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await unless.wait()
