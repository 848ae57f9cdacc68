"""How a ticket stood right after an event: folded from its log up to there, so every try tells the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.clock import to_ms
from shared.contracts.facts import Fact, FaultReported
from shared.ids import NetworkCode
from shared.tickets import timing
from shared.tickets.log import Entry, fold
from shared.tickets.model import Ticket
from shared.tickets.timing import Figures


@dataclass(frozen=True, slots=True)
class Name:
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Situation:
    """`entry` is what is told of. `target_ms`: the promised time to repair. `networks`: the names that are known."""

    entry: Entry
    fact: Fact
    ticket: Ticket
    figures: Figures
    target_ms: int | None
    networks: Mapping[NetworkCode, Name]


def situation(log: Sequence[Entry], networks: Mapping[NetworkCode, Name]) -> Situation:
    """After the last entry of `log`, which is complete up to there. Raises ValueError when it begins with no report."""
    ticket, last = fold(log), log[-1]
    report = log[0].fact()
    assert isinstance(report, FaultReported)
    target = None if report.breach_at is None else to_ms(report.breach_at) - to_ms(report.reported_at)
    return Situation(last, last.fact(), ticket, timing.figures(log, last.at), target, networks)
