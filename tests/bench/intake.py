"""Reports a second at 1, 16 and 64 clients, full-featured, beside pgbench doing the same two inserts."""

import os
import re
import statistics
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.ground import Ground, cpu_s, family, resident_mib, running

CLIENTS = (1, 16, 64)
SECONDS = 3
LUA = """
local n, base = 0, tonumber(os.getenv("FIRST_CIRCUIT"))
wrk.method = "POST"
wrk.headers["Authorization"] = "Bearer " .. os.getenv("KEY")
wrk.headers["Content-Type"] = "application/json"
request = function()
  n = n + 1
  wrk.headers["Idempotency-Key"] = "bench-" .. (base + n)
  return wrk.format(nil, "/v1/faults", nil, string.format(
    '{"circuit":"B%07d","impact":"down","description":"No light at either end since 08:30, both routers report it"}',
    base + n))
end
done = function(summary, latency)
  io.write(string.format("RESULT %d %d %d %f %f\\n", summary.requests, summary.duration,
    summary.errors.status + summary.errors.timeout, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""
PGBENCH = r"""
\set id random(1, 9000000000000)
\set circuit random(1, 9000000000000)
BEGIN;
INSERT INTO tickets (id, account, circuit, status, impact, opened_at, updated_at, head, state) VALUES ((:id)::text, 'bench', (:circuit)::text, 'acknowledged', 'down', 1795298836758, 1795298836758, decode(repeat('5f', 32), 'hex'), repeat('x', 600));
INSERT INTO ticket_log (ticket, seq, at, type, actor, account, status, data, hash) VALUES ((:id)::text, 1, 1795298836758, 'ticket.reported', 'account-bench', 'bench', 'acknowledged', repeat('x', 230), decode(repeat('5f', 32), 'hex'));
COMMIT;
"""  # noqa: E501  pgbench reads a statement a line


@dataclass(frozen=True, slots=True)
class Run:
    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


class Load:
    """wrk against a running center; every request has a circuit and key of its own."""

    def __init__(self, ground: Ground, port: int) -> None:
        self._script = ground.settings.data_dir / "report.lua"
        self._script.write_text(LUA)
        self._key = ground.key
        self._url = f"http://127.0.0.1:{port}"
        self._next = 0

    def run(self, clients: int, cpu_now_s: Callable[[], float]) -> Run:
        environment = {**os.environ, "KEY": self._key, "FIRST_CIRCUIT": str(self._next)}
        command = ["wrk", "-t1", f"-c{clients}", f"-d{SECONDS}s", "-s", self._script, self._url]
        before = cpu_now_s()
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        found = re.search(r"RESULT (\d+) (\d+) (\d+) (\S+) (\S+)", said)
        assert found, said
        requests, duration_us, errors = (int(found[i]) for i in (1, 2, 3))
        if errors:
            raise RuntimeError(f"{errors} of {requests} requests failed:\n{said}")
        self._next += requests + 2 * clients
        cpu_us = (cpu_now_s() - before) / requests * 1e6
        return Run(requests / duration_us * 1e6, float(found[4]), float(found[5]), cpu_us)


def pgbench(dsn: str, clients: int, folder: Path) -> float:
    """Transactions a second of the same two inserts into the same tables."""
    script = folder / "two-inserts.sql"
    script.write_text(PGBENCH)
    command = [
        "/usr/lib/postgresql/15/bin/pgbench",
        "-n",
        "-M",
        "prepared",
        f"-c{clients}",
        "-j1",
        f"-T{SECONDS}",
        "-f",
    ]
    as_center = {**os.environ, "PGOPTIONS": "-c vrc.scope=*"}  # what the center's own connections say
    ran = subprocess.run([*command, str(script), dsn], capture_output=True, text=True, check=False, env=as_center)
    said = ran.stdout + ran.stderr
    found = re.search(r"tps = ([\d.]+)", said)
    assert found, said
    return float(found[1])


def on_postgres(console: Console, ground: Ground, postgres_pid: int, *, port: int, rounds: int = 3) -> None:
    """The relay's place is taken, as where another process leads it."""
    dsn = ground.settings.database
    assert dsn is not None
    table = _table("Intake on PostgreSQL, one process, beside pgbench (the same two inserts)")
    with running("intake", ground, port=port) as intake:
        load = Load(ground, port)
        load.run(16, lambda: 0.0)  # warm

        def cpu() -> float:
            return cpu_s([intake.pid, *family(postgres_pid)])

        for clients in CLIENTS:
            floors, runs = [], []
            for _ in range(rounds):
                floors.append(pgbench(dsn, clients, ground.settings.data_dir))
                runs.append(load.run(clients, cpu))
            _row(table, clients, runs, statistics.median(r.rate / f for r, f in zip(runs, floors, strict=True)))
    console.print(table)


def embedded(
    console: Console, ground: Ground, *, port: int, floor: Callable[[int], float] | None, rounds: int = 3
) -> None:
    """The whole center in one process: each report is dispatched too."""
    table = _table("Embedded center, one process, every report dispatched too, beside the same pgbench")
    with running("up", ground, port=port) as center:
        load = Load(ground, port)
        load.run(16, lambda: 0.0)
        for clients in CLIENTS:
            runs = [load.run(clients, lambda: cpu_s([center.pid])) for _ in range(rounds)]
            share = statistics.median(r.rate for r in runs) / floor(clients) if floor else float("nan")
            _row(table, clients, runs, share)
        table.caption = f"resident after all that: {resident_mib(center.pid):.0f} MiB"
    console.print(table)


def _table(title: str) -> Table:
    table = Table(title=title, title_justify="left")
    for column in ("clients", "reports/s", "p50 ms", "p99 ms", "CPU µs a report", "÷ pgbench"):
        table.add_column(column, justify="right")
    return table


def _row(table: Table, clients: int, runs: list[Run], ratio: float) -> None:
    def middle(pick: Callable[[Run], float]) -> float:
        return statistics.median(pick(r) for r in runs)

    cells = (
        middle(lambda r: r.rate),
        middle(lambda r: r.p50_ms),
        middle(lambda r: r.p99_ms),
        middle(lambda r: r.cpu_us),
    )
    table.add_row(str(clients), *(f"{c:,.2f}" if c < 100 else f"{c:,.0f}" for c in cells), f"{ratio:.2f}")
