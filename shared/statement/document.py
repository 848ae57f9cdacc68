"""The body of a statement: one pure function of a ticket's log, an instant and the names that people read.

Verifying is making it again from its own entries and comparing, so there is nothing in it that can't be made from them,
but for the names. Instants are texts in UTC with milliseconds, durations whole milliseconds.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from shared.clock import from_ms, rfc3339
from shared.contracts import facts as f
from shared.origin import digest_of
from shared.statement import story
from shared.statement.sealing import FORMAT
from shared.statement.story import Facts
from shared.tickets import timing
from shared.tickets.log import Entry
from shared.tickets.timing import Figures, Interval, Spell

Json = dict[str, Any]
GOALS = {"5h": 5 * 3_600_000, "2h": 2 * 3_600_000}


@dataclass(frozen=True, slots=True)
class Name:
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Names:
    """What the account and the networks are called; codes stand where a name is missing."""

    account: Name | None = None
    networks: Mapping[str, Name] = field(default_factory=dict)

    def shown(self) -> Json:
        account = None if self.account is None else _name(self.account)
        return {"account": account, "networks": {code: _name(name) for code, name in self.networks.items()}}


def body(log: Sequence[Entry], now: datetime, names: Names) -> Json:
    """`log` is complete and in order. Raises ValueError when it does not begin with a report."""
    return made([Said(entry, digest_of(entry.origin)) for entry in log], now, names.shown())


@dataclass(frozen=True, slots=True)
class Said:
    """An entry and the digest of where it came from: the one thing about it that a statement's reader can't make."""

    entry: Entry
    origin: str


def made(log: Sequence[Said], now: datetime, names: Json) -> Json:
    """As `body`, of entries as a statement's reader has them."""
    entries = [said.entry for said in log]
    facts: Facts = [(entry, entry.fact()) for entry in entries]
    figures, report = timing.figures(entries, now), facts[0][1]
    assert isinstance(report, f.FaultReported)
    changed = [fact for _, fact in story.of(facts, f.TermsChanged)]
    return {
        "format": FORMAT, "as_of": _at(figures.now), "ticket": entries[0].ticket, "account": report.account,
        "circuit": report.circuit, "names": names, "status": entries[-1].status,
        "impact": _last([report.impact, *(fact.impact for fact in changed)]),
        "tier": _last([report.tier, *(fact.tier for fact in changed)]),
        "figures": _figures(figures), "targets": _targets(figures), "goals": _goals(figures),
        "intervals": [_interval(i, facts) for i in figures.intervals],
        "orders": [_order(spell) for spell in figures.spells], "shares": _shares(figures),
        "terms": story.terms(facts), "suspensions": story.suspensions(facts, figures),
        "restorations": story.restorations(facts), "fault_reports": story.fault_reports(facts),
        "timeouts": story.timeouts(facts), "escalations": story.escalations(facts),
        "entries": [_entry(said) for said in log],
    }  # fmt: skip


def codes_in(log: Sequence[Entry]) -> set[str]:
    """The networks that were ordered: those whose names its reader wants."""
    return {fact.network for entry in log if isinstance(fact := entry.fact(), f.OrderIssued)}


def _figures(found: Figures) -> Json:
    return {
        "state": found.state, "reported_at": _at(found.reported_at),
        "restored_at": None if found.restored_at is None else _at(found.restored_at),
        "time_to_repair_ms": found.time_to_repair, "is_final": timing.is_final(found), "response_ms": found.response,
        "last_heard_at": _at(found.last_heard_at), "pending_ms": dict(found.pending), "held_ms": dict(found.held),
        "stages_ms": dict(found.stages),
    }  # fmt: skip


def _targets(figures: Figures) -> Json:
    """Those that were promised, by kind."""
    return {
        kind: {
            "target_ms": p.target, "used_ms": p.used, "verdict": p.verdict,
            "due_at": None if p.due_at is None else _at(p.due_at),
        }
        for kind, p in figures.promises.items()
    }  # fmt: skip


def _goals(figures: Figures) -> Json:
    """The time to repair against what all are measured by, whatever was promised."""
    return {
        name: {"target_ms": ms, "used_ms": figures.time_to_repair, "verdict": timing.verdict(figures, ms)}
        for name, ms in GOALS.items()
    }


def _interval(i: Interval, facts: Facts) -> Json:
    return {
        "seq": i.seq, "start": _at(i.start), "end": _at(i.end), "length_ms": i.length, "state": i.state,
        "counts": i.counts, "reason": i.reason, "evidence": i.evidence, "network": i.network,
        "author": facts[i.seq - 1][0].actor, "struck_out": i.struck,
    }  # fmt: skip


def _order(s: Spell) -> Json:
    return {
        "order": s.order, "network": s.network, "start": _at(s.start), "end": None if s.end is None else _at(s.end),
        "ended_by": s.ended_by, "accepted_at": None if s.accepted is None else _at(s.accepted),
        "counted_ms": s.counted,
    }  # fmt: skip


def _shares(figures: Figures) -> Json:
    """Each network's share: what of its spells counted."""
    total: Counter[str] = Counter()
    for spell in figures.spells:
        total[spell.network] += spell.counted
    return dict(total)


def _entry(said: Said) -> Json:
    """`data` stays the text that was hashed."""
    e = said.entry
    return {
        "seq": e.seq, "at": rfc3339(e.at), "type": e.type, "actor": e.actor, "account": e.account, "status": e.status,
        "origin": said.origin, "data": e.data.decode(), "hash": e.hash.hex(),
    }  # fmt: skip


def _last(found: Sequence[str | None]) -> str | None:
    return next((one for one in reversed(found) if one is not None), None)


def _name(name: Name) -> Json:
    return {"zh": name.zh, "en": name.en}


def _at(ms: int) -> str:
    return rfc3339(from_ms(ms))
