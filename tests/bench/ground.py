"""What every section stands on: a registry of bench circuits, processes, and CPU by the kernel's account."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from services.run import open_database, secrets_for
from shared.auth import store
from shared.auth.keys import KeyTerms, Mint
from shared.clock import SystemClock
from shared.db.migrate import migrate
from shared.ids import AccountId, CircuitId, NetworkCode
from shared.registry.model import Account, Circuit, End, Network, Segment
from shared.registry.writing import Author, put
from shared.settings import Settings
from shared.testing.postgres import Postgres

CIRCUITS = 200_000  # each report of a run has its own
WAL_FILES = 50
WAL_KEPT = {"min_wal_size": "1GB"}
NETWORK = NetworkCode("010")
ACCOUNT = AccountId("bench")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Ground:
    """A database with bench circuits B0000000 … and one account key, and how to start a center on it."""

    settings: Settings
    key: str

    @property
    def arguments(self) -> list[str]:
        named = {
            "data-dir": self.settings.data_dir, "database": self.settings.database, "kafka": self.settings.kafka,
            "master-key": self.settings.master_key_path,
        }  # fmt: skip
        return [f"--{name}={value}" for name, value in named.items() if value]


async def prepare(settings: Settings, *, circuits: int = CIRCUITS) -> Ground:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(migrate, settings.database_url)
    terms = KeyTerms("account", ACCOUNT, frozenset({"reports:write", "tickets:read", "subscriptions:manage"}))
    database = open_database(settings)
    by = Author("system:bench", SystemClock().now())
    try:
        mint = Mint(settings.environment, await secrets_for(settings, database))
        key = mint.issue(terms, SystemClock().now())
        for first in range(0, circuits, 10_000):
            made = [_circuit(i) for i in range(first, min(first + 10_000, circuits))]
            await database.transact(lambda tx, made=made: put(tx, [_account()], [_network()], made, by=by))
        await database.transact(lambda tx: store.save(tx, [key.record]))
    finally:
        await database.close()
    return Ground(settings, key.key)


def circuit_id(number: int) -> CircuitId:
    return CircuitId(f"B{number:07d}")


def _circuit(number: int) -> Circuit:
    """Both ends in one network: one order a ticket."""
    segments = (Segment("a-access", "access", "a", NETWORK), Segment("z-access", "access", "z", NETWORK))
    ends = End(NETWORK, "A"), End(NETWORK, "Z")
    return Circuit(circuit_id(number), ACCOUNT, "sdh", 155, False, *ends, segments)


def _account() -> Account:
    return Account(ACCOUNT, "压测", "Bench", "other", "gold")


def _network() -> Network:
    return Network(NETWORK, "北京", "Beijing", "北京", "Beijing")


def used_for_a_while(postgres: Postgres) -> None:
    """Leave PostgreSQL the log files that one has which has run for a while: making each new one stops every commit
    for 50 ms."""
    for _ in range(WAL_FILES):
        postgres.sql("SELECT pg_switch_wal() FROM pg_logical_emit_message(false, 'bench', '')")
    postgres.sql("CHECKPOINT")


@contextmanager
def temporary() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="vrc-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running(command: str, ground: Ground, *, port: int, extra: Iterable[str] = ()) -> Iterator[subprocess.Popen[bytes]]:
    """`vrc <command>` with metrics and access log on, as in production; ready when it answers."""
    flags = [
        f"--port={port}",
        "--metrics-port=0",
        "--rate-account=0",
        "--access-log",
        "--log-level=warning",
        *ground.arguments,
        *extra,
    ]
    path = ground.settings.data_dir / f"{command}-{port}.log"
    log = path.open("wb")
    process = subprocess.Popen([sys.executable, "-m", "services.cli", command, *flags], stdout=log, stderr=log)
    try:
        _wait_until_it_answers(port, process, path)
        yield process
    finally:
        process.terminate()
        process.wait(15)
        log.close()


def _wait_until_it_answers(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 120  # on a busy machine
    while process.poll() is None and time.monotonic() < deadline:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the process does not answer:\n{log.read_text()[-2000:]}")


def cpu_s(pids: Iterable[int]) -> float:
    """User and system seconds used so far by these processes, their ended children included."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(fields[i]) for i in (11, 12, 13, 14))
    return total / TICKS


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents.setdefault(parent, []).append(int(entry.name))
    found, todo = [], [pid]
    while todo:
        current = todo.pop()
        found.append(current)
        todo += parents.get(current, [])
    return found


def resident_mib(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


def quantile(values: list[float], q: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * q), len(ordered) - 1)] if ordered else float("nan")
