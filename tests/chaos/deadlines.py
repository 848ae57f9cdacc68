"""Deadlines that come due within seconds; at the moment at which one does, processes are killed or a clock steps.

Embedded on SQLite, and two of each service on PostgreSQL and Kafka, each copy on a machine of its own: then by turns
all of them are killed at once, and both dispatchers, and the clock of the first machine only is set. Of three strikes
one kills, one sets the clock by an hour forward or back, one does both.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from sys import executable
from time import monotonic

from services.demo_data import CREDENTIALS
from shared.testing.process import free_ports
from shared.testing.servers import Kafka, Postgres
from tests.chaos import stepped
from tests.chaos.check import Verdict, read_credentials
from tests.chaos.outside.client import Routes
from tests.chaos.outside.deadline_check import DeadlineCheck, now_ms
from tests.chaos.scenes import (
    EARLY,
    EARLY_S,
    SERVICES,
    Program,
    Run,
    cleared,
    kept_folder,
    running_services,
    started,
)

RATE = 4.0
HOUR_MS = 3_600_000
STRIKES = ("kill", "step", "kill and step")
SOONEST_MS, LATEST_MS = 300, 3_000
AROUND_S = -0.02, 0.03
"""Before and after the instant at which something is due."""
TARGETS = """
accept_minutes = 0.08
update_minutes = 0.1
restore_hours = { down = 0.003, degraded = 0.004, intermittent = 0.005 }
report_hours = 0.002
confirm_hours = 0.003
head_start_minutes = 0
"""
TIERS = ("diamond", "jade", "platinum", "gem", "gold", "crystal")
POLICY = 'version = "chaos"\notherwise = "crystal"\nwarn_percent = [50, 75, 90]\n' + "".join(
    f"[tiers.{tier}]{TARGETS}" for tier in TIERS
)
ESCALATION = """
[levels.network]
again_minutes = 0.05
times = 2
[levels.province]
again_minutes = 0.05
times = 2
[levels.headquarters]
again_minutes = 0.2
[[escalate]]
deadline = "accept"
percent = 100
level = "network"
[[escalate]]
deadline = "restore"
percent = 75
level = "network"
[[escalate]]
deadline = "restore"
percent = 100
level = "headquarters"
tell = ["account_manager", "customer"]
[mass_fault]
tiers = ["diamond"]
tickets = 3
minutes = 1
level = "province"
[chase]
every_minutes = 1
"""


def rules(folder: Path) -> dict[str, Path]:
    """By setting, the files in which they stand."""
    files = {"sla_policy": folder / "policy.toml", "escalation": folder / "escalation.toml"}
    files["sla_policy"].write_text(POLICY)
    files["escalation"].write_text(ESCALATION)
    return files


class Machine:
    """A clock of its own, which is set by a file, for the programs that its `launcher` starts."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.launcher = (executable, Path(stepped.__file__), file)
        self.ahead_ms = 0
        self.set(0)

    def set(self, ahead_ms: int) -> None:
        stepped.set_clock(self._file, ahead_ms)
        self.ahead_ms = ahead_ms


class AtTheMoment:
    """Strikes at the instant at which something is due; keeps the times at which no dispatcher ran."""

    def __init__(self, check: DeadlineCheck, machines: Sequence[Machine], run: Run, *, of: int) -> None:
        self._check = check
        self._machines = machines
        self._run = run
        self._of = of
        self.done: Counter[str] = Counter()
        self.down: list[tuple[int, int]] = []

    async def strike(self, name: str, victims: Sequence[Program]) -> None:
        kind = STRIKES[self.done.total() % len(STRIKES)]
        in_s = await self._until_something_is_due()
        await asyncio.sleep(max(in_s + self._run.instants.uniform(*AROUND_S), 0))
        self.done[kind] += 1
        said = []
        if "kill" in kind:
            for victim in victims:
                await asyncio.to_thread(victim.kill)
            said.append(f"{name} killed")
        if "step" in kind:
            said.append(f"clock set {self._step():+} h")
        if "kill" in kind:
            said.append(await self._start(victims))
        self._run.say(f"{self.done.total():3}/{self._of} {'; '.join(said)}")

    async def _start(self, victims: Sequence[Program]) -> str:
        killed_at, began, rng = now_ms(), monotonic(), self._run.instants
        for victim in victims:
            await asyncio.to_thread(victim.start)
        early = rng.random() < EARLY
        if early:
            await asyncio.sleep(rng.uniform(0, EARLY_S))
        else:
            for victim in victims:
                await asyncio.to_thread(victim.await_up)
        self.down.append((killed_at, now_ms()))
        return "next strike while it starts" if early else f"answers again after {monotonic() - began:4.1f} s"

    def _step(self) -> int:
        """By an hour either way, or back to the true time; how many hours it is ahead now."""
        machine = self._machines[0]
        machine.set(0 if machine.ahead_ms else self._run.instants.choice((-HOUR_MS, HOUR_MS)))
        return machine.ahead_ms // HOUR_MS

    async def _until_something_is_due(self) -> float:
        while True:
            clocks = {now_ms() + machine.ahead_ms for machine in self._machines}
            soon = [at - now for at in self._check.expected for now in clocks if SOONEST_MS < at - now < LATEST_MS]
            if soon:
                return self._run.instants.choice(soon) / 1000
            await asyncio.sleep(0.1)

    async def verdict(self) -> Verdict:
        """By the true time."""
        for machine in self._machines:
            machine.set(0)
        counts, findings = await self._check.conclude(self.down)
        return Verdict({**self.done, **counts}, findings)


async def embedded(strikes: int, run: Run) -> Verdict:
    with kept_folder(run) as folder:
        options = [f"--{name.replace('_', '-')}={path}" for name, path in rules(folder).items()]
        machine = Machine(folder / "clock")
        center = Program("center", "up", folder, free_ports(2), ["--demo", *options], machine.launcher)
        try:
            await started(center)
            async with _check(folder, Routes.all_at(center.url), run) as check:
                moments = AtTheMoment(check, [machine], run, of=strikes)
                for _ in range(strikes):
                    await moments.strike("center", [center])
                await asyncio.to_thread(center.await_up)
                verdict = await moments.verdict()
        finally:
            center.kill()
        return cleared(folder, verdict)


async def production(strikes: int, run: Run, *, postgres: Postgres, kafka: Kafka) -> Verdict:
    with kept_folder(run) as folder:
        more = "".join(f'{name} = "{path}"\n' for name, path in rules(folder).items())
        machines = [Machine(folder / f"clock-{number}") for number in (1, 2)]
        launchers = [machine.launcher for machine in machines]
        async with running_services(folder, postgres, kafka, 2, more=more, launchers=launchers) as programs:
            everything = list(chain(*programs.values()))
            routes = Routes(**{name: [program.url for program in programs[name]] for name in SERVICES})
            async with _check(folder, routes, run) as check:
                moments = AtTheMoment(check, machines, run, of=strikes)
                for number in range(strikes):
                    victims = everything if number % 2 else list(programs["dispatcher"])
                    await moments.strike("everything" if number % 2 else "dispatchers", victims)
                for program in everything:
                    await asyncio.to_thread(program.await_up)
                verdict = await moments.verdict()
        return cleared(folder, verdict)


def _check(folder: Path, routes: Routes, run: Run) -> DeadlineCheck:
    credentials = read_credentials(folder / CREDENTIALS)
    return DeadlineCheck(routes, credentials, rate=RATE, rng=run.chances, patience_s=4.0)
