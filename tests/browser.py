"""A real browser without a window: opens a page, and says what it fetched, complained of, and shows.

Debian's Chromium (deploy/servers/install.sh), spoken to by its DevTools protocol.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp

from shared.testing.process import ServerProcess

CHROMIUM = "chromium-headless-shell"
FLAGS = ("--no-sandbox", "--remote-debugging-port=0", "--no-first-run", "--disable-gpu", "--window-size=1200,1600")
LISTENING = re.compile(r"DevTools listening on (ws://\S+)")
STARTS_WITHIN_S = 60


@dataclass(slots=True)
class Tab:
    """`requests` are the addresses that pages asked for, `complaints` what the browser logged of them, defects too."""

    socket: aiohttp.ClientWebSocketResponse
    session: str = ""
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    loads: int = 0
    _numbers: Any = field(default_factory=count)

    async def open(self, url: str) -> None:
        """Until it is loaded."""
        await self._load("Page.navigate", url=url)

    async def press(self, element: str) -> None:
        """Until the page that this leads to is loaded."""
        await self._load("Runtime.evaluate", expression=f"document.querySelector({element!r}).click()")

    async def value(self, expression: str) -> Any:
        """What JavaScript of the outside makes of the page; the page's own rules do not bind it."""
        return (await self.send("Runtime.evaluate", expression=expression, returnByValue=True))["result"]["value"]

    async def send(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        session = {"sessionId": self.session} if self.session else {}
        await self.socket.send_json({"id": number, "method": method, "params": params, **session})
        while (answer := await self._next()).get("id") != number:
            pass
        return answer["result"]

    async def _load(self, method: str, **params: Any) -> None:
        before = self.loads
        await self.send(method, **params)
        while self.loads == before:
            await self._next()

    async def _next(self) -> dict[str, Any]:
        said: dict[str, Any] = await self.socket.receive_json()
        if said.get("method") == "Network.requestWillBeSent":
            self.requests.append(said["params"]["request"]["url"])
        self.loads += said.get("method") == "Page.loadEventFired"
        if said.get("method") == "Log.entryAdded":
            self.complaints.append(said["params"]["entry"]["text"])
        if said.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(said["params"]["exceptionDetails"]["text"])
        return said


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Tab]:
    log = folder / "browser.log"
    process = ServerProcess([CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}"], log=log)
    try:
        process.wait_until(lambda: bool(LISTENING.search(log.read_text())), timeout_s=STARTS_WITHIN_S)
        address = LISTENING.findall(log.read_text())[0]
        async with aiohttp.ClientSession() as http, http.ws_connect(address, max_msg_size=0) as socket:
            tab = Tab(socket)
            target = (await tab.send("Target.createTarget", url="about:blank"))["targetId"]
            tab.session = (await tab.send("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
            for domain in ("Page", "Network", "Log", "Runtime"):
                await tab.send(f"{domain}.enable")
            yield tab
    finally:
        process.kill()
