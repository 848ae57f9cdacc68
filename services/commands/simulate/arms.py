"""One arm of a comparison, run from its description: a plain value, so that another process can run it.

The same description gives the same result, byte for byte.
"""

import resource
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from services.commands.replay.history import read_history
from services.commands.simulate.center import Center
from services.commands.simulate.clockwork import Clockwork
from services.commands.simulate.crews import Crews
from services.commands.simulate.drawn import DAY_MS, Faults, Period, per_day
from services.commands.simulate.incidents import Incident
from services.commands.simulate.lives import Country
from services.commands.simulate.recorded import recorded
from services.commands.simulate.staffing import Staffing, read_staffing
from services.commands.simulate.tally import Tally
from shared.contracts import facts as f
from shared.ids import NetworkCode
from shared.registry.files.whole import RegistryFiles, read_registry
from shared.tickets.deadlines import restore_due_at
from shared.tickets.policy_file import read_policies

Routing = Literal["both-ends", "one-end", "located"]
PER_DAY = 40.0
PATIENCE_MS = 30 * DAY_MS
"""How much longer than a history's longest incident it goes on after the last report: what is open then stays so."""


@dataclass(frozen=True, slots=True)
class World:
    """What befalls both arms alike. `days` None: the history as it was recorded; else so many days of faults drawn like
    it, or like the demonstration's where there is none. `start` in ms is for the latter."""

    registry: Path
    networks: Path
    history: Path | None
    days: int | None
    per_day: float | None
    start: int
    seed: int


@dataclass(frozen=True, slots=True)
class Arm:
    """What is compared. `policy` None: the one that ships; `staffing` None: a crew is always free."""

    policy: Path | None = None
    staffing: Path | None = None
    routing: Routing = "both-ends"
    pace: float = 1.0


@dataclass(frozen=True, slots=True)
class Result:
    """`crews`: jobs, hours worked, hours waited for one. `peak_mib`: of the process that ran it."""

    tally: Tally
    jobs: int
    worked_ms: int
    waited_ms: int
    peak_mib: int


def run(world: World, arm: Arm) -> Result:
    """Raises ValueError for a file that is not what it should be, OSError."""
    files = read_registry(world.networks, world.registry)
    incidents, until = incidents_of(world, files)
    return befall(incidents, files, arm, until=until, tally=Tally())


def befall(incidents: Iterable[Incident], files: RegistryFiles, arm: Arm, *, until: int, tally: Tally) -> Result:
    """`incidents` in order of time, over these circuits; what is open `until` then is left."""
    clockwork = Clockwork()
    codes = frozenset(network.code for network in files.networks)
    accounts = {account.id: account for account in files.accounts}
    center = Center(read_policies(arm.policy), accounts, codes.__contains__, ROUTINGS[arm.routing])
    crews = _Everywhere(clockwork, read_staffing(arm.staffing) if arm.staffing else None)
    country = Country(clockwork, center, tally, crews.of, located=arm.routing == "located", pace=arm.pace)
    clockwork.run(((one.at, country.life(one)) for one in incidents), until=until)
    for left in center.open.values():
        tally.left += 1
        due = restore_due_at(left.ticket)
        if due is not None and due <= clockwork.now and left.ticket.status != "pending":
            tally.late(center.measured(left))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    of = crews.all.values()
    return Result(tally, sum(c.jobs for c in of), sum(c.worked_ms for c in of), sum(c.waited_ms for c in of), peak)


def incidents_of(world: World, files: RegistryFiles) -> tuple[Iterable[Incident], int]:
    """In order of time, and until when to go on."""
    like = recorded(read_history(world.history), files.circuits) if world.history else ()
    patience = PATIENCE_MS + max((one.whole_ms for one in like), default=0)
    if world.days is None:
        return like, max((one.at for one in like), default=world.start) + patience
    start = like[0].at // DAY_MS * DAY_MS if like else world.start
    period = Period(start, world.days, world.per_day or (per_day(like) if like else PER_DAY))
    return Faults(files.circuits, like, seed=world.seed).drawn(period), start + world.days * DAY_MS + patience


class _Everywhere:
    """The crews of all networks, each made when it is first asked for."""

    def __init__(self, clockwork: Clockwork, staffing: Staffing | None) -> None:
        self._clockwork = clockwork
        self._staffing = staffing
        self.all: dict[NetworkCode, Crews] = {}

    def of(self, network: NetworkCode) -> Crews | None:
        if self._staffing is None:
            return None
        if network not in self.all:
            self.all[network] = Crews(self._clockwork, self._staffing.of(network))
        return self.all[network]


def _as_routed(orders: Sequence[f.Fact]) -> Sequence[f.Fact]:
    return orders


def _first_only(orders: Sequence[f.Fact]) -> Sequence[f.Fact]:
    """The A-end's; the Z-end is ordered when the A-end hands over."""
    return orders[:1]


ROUTINGS: Mapping[Routing, Callable[[Sequence[f.Fact]], Sequence[f.Fact]]] = {
    "both-ends": _as_routed, "one-end": _first_only, "located": _as_routed,
}  # fmt: skip
