"""Who is killed: real processes on real servers, by SIGKILL under load at instants of chance, then started again.

Now and then a burst of reports comes right before the kill, and now and then the next kill does not wait until the
process has come up.
"""

import asyncio
import shutil
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from sys import executable
from tempfile import mkdtemp
from threading import Event
from time import monotonic
from typing import Protocol, Self

from services.demo_data import CREDENTIALS, load_demo
from shared.auth.keys import Mint
from shared.clock import SystemClock
from shared.db.postgres import PostgresDatabase
from shared.secrets import Secrets
from shared.settings import Settings
from shared.testing.process import ServerProcess, free_ports
from shared.testing.servers import Kafka, Postgres
from tests.chaos.check import Check, Verdict, read_credentials
from tests.chaos.outside.client import Routes
from tests.chaos.outside.pause import pause

VRC = (Path(executable).with_name("vrc"),)
MASTER_KEY = "master.key"
UP_WITHIN_S = 90.0
LONGEST_LIFE_S = 2.0
BURSTS, BURST_S = 0.5, 0.02
EARLY, EARLY_S = 0.2, 1.5
SERVICES = ("notifier", "intake", "dispatcher")
AIMS_WITHIN_S = 15.0
OUTAGE_S = 60.0
TAKE_REPORTS = ("center", "intake", "database")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Run:
    """How a scene is played. `instants` decides when to kill, `chances` what the load does."""

    rate: float
    instants: Random
    chances: Random
    say: Say

    @classmethod
    def seeded(cls, seed: int, *, rate: float, say: Say) -> Self:
        return cls(rate, Random(seed), Random(seed + 1), say)


class Victim(Protocol):
    @property
    def name(self) -> str: ...

    def kill(self) -> None: ...

    def start(self) -> None: ...

    def await_up(self) -> None:
        """Blocks; raises ServerDidNotStart."""


@dataclass(slots=True)
class Program:
    """One of the center's processes, on a port of its own; its output goes to `<name>.log`."""

    name: str
    command: str
    folder: Path
    ports: Sequence[int]
    options: Sequence[str] = ()
    launcher: Sequence[str | Path] = VRC
    process: ServerProcess | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def start(self) -> None:
        port, metrics_port = map(str, self.ports)
        own = ["--port", port, "--metrics-port", metrics_port, "--data-dir", str(self.folder)]
        self.process = ServerProcess(
            [*self.launcher, self.command, *own, *self.options], log=self.folder / f"{self.name}.log"
        )

    def await_up(self) -> None:
        if self.process is not None:
            self.process.wait_until(self._answers, timeout_s=UP_WITHIN_S)

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False


@dataclass(frozen=True, slots=True)
class Ground:
    """What the services stand on: the broker or the database. `away_s`: until it is started again."""

    name: str
    server: Kafka | Postgres
    away_s: float = 0.0

    def kill(self) -> None:
        self.server.kill()

    def start(self) -> None:
        """Returns when it answers: there is no other way to start it."""
        Event().wait(self.away_s)
        self.server.start()

    def await_up(self) -> None:
        return None


class Strikes:
    """Kills under the check's load, a line a kill. `aimed`: notifiers while a webhook is under way."""

    def __init__(self, check: Check, run: Run, *, of: int, aimed: bool = False) -> None:
        self._check = check
        self._aimed = aimed
        self._rng = run.instants
        self._say = run.say
        self._of = of
        self._never = asyncio.Event()
        self.kills: Counter[str] = Counter()
        self.in_mid_delivery = 0

    async def strike(self, name: str, victim: Victim) -> None:
        life_s = self._rng.uniform(0, LONGEST_LIFE_S)
        await self._wait(life_s)
        if self._rng.random() < BURSTS:
            self._check.hurry()
            await self._wait(self._rng.uniform(0, BURST_S))
        if self._aimed and name == "notifier":
            await self._until_a_webhook_is_under_way()
        under_way, before = self._check.client.under_way, self._check.ledger.reports
        cut_off = self._check.receiver.cut_off
        await asyncio.to_thread(victim.kill)
        killed_at = monotonic()
        await asyncio.to_thread(victim.start)
        if early := isinstance(victim, Program) and self._rng.random() < EARLY:
            await self._wait(self._rng.uniform(0, EARLY_S))
        else:
            await asyncio.to_thread(victim.await_up)
        self.kills[name] += 1
        taken = self._check.ledger.reports - before
        if not (early or taken or name in TAKE_REPORTS):
            self._check.ledger.broken["outages that stopped intake"].append(f"kill {self.kills.total()}, {name}")
        cut_off = self._check.receiver.cut_off - cut_off
        self.in_mid_delivery += cut_off > 0
        self._say(
            f"{self.kills.total():3}/{self._of} {victim.name:12} killed with {under_way:2} requests under way; "
            f"{cut_off:2} webhooks cut off; "
            f"{'next kill while it starts' if early else f'answers again after {monotonic() - killed_at:4.1f} s'}; "
            f"{taken:3} reports acknowledged meanwhile, "
            f"{self._check.ledger.reports:,} in all"
        )

    async def _until_a_webhook_is_under_way(self) -> None:
        give_up_at = monotonic() + AIMS_WITHIN_S
        while not self._check.receiver.held and monotonic() < give_up_at:
            await self._wait(0.001)

    async def _wait(self, seconds: float) -> None:
        await pause(seconds, unless=self._never)


async def embedded(kills: int, run: Run) -> Verdict:
    """The whole center in one process, on SQLite."""
    with kept_folder(run) as folder:
        center = Program("center", "up", folder, free_ports(2), ["--demo"])
        try:
            await started(center)
            credentials = read_credentials(folder / CREDENTIALS)
            async with Check(Routes.all_at(center.url), credentials, rate=run.rate, rng=run.chances) as check:
                strikes = Strikes(check, run, of=kills)
                for _ in range(kills):
                    await strikes.strike("center", center)
                await asyncio.to_thread(center.await_up)
                verdict = await check.conclude()
        finally:
            center.kill()
        return cleared(folder, verdict)


async def production(
    victims: Sequence[str], run: Run, *, postgres: Postgres, kafka: Kafka, copies: int = 1, aimed: bool = False
) -> Verdict:
    """The services on PostgreSQL and Kafka, `copies` of each; `victims` by turns: services, broker or database.

    An `outage` is a broker that stays away until its clients have given it up.
    """
    others = {
        "broker": [Ground("broker", kafka)], "outage": [Ground("broker", kafka, OUTAGE_S)],
        "database": [Ground("database", postgres)],
    }  # fmt: skip
    with kept_folder(run) as folder:
        async with running_services(folder, postgres, kafka, copies) as programs:
            credentials = read_credentials(folder / CREDENTIALS)
            routes = Routes(**{name: [program.url for program in programs[name]] for name in SERVICES})
            async with Check(routes, credentials, rate=run.rate, rng=run.chances, kafka=kafka.bootstrap) as check:
                strikes = Strikes(check, run, of=len(victims), aimed=aimed)
                for name in victims:
                    ones: Sequence[Victim] = programs.get(name) or others[name]
                    await strikes.strike(name, run.instants.choice(ones))
                run.say(f"{strikes.in_mid_delivery} of {len(victims)} kills cut off a webhook in mid-delivery")
                for program in chain(*programs.values()):
                    await asyncio.to_thread(program.await_up)
                verdict = await check.conclude()
        return cleared(folder, verdict)


@contextmanager
def kept_folder(run: Run) -> Iterator[Path]:
    """Gone at the end, unless a promise was broken: then it shows what the processes wrote."""
    folder = Path(mkdtemp(prefix="vrc-chaos-"))
    try:
        yield folder
    finally:
        if folder.exists():
            run.say(f"logs and data are kept in {folder}")


def cleared(folder: Path, verdict: Verdict) -> Verdict:
    if verdict.kept:
        shutil.rmtree(folder)
    return verdict


@asynccontextmanager
async def running_services(
    folder: Path,
    postgres: Postgres,
    kafka: Kafka,
    copies: int,
    *,
    more: str = "",
    launchers: Sequence[Sequence[str | Path]] = (),
) -> AsyncIterator[Mapping[str, Sequence[Program]]]:
    """`more` are further settings, TOML; `launchers`: by number of the copy, what starts it instead of `vrc`."""
    dsn = postgres.create_database(f"chaos_{free_ports(1)[0]}")
    settings = folder / "center.toml"
    settings.write_text(
        f'database = "{dsn}"\nkafka = "{kafka.bootstrap}"\nmaster_key = "{folder / MASTER_KEY}"\n'
        f'webhook_networks = ["127.0.0.0/8"]\nwebhook_http = true\nwebhook_timeout = 5\n{more}'
    )
    ports = iter(free_ports(2 * copies * len(SERVICES)))

    def make(service: str, number: int) -> Program:
        name = f"{service}-{number}"
        options = ["--config", str(settings), "--instance", name]
        launcher = launchers[number - 1] if launchers else VRC
        return Program(name, service, folder, (next(ports), next(ports)), options, launcher)

    programs = {service: [make(service, number + 1) for number in range(copies)] for service in SERVICES}
    try:
        await _once(folder, "secret", folder / MASTER_KEY)
        await _once(folder, "migrate", "--config", settings)
        await _load_demo(dsn, folder)
        await _once(folder, "topics", "--config", settings)
        for program in chain(*programs.values()):
            program.start()
        for program in chain(*programs.values()):
            await asyncio.to_thread(program.await_up)
        yield programs
    finally:
        for program in chain(*programs.values()):
            program.kill()


async def _once(folder: Path, *command: str | Path) -> None:
    process = ServerProcess([*VRC, *command], log=folder / f"{command[0]}.log")
    await asyncio.to_thread(process.finish, timeout_s=UP_WITHIN_S)


async def _load_demo(dsn: str, folder: Path) -> None:
    """The registry and the credentials, as `vrc up --demo` loads them."""
    database = PostgresDatabase(dsn)
    try:
        mint = Mint(Settings().environment, Secrets.read(folder / MASTER_KEY))
        await load_demo(database, mint, SystemClock(), folder)
    finally:
        await database.close()


async def started(program: Program) -> None:
    program.start()
    await asyncio.to_thread(program.await_up)
