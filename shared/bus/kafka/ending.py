"""Ending a client of aiokafka: it may hang, or fail, or let the cancellation of a task of its own out."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from aiokafka.errors import KafkaError

from shared.bus.loop import is_to_end

log = logging.getLogger(__name__)
LETS_GO_WITHIN_S = 5.0


async def ended(stopping: Coroutine[Any, Any, None], whose: str) -> None:
    """Raises only what the caller itself is cancelled by."""
    try:
        async with asyncio.timeout(LETS_GO_WITHIN_S):
            await stopping
    except (KafkaError, OSError, TimeoutError, asyncio.CancelledError) as error:
        if isinstance(error, asyncio.CancelledError) and is_to_end():
            raise
        log.warning("%s did not stop cleanly: %s", whose, type(error).__name__)
