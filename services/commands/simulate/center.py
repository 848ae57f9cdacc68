"""A center in memory: the decisions of the real one, its log and its measures, without a database, a bus or a door.

Whatever is decided here is decided by what decides in production: intake's and the dispatcher's models, routing, terms,
the log's fold, and the measure of a ticket from its log. Only who calls them is another.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.commands.simulate.incidents import Incident
from services.dispatcher import model as dispatcher
from services.dispatcher.handlers import ACTOR
from services.dispatcher.measures.measure import Measure, Place, measure
from services.dispatcher.model import Ground, Known
from services.dispatcher.prediction.foretelling import case_of, with_what_follows
from services.dispatcher.prediction.history import Case, History
from services.intake import model as intake
from shared.clock import from_ms
from shared.contracts import facts as f
from shared.contracts import progress as p
from shared.ids import AccountId, CircuitId, NetworkCode, TicketId
from shared.registry.model.account import Account
from shared.registry.model.circuit import Circuit
from shared.registry.subject import as_subject
from shared.tickets.log import Entry, append, open_ticket
from shared.tickets.model import Ticket
from shared.tickets.ranks import standing_of
from shared.tickets.targets import Policies, breach_at

LOOKS_EVERY_MS = 3_600_000
Routing = Callable[[Sequence[f.Fact]], Sequence[f.Fact]]


def _first_network(case: Case) -> Case:
    """A measure knows one: the one that was ordered first, until one has restored."""
    return replace(case, networks=case.networks[:1])


@dataclass(slots=True)
class Open:
    """A ticket that is not over, with its log."""

    ticket: Ticket
    entries: list[Entry]
    circuit: Circuit
    ground: Ground

    @property
    def rank(self) -> int:
        standing = standing_of(self.ticket)
        assert standing is not None, "every ticket of the simulation has terms"
        return standing.rank_at


@dataclass
class Center:
    """`accounts` by id, `known` whether a network exists. `routing` is what the proposal makes of the first orders."""

    policies: Policies
    accounts: Mapping[AccountId, Account]
    known: Known
    routing: Routing
    history: History = field(default_factory=History)
    open: dict[CircuitId, Open] = field(default_factory=dict)
    _looked_at: int = 0

    def report(self, incident: Incident, number: int, now: int, *, segment: str | None) -> Open:
        circuit, at, account = incident.circuit, from_ms(now), self.accounts[incident.circuit.account]
        one_path = intake.is_one_path(incident.impact, both_paths=False, protected=circuit.protected)
        impact: f.Impact = "degraded" if one_path else incident.impact
        subject = as_subject(account.contract, circuit)
        terms = self.policies.at(at).terms_of(account.tier, impact, subject=subject, reported_at=at, now=at)
        fact = f.FaultReported(
            account=circuit.account, circuit=circuit.id, impact=impact, description="simulated", reported_at=at,
            segment=segment, reported_impact=incident.impact if one_path else None, tier=account.tier,
            breach_at=breach_at(terms, at), terms=terms,
        )  # fmt: skip
        ticket, entry = open_ticket(
            TicketId(f"VT{at:%y%m%d}-{number:08d}"), fact, at=at, actor=f"account:{circuit.account}"
        )
        found = Open(ticket, [entry], circuit, Ground(self.known, circuit))
        self.open[circuit.id] = found
        self._look_at_lasting(now)
        self._record(found, self.routing(dispatcher.dispatch(ticket, at, ground=found.ground)), now)
        return found

    def say(self, of: Open, network: NetworkCode, said: p.Progress, now: int) -> None:
        facts = dispatcher.progress(of.ticket, from_ms(now), network=network, said=said, ground=of.ground)
        self._record(of, facts, now)

    def reopen(self, of: Open, now: int) -> None:
        self._record(of, intake.reopen(of.ticket, from_ms(now), reason="down again"), now)
        self._record(of, dispatcher.dispatch(of.ticket, from_ms(now), ground=of.ground), now)

    def close(self, of: Open, now: int) -> Measure:
        """The customer confirms; what was measured of the ticket is learned from, as the real one learns."""
        self._record(of, intake.confirm(of.ticket, from_ms(now), comment=None), now)
        del self.open[of.circuit.id]
        found = self.measured(of)
        if found.restored_at is not None and found.network is not None:
            like = Case(
                networks=(found.network,), segment=found.segment_kind, impact=found.impact, cause=found.cause,
                suspended=found.pending > 0,
            )  # fmt: skip
            self.history.learn(like, found.restored_at - found.reported_at)
        return found

    def measured(self, of: Open) -> Measure:
        return measure(of.entries, Place.of(of.circuit), {})

    def _look_at_lasting(self, now: int) -> None:
        """As the real one looks again and again."""
        if now - self._looked_at >= LOOKS_EVERY_MS:
            self._looked_at = now
            self.history.look_at_lasting(
                (_first_network(case_of(one.ticket, one.circuit)), now - one.ticket.marks[0].at)
                for one in self.open.values()
                if one.ticket.restored_at is None
            )

    def _record(self, of: Open, facts: Sequence[f.Fact], now: int) -> None:
        at = from_ms(now)
        facts = with_what_follows(of.ticket, facts, at, circuit=of.circuit, history=self.history)
        of.ticket, entries = append(of.ticket, of.entries[-1].hash, facts, at=at, actor=ACTOR)
        of.entries += entries
