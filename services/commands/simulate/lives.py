"""What befalls one incident in one arm: report, orders, the search, work with a crew, waits, restoration, reopening."""

from collections.abc import Callable, Generator
from dataclasses import dataclass

from services.commands.simulate.center import Center, Open
from services.commands.simulate.clockwork import Clockwork, Life, Turn
from services.commands.simulate.crews import Crews
from services.commands.simulate.incidents import Incident, Round, Stint
from services.commands.simulate.tally import Tally
from services.dispatcher.routing import responsible
from shared.contracts import progress as p
from shared.ids import NetworkCode

CrewsOf = Callable[[NetworkCode], Crews | None]
"""A network's; None: it always has one free."""


@dataclass
class Country:
    """One arm under way.

    `located`: the faulty segment is known when it is reported. `pace` stretches the work of the incidents.
    """

    clockwork: Clockwork
    center: Center
    tally: Tally
    crews: CrewsOf
    located: bool = False
    pace: float = 1.0

    def life(self, incident: Incident) -> Life:
        if incident.circuit.id in self.center.open:
            self.tally.joined += 1
            return
        known = incident.segment if self.located else None
        of = self.center.report(incident, incident.number, self.clockwork.now, segment=known)
        self.tally.opened(len(self.center.open))
        if not of.ticket.live_orders:
            self.tally.unroutable += 1
            return
        if incident.rounds[0].take_up_ms is None:
            return
        network = yield from self._found(of, incident)
        for number, one in enumerate(incident.rounds):
            if number:
                self.center.reopen(of, self.clockwork.now)
                yield from self._accepted(of, one.take_up_ms)
            yield from self._round(of, network, one)
            if not one.restored:
                return
            if one.held_ms is not None:
                yield self.clockwork.now + one.held_ms
        self.tally.over(self.center.close(of, self.clockwork.now))

    def _found(self, of: Open, incident: Incident) -> Generator[int | Turn, None, NetworkCode]:
        """The network that has the fault: ordered at once, or after another has looked for it in vain."""
        yield from self._accepted(of, incident.rounds[0].take_up_ms)
        ordered = [order.network for order in of.ticket.live_orders]
        home = responsible(of.circuit, incident.segment) if incident.segment else None
        if home is None or home in ordered:
            return home or min(ordered)
        yield self.clockwork.now + incident.detour_ms
        self.center.say(of, ordered[0], p.HandedOver(segment=incident.segment), self.clockwork.now)
        yield from self._accepted(of, incident.follow_ms)
        return home

    def _accepted(self, of: Open, after_ms: int | None) -> Life:
        """By all that have not yet."""
        if after_ms is None:
            return
        yield self.clockwork.now + after_ms
        for order in of.ticket.live_orders:
            if order.state == "issued":
                self.center.say(of, order.network, p.Accepted(), self.clockwork.now)

    def _round(self, of: Open, network: NetworkCode, one: Round) -> Life:
        for number, stint in enumerate(one.stints):
            yield from self._work(of, network, stint)
            if stint.reason is None:
                continue
            self.center.say(of, network, p.Suspended(reason=stint.reason), self.clockwork.now)
            yield self.clockwork.now + stint.wait_ms
            if number + 1 < len(one.stints):
                self.center.say(of, network, p.Resumed(), self.clockwork.now)
        if one.restored:
            self.center.say(of, network, p.Restored(), self.clockwork.now)

    def _work(self, of: Open, network: NetworkCode, stint: Stint) -> Life:
        took = round(stint.work_ms * self.pace)
        crews = self.crews(network)
        if crews is not None:
            yield crews.turn(of.rank)
        yield self.clockwork.now + took
        if crews is not None:
            crews.done(took)
