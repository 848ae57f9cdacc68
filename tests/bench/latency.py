"""Report → webhook and report → order, open loop: reports go out by the clock, whether or not answers are back."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import orjson
from rich.console import Console
from rich.table import Table

from tests.bench.ground import Ground, circuit_id, quantile
from tests.bench.wire import Client, Server

RATES = (50, 300)  # reports a second
WARM_RATE, WARM_SECONDS = 300, 15  # before each: a broker compiles its code while it works
SECONDS = 10


def circuits(rate: int) -> int:
    """How many a measurement uses."""
    return WARM_RATE * WARM_SECONDS + rate * SECONDS


CIRCUITS = sum(map(circuits, RATES))


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
    def hook(head: bytes, body: bytes) -> bytes:
        told = orjson.loads(body)
        now, ticket = time.perf_counter(), told["data"]["ticket"]
        if told["type"] == "ticket.reported":
            watch.reported.setdefault(ticket, now)
        elif told["type"] == "order.issued":
            watch.ordered.setdefault(ticket, now)
        return b"HTTP/1.1 204 No Content\r\n\r\n"

    server = await asyncio.get_running_loop().create_server(lambda: Server(hook), "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"


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
    reporters = Client(httpx.URL(faults).port or 80, headers | {"Content-Type": "application/json"})
    async with receiver(watch) as url, httpx.AsyncClient(base_url=subscriptions, headers=headers) as customer:
        made = await customer.post("/v1/subscriptions", json={"url": url})
        assert made.status_code == 201, made.text
        follow = asyncio.create_task(orders(watch)) if orders else None
        await _reports(reporters, watch, first=first, rate=WARM_RATE, seconds=WARM_SECONDS)
        for known in (watch.sent, watch.answered, watch.reported, watch.ordered, watch.on_topic):
            known.clear()
        await _reports(reporters, watch, first=first + WARM_RATE * WARM_SECONDS, rate=rate, seconds=SECONDS)
        if follow:
            follow.cancel()
        await customer.delete(f"/v1/subscriptions/{made.json()['id']}")
    reporters.close()
    return watch


async def _reports(reporters: Client, watch: Stopwatch, *, first: int, rate: int, seconds: int) -> None:
    started = time.perf_counter()
    tasks = []
    for i in range(rate * seconds):
        ahead = started + i / rate - time.perf_counter()
        if ahead > 0:
            await asyncio.sleep(ahead)
        tasks.append(asyncio.create_task(_one(reporters, watch, first + i)))
    await asyncio.gather(*tasks)
    for _ in range(100):  # what is still under way
        if len(watch.ordered) >= len(watch.sent):
            break
        await asyncio.sleep(0.05)


async def _one(reporters: Client, watch: Stopwatch, number: int) -> None:
    body = {"circuit": circuit_id(number), "impact": "down", "description": "no light at either end"}
    sent = time.perf_counter()
    status, answer = await reporters.post("/v1/faults", orjson.dumps(body), {"Idempotency-Key": f"lat-{number}"})
    if status != 201:
        watch.refused += 1
        return
    ticket = orjson.loads(answer)["id"]
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
