"""Thousands of open live streams on one process, beside a server with a queue a client: same readers, same messages.

Memory is the growth of the resident set; CPU is the kernel's account of the server, so that neighbours don't count.
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
from rich.console import Console
from rich.table import Table

from services.run import open_database, open_secrets
from shared.auth import store
from shared.auth.keys import KeyTerms, Mint
from shared.clock import SystemClock
from shared.testing.process import free_ports
from tests.bench.ground import ACCOUNT, Ground, circuit_id, quantile, resident_mib, running

STREAMS = 10_000
WARM_UP = 500
MESSAGES = 20
IDLE_S = 31.0  # two heartbeats
SLOW, AMONG = 100, 1_000
LONG, MANY = "x" * 1900, 150  # what the slow would have to read is more than all buffers on the way hold
NO_LIMITS = ("--streams-per-account=0",)


class Server(Protocol):
    """A server that is measured: where its streams are, and how something is said to all of them."""

    name: str
    path: str
    port: int
    key: str
    pid: int

    def say(self, text: str) -> None: ...


@dataclass(slots=True)
class Center:
    """Ours, embedded: each message is a note on a ticket, recorded, fed and shown like any other fact."""

    port: int
    key: str
    pid: int
    name: str = "live streams"
    path: str = "/v1/stream"
    http: httpx.Client = field(init=False)
    ticket: str = ""

    def __post_init__(self) -> None:
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {self.key}"}, timeout=60
        )
        report = {"circuit": circuit_id(0), "impact": "down", "description": "No light"}
        self.ticket = self.http.post("/v1/faults", json=report).raise_for_status().json()["id"]

    def say(self, text: str) -> None:
        self.http.post(f"/v1/tickets/{self.ticket}/notes", json={"text": text}).raise_for_status()


@dataclass(slots=True)
class Queues:
    """The usual way. What it says has the size of an event of ours."""

    port: int
    pid: int
    key: str = "none"
    name: str = "a queue a client"
    path: str = "/stream"

    def say(self, text: str) -> None:
        event = b"id: 1\nevent: ticket.noted\ndata: " + b"x" * 330 + text.encode() + b"\n\n"
        httpx.post(f"http://127.0.0.1:{self.port}/publish", content=event, timeout=60).raise_for_status()


class Side:
    """A server and its readers, who are a process of their own; see `stream_reader.py`."""

    def __init__(self, server: Server, keys: Path) -> None:
        self.server = server
        self.latencies_ms: list[float] = []
        self.cpu_us: list[float] = []
        self.slowed = 0.0
        module = [sys.executable, "-m", "tests.bench.stream_reader", str(server.port), str(keys)]
        self._process = subprocess.Popen(module, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ask(f"open {server.path} {WARM_UP} 0")
        server.say("warm")
        self._ask("close")
        time.sleep(1)
        before = resident_mib(server.pid)
        self._ask(f"open {server.path} {STREAMS} 0")
        self.memory_kib = (resident_mib(server.pid) - before) * 1024 / STREAMS
        self._idle_from = cpu_ns(server.pid)
        self.idle_us = 0.0

    def idled(self, seconds: float) -> None:
        """Since it was made."""
        self.idle_us = (cpu_ns(self.server.pid) - self._idle_from) / 1000 / seconds / STREAMS

    def broadcast(self, text: str, *, to: int) -> list[float]:
        """Milliseconds from saying to hearing, of all that heard."""
        cpu = cpu_ns(self.server.pid)
        self._begin("message")
        said = time.monotonic()
        self.server.say(text)
        found = [(at - said) * 1000 for at in self._end()]
        self.cpu_us.append((cpu_ns(self.server.pid) - cpu) / 1000 / to)
        return found

    def slow_down(self) -> None:
        """p99 of the others while some read nothing, as a multiple of without them."""
        found = []
        for slow in (0, SLOW):
            self._ask("close")
            self._ask(f"open {self.server.path} {AMONG + slow} {slow}")
            latencies = [ms for _ in range(MANY) for ms in self.broadcast(LONG, to=AMONG)]
            found.append(quantile(latencies, 0.99))
        self.slowed = found[1] / found[0]

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)

    def _ask(self, command: str) -> Any:
        self._begin(command)
        return self._end()

    def _begin(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()

    def _end(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


def run(console: Console, ground: Ground) -> None:
    """`ground` is embedded; each center that is measured has it for itself."""
    _raise_limit()
    one = ground.settings.data_dir / "one.key"
    one.write_text(ground.key)
    ours, theirs = free_ports(2)
    with running("up", ground, port=ours, extra=NO_LIMITS) as center, queue_server(theirs) as queues:
        sides = [Side(Center(ours, ground.key, center.pid), one), Side(Queues(theirs, queues.pid), one)]
        time.sleep(IDLE_S)
        for number, side in enumerate(sides):
            side.idled(IDLE_S + number * 0.1)
        for _ in range(MESSAGES):
            for side in sides:
                side.latencies_ms += side.broadcast("short", to=STREAMS)
        cpu = [quantile(side.cpu_us, 0.5) for side in sides]
        for side in sides:
            side.slow_down()
            side.stop()
    many = _write_keys(ground)
    with running("up", ground, port=ours, extra=NO_LIMITS) as center:
        apart = Side(Center(ours, ground.key, center.pid), many)
        time.sleep(IDLE_S)
        apart.idled(IDLE_S)
        apart.stop()
    _show(console, sides, cpu, apart)


def _write_keys(ground: Ground) -> Path:
    """A file with a key for each stream."""
    terms = KeyTerms("account", ACCOUNT, frozenset({"tickets:read"}))
    mint, now = Mint(ground.settings.environment, open_secrets(ground.settings)), SystemClock().now()
    keys = [mint.issue(terms, now) for _ in range(STREAMS)]

    async def save() -> None:
        database = open_database(ground.settings)
        await database.transact(lambda tx: store.save(tx, [key.record for key in keys]))
        await database.close()

    asyncio.run(save())
    path = ground.settings.data_dir / "many.key"
    path.write_text("\n".join(key.key for key in keys))
    return path


@contextmanager
def queue_server(port: int) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.queue_server", str(port)])
    try:
        for _ in range(100):
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait(10)


def _raise_limit() -> None:
    """Here, for those that are started from here."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < STREAMS + 200:
        raise SystemExit(f"{STREAMS} streams need {STREAMS + 200} open files, and {most} are allowed here: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def cpu_ns(pid: int) -> int:
    """Of all its threads, to the nanosecond."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


def _show(console: Console, sides: Sequence[Side], cpu: Sequence[float], apart: Side) -> None:
    title = f"{STREAMS:,} open streams on one process; CPU in µs a stream, {MESSAGES} messages in turns"
    table = Table(title=title, title_justify="left")
    columns = ("", "KiB", "idle CPU/s", "CPU/message", "p50 ms", "p99 ms", f"p99 × with {SLOW} slow")
    for column in columns:
        table.add_column(column, justify="right" if column else "left")
    for side, per_message in zip(sides, cpu, strict=True):
        p50, p99 = (quantile(side.latencies_ms, q) for q in (0.5, 0.99))
        table.add_row(
            side.server.name, f"{side.memory_kib:.1f}", f"{side.idle_us:.2f}", f"{per_message:.1f}", f"{p50:.0f}",
            f"{p99:.0f}", f"{side.slowed:.2f}",
        )  # fmt: skip
    table.add_row(f"{apart.server.name}, a key each", f"{apart.memory_kib:.1f}", f"{apart.idle_us:.2f}")
    console.print(table)
