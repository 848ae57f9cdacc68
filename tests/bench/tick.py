"""What a tick of deadlines costs by what is due and by what is on record: half of the tickets are open, all wait."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random

import asyncpg
from rich.console import Console
from rich.table import Table
from sqlalchemy import bindparam, select, text

from services.dispatcher.deadlines.tick import BATCH, Tick
from services.dispatcher.escalation.rules import read_escalation
from services.run import open_database
from shared.bus.wake import Wake
from shared.clock import SystemClock, from_ms
from shared.contracts.facts import Terms, TicketCancelled
from shared.db.migrate import migrate
from shared.db.port import Database
from shared.db.statement import Query
from shared.ids import CircuitId, new_ticket_id
from shared.settings import Settings
from shared.testing.clock import ManualClock
from shared.testing.postgres import Postgres
from shared.tickets.log import append, open_ticket
from shared.tickets.policy_file import read_policy
from shared.tickets.store import NewTicket, open_new
from shared.tickets.tables import tickets
from tests.bench.ground import ACCOUNT, cpu_s, family, quantile
from tests.cases import reported

SIZES = (1_000, 100_000, 1_000_000)
ROUNDS = {0: 1_000, 1: 200, BATCH: 20}
"""By how many tickets are due: how many ticks."""
CHUNK = 5_000
SPREAD = timedelta(days=10)
NTH_LOOK = Query(
    select(tickets.c.look_at)
    .where(tickets.c.look_at.is_not(None))
    .order_by(tickets.c.look_at, tickets.c.id)
    .limit(1)
    .offset(bindparam("before"))
)
Costs = dict[tuple[str, int], float]
"""CPU (ms) of a tick, the database's included, by database and by how many were due."""


async def run(console: Console, folder: Path) -> None:
    least: Costs = {}
    with Postgres() as postgres:
        for size in SIZES:
            home = folder / f"tick-{size}"
            table = Table(title=f"Tick, {size:,} tickets, {size // 2:,} open deadlines", title_justify="left")
            for column in ("", "due", "median ms", "CPU ms", f"÷ at {SIZES[0]:,}", "CPU ms a ticket told"):
                table.add_column(column, justify="right" if column else "left")
            production = Settings(data_dir=home, database=postgres.create_database(f"tick_{size}"))
            for name, settings in (("PostgreSQL", production), ("SQLite", Settings(data_dir=home))):
                await _measure(table, name, size, settings, least, lambda: family(postgres.pid))
            console.print(table)


async def _measure(
    table: Table, name: str, size: int, settings: Settings, least: Costs, servers: Callable[[], list[int]]
) -> None:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    await asyncio.to_thread(migrate, settings.database_url)
    database = open_database(settings)
    try:
        clock = ManualClock(SystemClock().now())
        await _fill(database, clock, size)
        if settings.database is not None:
            await _vacuum(settings.database)
        for due, rounds in ROUNDS.items():
            median, cpu, told = await _ticks(database, clock, due, rounds, servers)
            first = least.setdefault((name, due), cpu)
            each = f"{cpu * rounds / told:.2f}" if told else ""
            table.add_row(name, f"{due}", f"{median:.2f}", f"{cpu:.2f}", f"{cpu / first:.2f}", each)
    finally:
        await database.close()


async def _ticks(
    database: Database, clock: ManualClock, due: int, rounds: int, servers: Callable[[], list[int]]
) -> tuple[float, float, int]:
    """Median and CPU (ms) of a tick, and how many tickets were told of in all. The clock stands still in each.

    The database's CPU includes the question when the next ones are due: less than a tenth of a millisecond.
    """
    tick = Tick(database, clock, read_escalation(), wake=Wake())
    took, ours, told = [], 0.0, 0
    before = cpu_s(servers())
    for _ in range(rounds):
        if due:
            await _wait(database, clock, due)
        began, cpu = time.perf_counter(), time.process_time()
        told += await tick.look()
        ours += time.process_time() - cpu
        took.append((time.perf_counter() - began) * 1000)
    cpu_ms = (ours + cpu_s(servers()) - before) * 1000 / rounds
    return quantile(took, 0.5), cpu_ms, told


async def _wait(database: Database, clock: ManualClock, due: int) -> None:
    (row,) = await database.fetch(NTH_LOOK, before=due - 1)
    clock.advance(from_ms(row["look_at"]) - clock.now())


async def _fill(database: Database, clock: ManualClock, size: int) -> None:
    """In no order of time: every second ticket is closed, the open ones become due one after the other."""
    terms, numbers = read_policy().terms_of("gold", "down"), list(range(size))
    Random(size).shuffle(numbers)
    for first in range(0, size, CHUNK):
        new = [_new(number, size, clock, terms) for number in numbers[first : first + CHUNK]]
        await database.transact(lambda tx, new=new: open_new(tx, new))
    await database.transact(lambda tx: tx.fetch(Query(text("DELETE FROM outbox"))))


async def _vacuum(dsn: str) -> None:
    """Now, and not in the middle of a measurement."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("VACUUM ANALYZE")
    await connection.close()


def _new(number: int, size: int, clock: ManualClock, terms: Terms) -> NewTicket:
    at = clock.now() + SPREAD * number / size
    fact = reported(account=ACCOUNT, circuit=CircuitId(f"B{number:07d}"), reported_at=at, tier="gold", terms=terms)
    ticket, entry = open_ticket(new_ticket_id(at), fact, at=at, actor="account:bench")
    if number % 2 == 0:
        ticket, _ = append(ticket, entry.hash, [TicketCancelled("mistaken")], at=at, actor="account:bench")
    return NewTicket(ticket, entry, None)
