"""Waiting for something to become true, with a limit: what tests do instead of sleeping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

from shared.db.port import Tx

POLL_S = 0.005
WAITING_FOR_ME = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"


async def until(
    condition: Callable[[], bool | Awaitable[bool]], *, timeout_s: float = 15.0, every_s: float = POLL_S
) -> None:
    """Returns as soon as `condition` holds; TimeoutError names it when it does not within `timeout_s`."""
    try:
        async with asyncio.timeout(timeout_s):
            while not await _holds(condition):  # noqa: ASYNC110  anything may be waited for here
                await asyncio.sleep(every_s)
    except TimeoutError:
        raise TimeoutError(f"not within {timeout_s:g} s: {inspect.getsource(condition).strip()}") from None


async def _holds(condition: Callable[[], bool | Awaitable[bool]]) -> bool:
    answer = condition()
    return await answer if inspect.isawaitable(answer) else answer


async def somebody_waits_for(tx: Tx) -> bool:
    """On PostgreSQL: whether another transaction wants what this one has locked."""
    return bool(await tx.raw.fetchval(WAITING_FOR_ME))
