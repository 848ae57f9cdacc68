"""What was promised and whether it was kept: the targets of a statement with their verdicts. Pure.

Time counts within the service hours of the terms; the last terms hold for the whole of a ticket.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.clock import to_ms
from shared.contracts import facts as f
from shared.contracts.event import Event
from shared.tickets import timing
from shared.tickets.hours import Hours, counted
from shared.tickets.timing import Figures, Spell, Verdict

HOUR_MS = 3_600_000
Facts = Sequence[tuple[Event, f.Fact]]


@dataclass(frozen=True, slots=True)
class Target:
    """`took` ms of `target` ms, up to now where it is still running."""

    target: int
    took: int
    verdict: Verdict

    def shown(self) -> dict[str, Any]:
        return {"target_ms": self.target, "took_ms": self.took, "verdict": self.verdict}


def terms_of(facts: Facts) -> f.Terms | None:
    """Those that hold by now."""
    found = None
    for _, fact in facts:
        if isinstance(fact, f.FaultReported | f.TermsChanged) and fact.terms is not None:
            found = fact.terms
    return found


def restore(facts: Facts, figures: Figures) -> Target | None:
    """The promise of the terms; of a ticket without any, that of its report. None without a time to repair."""
    terms, report = terms_of(facts), facts[0][1]
    assert isinstance(report, f.FaultReported)
    if terms is not None:
        return _repaired(figures, terms.restore_ms, hours=terms.hours)
    return None if report.breach_at is None else _repaired(figures, to_ms(report.breach_at) - figures.reported_at)


def within_hours(figures: Figures, hours: int) -> Target | None:
    return _repaired(figures, hours * HOUR_MS)


def accept(spell: Spell, facts: Facts, now: int) -> Target | None:
    """From the order until it was answered: accepted, or else declined, handed over, or taken back."""
    if (terms := terms_of(facts)) is None:
        return None
    answered = spell.end if spell.accepted is None else spell.accepted
    return _judged(spell.start, answered, terms.accept_ms, hours=terms.hours, now=now)


def report(facts: Facts, figures: Figures) -> Target | None:
    """From the restoration that stands to the first fault report after it."""
    terms = terms_of(facts)
    if terms is None or terms.report_ms is None or figures.restored_at is None:
        return None
    restored = max(event.seq for event, fact in facts if isinstance(fact, f.ServiceRestored))
    given = (to_ms(e.at) for e, fact in facts if isinstance(fact, f.FaultReportGiven) and e.seq > restored)
    return _judged(figures.restored_at, next(given, None), terms.report_ms, hours=terms.hours, now=figures.now)


def _repaired(figures: Figures, target: int, *, hours: Hours = None) -> Target | None:
    if figures.time_to_repair is None:
        return None
    took = sum(counted(i.start, i.end, hours) for i in figures.intervals if i.counts)
    return Target(target, took, _verdict(took, target, over=timing.is_final(figures)))


def _judged(start: int, end: int | None, target: int, *, hours: Hours, now: int) -> Target:
    took = counted(start, now if end is None else end, hours)
    return Target(target, took, _verdict(took, target, over=end is not None))


def _verdict(took: int, target: int, *, over: bool) -> Verdict:
    if took > target:
        return "breached"
    return "met" if over else "running"
