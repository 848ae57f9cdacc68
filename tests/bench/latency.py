"""Report → webhook and report → order, open loop: reports go out by the clock, whether or not answers are back."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import orjson
from aiohttp import web
from rich.console import Console
from rich.table import Table

from tests.bench.ground import Ground, circuit_id, quantile

RATES = (50, 300)  # reports a second
SECONDS = 10


class Stopwatch:
    """Instants by ticket: sent, answered, webhook of the report, webhook of the order, order on the network's topic."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.answered: dict[str, float] = {}
        self.reported: dict[str, float] = {}
        self.ordered: dict[str, float] = {}
        self.on_topic: dict[str, float] = {}
        self.refused = 0

    def delays_ms(self, until: dict[str, float]) -> list[float]:
        return [(until[t] - self.sent[t]) * 1000 for t in self.sent if t in until]


@asynccontextmanager
async def receiver(watch: Stopwatch) -> AsyncIterator[str]:
    async def hook(request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        now, ticket = time.perf_counter(), body["data"]["ticket"]
        if body["type"] == "ticket.reported":
            watch.reported.setdefault(ticket, now)
        elif body["type"] == "order.issued":
            watch.ordered.setdefault(ticket, now)
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hook", hook)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/hook"
    finally:
        await runner.cleanup()


async def measure(
    ground: Ground,
    *,
    faults: str,
    subscriptions: str,
    first: int,
    rate: int,
    orders: Callable[[Stopwatch], Awaitable[None]] | None,
) -> Stopwatch:
    """`faults` and `subscriptions` are base URLs; `orders` follows the network's topic until cancelled."""
    watch = Stopwatch()
    headers = {"Authorization": f"Bearer {ground.key}"}
    async with receiver(watch) as url, aiohttp.ClientSession(headers=headers) as session:
        made = await session.post(f"{subscriptions}/v1/subscriptions", json={"url": url})
        assert made.status == 201, await made.text()
        made_id = (await made.json())["id"]
        follow = asyncio.create_task(orders(watch)) if orders else None
        await _reports(session, faults, watch, first=first, rate=rate, seconds=1)  # warm
        for known in (watch.sent, watch.answered, watch.reported, watch.ordered, watch.on_topic):
            known.clear()
        await _reports(session, faults, watch, first=first + rate, rate=rate, seconds=SECONDS)
        if follow:
            follow.cancel()
        await session.delete(f"{subscriptions}/v1/subscriptions/{made_id}")
    return watch


async def _reports(
    session: aiohttp.ClientSession, base: str, watch: Stopwatch, *, first: int, rate: int, seconds: int
) -> None:
    started = time.perf_counter()
    tasks = []
    for i in range(rate * seconds):
        ahead = started + i / rate - time.perf_counter()
        if ahead > 0:
            await asyncio.sleep(ahead)
        tasks.append(asyncio.create_task(_one(session, base, watch, first + i)))
    await asyncio.gather(*tasks)
    for _ in range(100):  # what is still under way
        if len(watch.ordered) >= len(watch.sent):
            break
        await asyncio.sleep(0.05)


async def _one(session: aiohttp.ClientSession, base: str, watch: Stopwatch, number: int) -> None:
    body = {"circuit": circuit_id(number), "impact": "down", "description": "no light at either end"}
    sent = time.perf_counter()
    async with session.post(f"{base}/v1/faults", json=body, headers={"Idempotency-Key": f"lat-{number}"}) as answer:
        if answer.status != 201:
            watch.refused += 1
            return
        ticket = (await answer.json())["id"]
    watch.sent[ticket], watch.answered[ticket] = sent, time.perf_counter()


def show(console: Console, found: dict[str, Stopwatch]) -> None:
    title = f"Latency, open loop, {SECONDS} s (ms, p50 / p99)"
    table = Table(title=title, title_justify="left")
    for column in (
        "",
        "201",
        "→ webhook of the report",
        "→ webhook of the order",
        "→ order on the topic",
        "refused",
        "lost",
    ):
        table.add_column(column, justify="right" if column else "left")
    for name, watch in found.items():
        cells = []
        for until in (watch.answered, watch.reported, watch.ordered, watch.on_topic):
            delays = watch.delays_ms(until)
            cells.append(f"{quantile(delays, 0.5):.1f} / {quantile(delays, 0.99):.1f}" if delays else "–")
        table.add_row(name, *cells, str(watch.refused), str(len(watch.sent) - len(watch.delays_ms(watch.reported))))
    console.print(table)
