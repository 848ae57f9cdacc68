"""An application on a free loopback port, served as the center serves it: what streams for a test really streams."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp

from shared.web.server import Listener


@asynccontextmanager
async def serving(app: ASGIApp) -> AsyncIterator[str]:
    """The base URL, while the block runs."""
    listener = Listener(app, host="127.0.0.1", port=0)
    await listener.start()
    try:
        yield f"http://127.0.0.1:{listener.bound_port}"
    finally:
        await listener.stop()
