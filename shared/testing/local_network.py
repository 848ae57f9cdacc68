"""Simulated local networks: they take their orders, find out where the fault is, and repair it, by a seeded script.

All networks of one simulation share one country: a fault is where it is, so exactly one of them restores a ticket.
What the center refuses is the truth (somebody else was first) and never an error.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random

from shared.clock import Clock, SystemClock
from shared.contracts import progress as p
from shared.errors import Unavailable
from shared.ids import NetworkCode, OrderId, TicketId
from shared.testing import repair as r
from shared.testing.network_door import Door, Ordered, StoodDown
from shared.testing.pace import Pace

log = logging.getLogger(__name__)
TRY_AGAIN_S = 0.5
MAY_BE_REFUSED = (p.Progressed, p.Suspended, p.Resumed, p.AssistanceAsked)
"""When one of these is refused the work goes on all the same."""
ENDS = (p.Declined, p.HandedOver, p.Restored)
REMEMBERED = 5_000
"""Incidents; an older one that comes again is a new one to the country."""


@dataclass(slots=True)
class _Incident:
    """What the country knows of one ticket: where the fault is, and which networks have a live order on it."""

    seed: str
    fault: r.Fault
    circuit: r.Circuit | None
    live: dict[OrderId, NetworkCode] = field(default_factory=dict)

    def is_ordered(self, network: NetworkCode) -> bool:
        return network in self.live.values()

    def rng(self, order: Ordered) -> Random:
        return Random(f"{self.seed}/{order.network}/{order.round}")

    def helper(self, rng: Random, known: Collection[NetworkCode]) -> NetworkCode | None:
        """Another network that the circuit passes and that is not at work on it yet."""
        passed = [s["network"] for s in self.circuit["segments"]] if self.circuit else []
        others = [n for n in dict.fromkeys(passed) if n in known and n != self.fault.home and not self.is_ordered(n)]
        return rng.choice(others) if others else None


class LocalNetworks:
    """The networks `known`, over one door. `circuits` by id, as far as this country's maps go."""

    def __init__(
        self,
        door: Door,
        *,
        known: Collection[NetworkCode],
        circuits: Mapping[str, r.Circuit],
        pace: Pace,
        clock: Clock | None = None,
        seed: int = 0,
    ) -> None:
        self._door = door
        self._known = frozenset(known)
        self._circuits = circuits
        self._pace = pace
        self._clock = clock or SystemClock()
        self._seed = seed
        self._incidents: dict[TicketId, _Incident] = {}
        self._faults: Counter[str] = Counter()
        self._issue: dict[OrderId, str] = {}
        self._started = secrets.token_hex(4)
        self._numbers = count()
        self._work: set[asyncio.Task[None]] = set()
        self.said: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    async def run(self) -> None:
        """Until the pace is stopped."""
        while not self._pace.stopped:
            try:
                news = await self._door.news()
            except Unavailable as error:
                log.info("the local networks hear nothing: %s", error)
                await self._pace.wait_s(TRY_AGAIN_S)
                continue
            for piece in news:
                if isinstance(piece, StoodDown):
                    self._stand_down(piece.order)
                elif not piece.description.startswith(r.LEAVE_ALONE):
                    self._take_up(piece)
        await asyncio.gather(*self._work)

    def _take_up(self, order: Ordered) -> None:
        incident = self._incidents.get(order.ticket) or self._begin(order)
        incident.live[order.order] = order.network
        self._issue[order.order] = order.issue
        task = asyncio.create_task(self._work_on(order, incident), name=f"work-{order.order}")
        self._work.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._work.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("%s failed", task.get_name(), exc_info=error)

    def _begin(self, order: Ordered) -> _Incident:
        self._faults[order.circuit] += 1
        seed = f"{self._seed}/{order.circuit}/{self._faults[order.circuit]}"
        circuit = self._circuits.get(order.circuit)
        fault = r.draw_fault(Random(seed), circuit, ordered=order.network, known=self._known)
        if len(self._incidents) >= REMEMBERED:
            self._incidents.pop(next(iter(self._incidents)))
        return self._incidents.setdefault(order.ticket, _Incident(seed, fault, circuit))

    def _stand_down(self, order: OrderId) -> None:
        self._issue.pop(order, None)
        if incident := self._incidents.get(TicketId(order.rsplit(".", 1)[0])):
            incident.live.pop(order, None)

    async def _work_on(self, order: Ordered, incident: _Incident) -> None:
        """One order's work, from its coming until it is done or somebody else's."""
        rng, fault = incident.rng(order), incident.fault
        if order.network == fault.home and order.round > 1:
            await self._repair(order, r.repair_again(rng, fault), r.fault_report(rng, fault))
        elif order.network == fault.home:
            moves = r.repair(rng, fault, helper=incident.helper(rng, self._known))
            await self._repair(order, moves, r.fault_report(rng, fault))
        elif order.kind == "assistance":
            await self._play(order, r.assist(rng))
        elif await self._play(order, r.look_in_vain(rng)):
            elsewhere = incident.is_ordered(fault.home)
            await self._play(order, r.leave_it_to_the_other_end(rng) if elsewhere else r.hand_over(rng, fault))

    async def _repair(self, order: Ordered, moves: Sequence[r.Move], report: r.Move) -> None:
        """The order ends with the restoration; the fault report is owed all the same."""
        if await self._play(order, moves) and await self._pace.wait(report.after):
            await self._say(order, report)

    async def _play(self, order: Ordered, moves: Sequence[r.Move]) -> bool:
        """Whether all was said and the order is still this network's to work on."""
        for move in moves:
            if not await self._pace.wait(move.after) or self._issue.get(order.order) != order.issue:
                return False
            taken_before = order.accepted and isinstance(move.say, p.Accepted)
            if not taken_before and not await self._say(order, move):
                return False
        return True

    async def _say(self, order: Ordered, move: r.Move) -> bool:
        """Whether the work goes on after it."""
        expected = self._pace.real(move.expected) if move.expected else None
        said = move.said_at(self._clock.now(), expected)
        taken = await self._until_heard(order, said, once=f"{self._started}-{order.issue}-{next(self._numbers)}")
        if taken is None:
            return False
        (self.said if taken else self.refused)[p.NAMES[type(said)]] += 1
        if taken and isinstance(said, ENDS):
            self._stand_down(order.order)
        return taken or isinstance(said, MAY_BE_REFUSED)

    async def _until_heard(self, order: Ordered, said: p.Progress, *, once: str) -> bool | None:
        """Whether it was taken; None when the simulation was stopped before anybody answered."""
        while True:
            try:
                return await self._door.say(order.order, said, once=once)
            except Unavailable as error:
                log.info("%s is not heard: %s", order.order, error)
                if not await self._pace.wait_s(TRY_AGAIN_S):
                    return None
