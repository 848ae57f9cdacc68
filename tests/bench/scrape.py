"""What a scrape costs at a thousand tickets on record, at a hundred thousand and at a million: 330 networks, six tiers.

Rows are made by SQLite itself; they look like measured tickets and carry the heads of their logs, so that nobody
measures them anew. Totals are of the first ten thousand: as many rows as a million make, and a scrape reads no more.
A page is all that an embedded center shows, with samples for every network that there can be.
"""

import asyncio
import sqlite3
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from prometheus_client import generate_latest
from rich.console import Console

from services.dispatcher.measures import store
from services.run import Center, center, open_database
from shared.clock import SystemClock, to_ms
from shared.db.migrate import migrate
from shared.ids import NetworkCode
from shared.registry.model import Network
from shared.registry.writing import Author, put
from shared.settings import Settings

SIZES = (1_000, 100_000, 1_000_000)
NETWORKS = 330
ADDED = 10_000
ROUNDS = 7
OPEN_OF = 50  # one of so many is open
_RANDOM = "(i * 2654435761 % 1000003)"
_NETWORK = f"printf('0%d', 100 + {_RANDOM} % {NETWORKS})"
_TOOK = f"(60000 * ({_RANDOM} % 1440))"
_COUNT = "WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
_NUMBERED = "(SELECT *, CAST(substr(id, 10) AS INTEGER) AS i FROM tickets WHERE id >= printf('VT260101-%08d', :first))"
_ID = "printf('VT260101-%08d', i)"
_TICKETS = f"""
INSERT INTO tickets (id, account, circuit, status, impact, opened_at, updated_at, over_at, head, state, tier, breach_at)
{_COUNT} SELECT {_ID}, 'bench', 'C' || i, iif(i % {OPEN_OF} = 0, 'inProgress', 'closed'),
  CASE {_RANDOM} % 3 WHEN 0 THEN 'down' WHEN 1 THEN 'degraded' ELSE 'intermittent' END,
  :now - i % 400 * 86400000, :now, iif(i % {OPEN_OF} = 0, NULL, :now - i % 400 * 86400000), x'00', '{{}}',
  CASE i % 6 WHEN 0 THEN 'diamond' WHEN 1 THEN 'jade' WHEN 2 THEN 'platinum' WHEN 3 THEN 'gem' WHEN 4 THEN 'gold'
  ELSE 'crystal' END, 0 FROM n"""
_MEASURES = f"""
INSERT INTO measures (ticket, seq, head, rules, account, circuit, tier, impact, status, network, segment_kind,
  opened_at, reported_at, restored_at, over_at, time_to_repair, counted, restore_target, verdict, breach_at, response,
  response_target, response_verdict, pending, held, reports, reopened, chases, escalations)
SELECT t.id, 9, t.head, 999, t.account, t.circuit, t.tier, t.impact, t.status, {_NETWORK},
  CASE i / 7 % 6 WHEN 0 THEN 'customer-lan' WHEN 1 THEN 'access' WHEN 2 THEN 'metro' WHEN 3 THEN 'backbone'
  WHEN 4 THEN 'third-party' END, t.opened_at, t.opened_at, t.over_at, t.over_at, iif(t.over_at IS NULL, NULL, {_TOOK}),
  iif(t.over_at IS NULL, NULL, {_TOOK}), 18000000,
  iif(t.over_at IS NULL, NULL, iif({_TOOK} <= 18000000, 'met', 'breached')),
  iif(t.over_at IS NULL, :now + (i % 7200 - 600) * 1000, NULL), 1000 * (i % 3600), 1800000, 'met', 0, 0, 1, 0, i % 2, 0
FROM {_NUMBERED} t"""
_SHARES = f"""
INSERT INTO network_shares (ticket, number, "order", network, began_at, ended_at, ended_by, counted)
{_COUNT} SELECT {_ID}, 0, 'o', {_NETWORK}, 0, iif(i % {OPEN_OF} = 0, NULL, 1), 'restored', {_TOOK} FROM n"""
_ORDERS = f"""
INSERT INTO repair_orders (id, ticket, network, state, issued_at, updated_at, data, tier)
{_COUNT} SELECT {_ID} || '.0', {_ID}, {_NETWORK}, iif(i % {OPEN_OF} = 0, 'accepted', 'restored'), :now, :now, '{{}}',
  'gold' FROM n"""
_FOLLOW_UPS = f"""
INSERT INTO follow_ups (ticket, account, tier, network, cause, closed_at, answer)
SELECT t.id, t.account, t.tier, {_NETWORK}, CASE i % 3 WHEN 0 THEN 'fibre' WHEN 1 THEN 'power' ELSE 'equipment' END,
  t.over_at, CASE i / 3 % 4 WHEN 0 THEN 'satisfied' WHEN 1 THEN 'dissatisfied' WHEN 2 THEN 'unanswered' END
FROM {_NUMBERED} t WHERE t.over_at IS NOT NULL"""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU, the database's with it: of making the page, and of all reads."""

    series: int
    page_ms: float
    reads_ms: float
    slowest: str

    @property
    def cpu_ms(self) -> float:
        return self.page_ms + self.reads_ms


async def run(console: Console, folder: Path) -> None:
    """A line a size, as soon as it is known: a million tickets take minutes to make."""
    console.print(f"A scrape of all services, SQLite: {NETWORKS} networks, 6 tiers, one ticket of {OPEN_OF} open")
    first: Cost | None = None
    for size in SIZES:
        cost = await _measure(folder / f"scrape-{size}", size)
        first = first or cost
        console.print(
            f"{size:>9,} tickets {cost.series:>7,} series: page {cost.page_ms:.0f} ms of CPU, "
            f"reads {cost.reads_ms:.0f}, together × {cost.cpu_ms / first.cpu_ms:.2f}; slowest read {cost.slowest}",
            soft_wrap=True,
        )


async def _measure(folder: Path, size: int) -> Cost:
    patience = timedelta(minutes=10)  # a read that takes longer than a request may wait is to be seen
    settings = Settings(data_dir=folder, database_patience=patience)
    settings.data_dir.mkdir()
    await asyncio.to_thread(migrate, settings.database_url)
    await asyncio.to_thread(_fill, settings.sqlite_path, 1, min(size, ADDED))
    await _add_up(settings)
    if size > ADDED:
        await asyncio.to_thread(_fill, settings.sqlite_path, ADDED + 1, size)
    async with center(settings) as running:
        return await _scraped(running)


def _fill(database: Path, first: int, last: int) -> None:
    connection = sqlite3.connect(database)
    for pragma in ("synchronous = OFF", "journal_mode = OFF", "cache_size = -400000"):
        connection.execute(f"PRAGMA {pragma}")
    now = to_ms(SystemClock().now())
    for statement in (_TICKETS, _MEASURES, _SHARES, _ORDERS, _FOLLOW_UPS):
        connection.execute(statement, {"first": first, "last": last, "now": now})
    connection.commit()
    connection.execute("ANALYZE")
    connection.close()


async def _add_up(settings: Settings) -> None:
    database, now = open_database(settings), SystemClock().now()
    networks = [
        Network(NetworkCode(f"0{100 + n}"), f"网{n}", f"Network {n}", "省", f"Province {n % 31}")
        for n in range(NETWORKS)
    ]
    try:
        await database.transact(lambda tx: put(tx, [], networks, [], by=Author("system:bench", now)))
        await database.transact(store.take_turn)  # the first who does so adds all up
    finally:
        await database.close()


async def _scraped(running: Center) -> Cost:
    """The least of several of each read, and of making the page: the center's loops run beside."""
    reads, pages = dict[str, list[float]](), list[float]()
    for _ in range(ROUNDS):
        for refresh in running.metrics._refreshes:
            begun = time.process_time()
            await refresh()
            reads.setdefault(refresh.__qualname__, []).append(time.process_time() - begun)
        begun = time.thread_time()
        page = generate_latest(running.metrics.registry)
        pages.append(time.thread_time() - begun)
    least = {name: min(took) * 1000 for name, took in reads.items()}
    slowest = max(least, key=least.__getitem__)
    series = sum(not line.startswith(b"#") for line in page.splitlines())
    return Cost(series, min(pages) * 1000, sum(least.values()), f"{slowest} {least[slowest]:.0f} ms")
