"""Webhooks: the whole pipeline beside a bare aiohttp loop that signs and posts the same bodies, and a thousand
receivers of which three hundred are dead beside the same seven hundred without them.

The pipeline is the notifier's own (feed, claim, sign, send, record), from the moment the bus brings the events. CPU is
this process's: with SQLite all there is, with PostgreSQL without the database's share.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
import httpx
from rich.console import Console
from rich.table import Table

from services.intake.handlers import Desk
from services.intake.model import ReportFault
from services.notifier.channels.webhook.channel import WebhookChannel, headers, render
from services.notifier.channels.webhook.signing import private_key, signer
from services.notifier.handlers.delivery import Deliveries
from services.notifier.handlers.feeding import Feeder
from services.notifier.handlers.subscriptions import SubscriptionDesk, Wish
from services.notifier.metrics import NotifierMetrics
from services.notifier.service import CLAIM_FOR, LOOK_EVERY_S, SECRETS
from services.notifier.store import lanes
from services.run import open_database, open_secrets, settle
from shared.auth.principal import Principal
from shared.bus.tick import Loop
from shared.clock import SystemClock
from shared.contracts.event import Event
from shared.contracts.facts import FaultReported
from shared.db.migrate import migrate
from shared.db.port import Database
from shared.ids import AccountId, SubscriptionId
from shared.metrics import Metrics
from shared.secrets import Secrets, Vault, make
from shared.settings import Settings
from shared.testing.postgres import Postgres
from shared.testing.process import free_ports
from shared.tickets import store as tickets
from shared.tickets.policy_file import read_policies
from tests.bench.ground import circuit_id, quantile, resident_mib
from tests.waiting import until

COUNT, ROUNDS, BATCH = 3_200, 5, 500
RECEIVERS = 16
AT_ONCE = 64  # of the bare loop; the pipeline has as many under way as it is shipped with
ACCOUNTS, OF_EACH = 100, 10
DEAD = ("/silent", "/broken", "")  # "": nobody listens
RATE, SECONDS = 20, 45  # events a second, each to `OF_EACH` receivers
SETTLED_AFTER_S = 20  # memory is looked at from here on: the dead have then been tried until only retries are left
TURNS = 3
WITHOUT, WITH = "without the dead", "with 300 dead"
CLOCK = SystemClock()


def only_its_own(account: AccountId) -> frozenset[AccountId]:
    return frozenset({account})


@dataclass(slots=True)
class Notifier:
    """The notifier's halves on a database of their own; events are brought by hand."""

    database: Database
    secrets: Secrets
    desk: SubscriptionDesk
    feeder: Feeder
    deliveries: Deliveries
    reports: Desk
    circuits: Iterator[int] = field(default_factory=lambda: iter(range(10**7)))

    async def subscribe(self, account: AccountId, url: str) -> tuple[SubscriptionId, str]:
        made = await self.desk.make(Principal("account", account), Wish(url))
        assert made.secret
        return made.subscription.id, made.secret

    async def happen(self, accounts: Sequence[AccountId]) -> list[Event]:
        """A ticket each, and its first event, not fed yet."""
        found: list[Event] = []
        for at in range(0, len(accounts), AT_ONCE):
            facts = [
                FaultReported(account, circuit_id(next(self.circuits)), "down", "no light", CLOCK.now())
                for account in accounts[at : at + AT_ONCE]
            ]
            opened = await asyncio.gather(
                *(self.reports.report(ReportFault(fact, f"account:{fact.account}", None)) for fact in facts)
            )
            for one in opened:
                found += await tickets.entries(self.database, one.ticket.id, after=0, most=1)
        return found

    async def is_at_rest(self) -> bool:
        """Nothing is under way, and nothing owed."""
        if self.deliveries.under_way:
            return False
        return not await lanes.count_due(self.database, CLOCK.now() + timedelta(days=30))


@asynccontextmanager
async def notifier(settings: Settings) -> AsyncIterator[Notifier]:
    database, secrets, metrics = open_database(settings), open_secrets(settings), Metrics()
    vault = Vault(secrets.derive(SECRETS))
    channel = WebhookChannel(
        CLOCK, secrets, vault, timeout=settings.webhook_timeout, networks=[ip_network("127.0.0.0/8")], http=True
    )
    own = NotifierMetrics(metrics, database, CLOCK)
    deliveries = Deliveries(
        database, {"webhook": channel}, CLOCK, own, readers=only_its_own, claim_for=CLAIM_FOR
    )  # fmt: skip
    feeder = Feeder(database, deliveries, CLOCK, own, readers=only_its_own)
    desk = SubscriptionDesk(database, CLOCK, {"webhook": channel}, vault=vault, absent={})
    reports = Desk(database, CLOCK, anybody, read_policies())
    loop = Loop("bench", deliveries.claim_due_lanes, wake=deliveries.wake, every_s=LOOK_EVERY_S, pulse=None)
    loop.start()
    try:
        yield Notifier(database, secrets, desk, feeder, deliveries, reports)
    finally:
        deliveries.take_no_more()
        await loop.stop(1)
        await deliveries.stop(0)
        await reports.close()
        await database.close()


async def anybody(*_: object) -> None:
    """No limit."""


@contextmanager
def receivers() -> Iterator[str]:
    (port,) = free_ports(1)
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.webhook_receiver", str(port)])
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                httpx.get(f"{url}/arrivals")
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield url
    finally:
        process.kill()
        process.wait(10)


def arrivals(url: str) -> list[tuple[str, str, float]]:
    """webhook-id, path, instant."""
    found: list[tuple[str, str, float]] = httpx.get(f"{url}/arrivals", timeout=60).json()
    return found


@dataclass(frozen=True, slots=True)
class Cost:
    a_second: float
    cpu_us: float


async def timed(work: Callable[[], Any], *, of: int) -> Cost:
    cpu, began = time.process_time(), time.perf_counter()
    await work()
    return Cost(of / (time.perf_counter() - began), (time.process_time() - cpu) * 1e6 / of)


async def run(console: Console, folder: Path, postgres: Postgres) -> None:
    async def ground(name: str, *, on_postgres: bool = False) -> Settings:
        settings = Settings(
            data_dir=folder / name, database=postgres.create_database(name) if on_postgres else None,
            master_key=folder / "master.key", webhook_http=True, database_patience=timedelta(minutes=1),
        )  # fmt: skip
        settings.data_dir.mkdir()
        await asyncio.to_thread(migrate, settings.database_url)
        return settings

    make(folder / "master.key")
    await beside_bare(
        console,
        {"embedded (SQLite)": await ground("sqlite"), "PostgreSQL": await ground("postgresql", on_postgres=True)},
    )
    turns = [(name, await ground(f"{turn}-{name}")) for turn in range(TURNS) for name in (WITHOUT, WITH)]
    await with_the_dead(console, turns)


async def beside_bare(console: Console, grounds: dict[str, Settings]) -> None:
    table = Table(
        title=f"Webhooks, {COUNT:,} a round to {RECEIVERS} receivers, median of {ROUNDS}", title_justify="left"
    )
    for column in ("", "webhooks/s", "bare loop/s", "÷ bare", "CPU µs", "bare CPU µs", "bare ÷ CPU"):
        table.add_column(column, justify="right" if column else "left")
    for name, settings in grounds.items():
        with receivers() as url:
            async with notifier(settings) as one:
                pairs = await _rounds(one, url)
        speed = sorted(ours.a_second / bare.a_second for ours, bare in pairs)[ROUNDS // 2]
        cpu = sorted(bare.cpu_us / ours.cpu_us for ours, bare in pairs)[ROUNDS // 2]
        ours, bare = (
            [sorted(getattr(pair[side], what) for pair in pairs)[ROUNDS // 2] for what in ("a_second", "cpu_us")]
            for side in (0, 1)
        )
        table.add_row(
            name, f"{ours[0]:,.0f}", f"{bare[0]:,.0f}", f"{speed:.2f}", f"{ours[1]:.0f}", f"{bare[1]:.0f}", f"{cpu:.2f}"
        )
    console.print(table)


async def _rounds(one: Notifier, url: str) -> list[tuple[Cost, Cost]]:
    account = AccountId("bench")
    subscribed = [await one.subscribe(account, f"{url}/ok/{n}") for n in range(RECEIVERS)]
    found = []
    for number in range(ROUNDS + 1):  # the first warms up
        events = await one.happen([account] * (COUNT // len(subscribed)))
        bare = await timed(lambda: _post_bare(one, events, subscribed, url), of=COUNT)  # noqa: B023  awaited here
        assert len(arrivals(url)) == COUNT
        ours = await timed(lambda: _deliver(one, events), of=COUNT)  # noqa: B023
        assert len(arrivals(url)) == COUNT
        if number:
            found.append((ours, bare))
        else:
            settle()  # as a center does when it has started
    return found


async def _deliver(one: Notifier, events: Sequence[Event]) -> None:
    """As the bus brings them, until nothing is owed."""
    for at in range(0, len(events), BATCH):
        await one.feeder.on_events(events[at : at + BATCH])
    await until(one.is_at_rest, timeout_s=120, every_s=0.01)


async def _post_bare(
    one: Notifier, events: Sequence[Event], subscribed: Sequence[tuple[SubscriptionId, str]], url: str
) -> None:
    """The same bodies with the same signatures, and nothing else: no order, no claim, no record."""
    signers = [signer(secret, private_key(one.secrets, id, 1)) for id, secret in subscribed]
    todo = iter([(n, event) for event in events for n in range(len(signers))])

    async def work(session: aiohttp.ClientSession) -> None:
        for n, event in todo:
            message = render([event])
            signed = headers(message, signers=[signers[n]], timestamp_s=int(time.time()))
            async with session.post(f"{url}/ok/{n}", data=message.body, headers=signed) as response:
                assert response.status == 204

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(work(session) for _ in range(AT_ONCE)))


@dataclass(frozen=True, slots=True)
class Seen:
    """Of those that are not dead."""

    p50_ms: float
    p99_ms: float
    late: int
    grown_mib: float


async def with_the_dead(console: Console, turns: Sequence[tuple[str, Settings]]) -> None:
    title = (
        f"{ACCOUNTS * OF_EACH:,} receivers, 30 % dead, {RATE} events a second to {OF_EACH} each, {SECONDS} s in turns"
    )
    table = Table(title=title, title_justify="left")
    columns = ("to the healthy", "p50 ms", "p99 ms", "p99 ÷ without", "not within the run", "memory MiB more")
    for column in columns:
        table.add_column(column, justify="right" if column != columns[0] else "left")
    beside = 0.0
    for name, settings in turns:
        with receivers() as url:
            async with notifier(settings) as one:
                seen = await _load(one, url, dead=name == WITH)
        beside = seen.p99_ms if name == WITHOUT else beside
        row = (f"{seen.p50_ms:.1f}", f"{seen.p99_ms:.1f}", f"{seen.p99_ms / beside:.2f}", f"{seen.late}")
        table.add_row(name, *row, f"{seen.grown_mib:.1f}")
    console.print(table)


async def _load(one: Notifier, url: str, *, dead: bool) -> Seen:
    (closed,) = free_ports(1)
    accounts = [AccountId(f"bench-{n}") for n in range(ACCOUNTS)]
    for account in accounts:
        for n in range(OF_EACH - len(DEAD)):
            await one.subscribe(account, f"{url}/ok/{account}/{n}")
        for kind in DEAD if dead else ():
            await one.subscribe(account, f"{url}{kind}/{account}" if kind else f"http://127.0.0.1:{closed}/")
    events = await one.happen([account for _, account in zip(range(RATE * SECONDS), cycle(accounts), strict=False)])
    settled = 0.0
    began = time.monotonic()
    due = {event.id: began + n / RATE for n, event in enumerate(events)}
    while events:
        now = time.monotonic()
        batch = [event for event in events if due[event.id] <= now]
        events = events[len(batch) :]
        if batch:
            await one.feeder.on_events(batch)
        if not settled and now > began + SETTLED_AFTER_S:
            settled = resident_mib(os.getpid())
        await asyncio.sleep(0.002)
    await asyncio.sleep(1)
    took = [(at - due[id]) * 1000 for id, _, at in await asyncio.to_thread(arrivals, url)]
    late = len(due) * (OF_EACH - len(DEAD)) - len(took)
    return Seen(quantile(took, 0.5), quantile(took, 0.99), late, resident_mib(os.getpid()) - settled)
