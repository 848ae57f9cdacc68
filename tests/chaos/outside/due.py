"""Deadlines held against tickets' logs: what came due was told, once, and not before. Pure.

Written from `docs/architecture/escalation.md`; it knows tickets that are never suspended, handed over or reopened, and
one change of terms: a further report that is worse asks for a shorter time to restore.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.chaos.outside.ledger import Json
from tests.chaos.outside.verdict import Finding

WARNED, MISSED, CLOSED = "ticket.deadline_warned", "ticket.deadline_missed", "ticket.closed"
TERMS_CHANGED = "ticket.terms_changed"
ANSWERS = ("order.accepted", "order.declined", "order.handed_over", "order.stood_down")
ENDS = ("ticket.restored", "ticket.cancelled", "ticket.rejected", "ticket.closed")


def ms(instant: str) -> int:
    return round(datetime.fromisoformat(instant).timestamp() * 1000)


@dataclass(frozen=True, slots=True)
class Deadline:
    """It runs from `begins`; `ended` is when what it is about was done, None: not yet."""

    name: str
    begins: int
    length: int
    ended: int | None
    warned_at: Sequence[int]

    @property
    def at(self) -> int:
        return self.begins + self.length

    def furthest(self, until: int) -> int:
        """The percent that must have been told by then; 0: none, or it was done and in time."""
        if self.ended is not None:
            return 100 if self.at < min(self.ended, until) else 0
        return max((p for p in (*self.warned_at, 100) if self.begins + self.length * p // 100 < until), default=0)


def judge(logs: Mapping[str, list[Json]], until: int) -> list[Finding]:
    """`until` (ms): everything that came due before then is to be in the logs."""
    found: dict[str, list[str]] = {
        name: []
        for name in ("missed deadlines", "doubled deadlines", "told before its time", "silences", "escalations lost",
                     "escalations doubled")
    }  # fmt: skip
    for ticket, log in logs.items():
        for promise, broken in _of_one(log, until):
            found[promise].append(f"{ticket}: {broken}")
    return list(found.items())


def came_due(logs: Mapping[str, list[Json]], until: int) -> list[int]:
    """The instants at which some deadline was over."""
    found = [d.at for log in logs.values() for d in deadlines(log) if d.furthest(until) == 100]
    return found + [at for log in logs.values() if (at := _confirm_by(log)) is not None and at < until]


def _of_one(log: list[Json], until: int) -> Iterator[tuple[str, str]]:
    told, furthest = Counter[tuple[str, int]](), dict[str, int]()
    for entry in log:
        if entry["type"] in (WARNED, MISSED):
            name, percent = entry["data"]["deadline"], entry["data"].get("percent", 100)
            told[name, percent] += 1
            furthest[name] = max(furthest.get(name, 0), percent)
            if entry["type"] == MISSED and ms(entry["at"]) < ms(entry["data"]["due_at"]):
                yield "told before its time", f"{name} at {entry['at']}"
    yield from (("doubled deadlines", f"{name} {p} %, {n} times") for (name, p), n in told.items() if n > 1)
    for deadline in deadlines(log):
        if (expected := deadline.furthest(until)) > furthest.get(deadline.name, 0):
            yield "missed deadlines", f"{deadline.name}: {expected} %, told {furthest.get(deadline.name, 0)} %"
    yield from _closing(log, until)
    yield from _silence(log, until)
    yield from _escalations(log, until)


def deadlines(log: list[Json]) -> Iterator[Deadline]:
    terms, end = log[0]["data"]["terms"], _first(log, *ENDS)
    warned, over = terms["warn_percent"], None if end is None else ms(end["at"])
    for number, entry in enumerate(log):
        if entry["type"] == "order.issued":
            issued, order = ms(entry["at"]), entry["data"]["order"]
            later = (e for e in log[number + 1 :] if e["data"].get("order") == order)
            answer = next((e for e in later if e["type"] in (*ANSWERS, "order.issued")), None)
            ends = [at for at in (over, answer and ms(answer["at"])) if at is not None]
            name = f"accept/{order}/{issued}"
            yield Deadline(name, issued, terms["accept_ms"], min(ends, default=None), warned)
    restored = _first(log, "ticket.restored")
    back = restored and ms(restored["data"]["restored_at"])
    reported, length = ms(log[0]["data"]["reported_at"]), _restore_ms(log)
    yield Deadline(f"restore/{length}", reported, length, back or over, warned)
    if back is not None and terms["report_ms"] is not None:
        given = _first(log, "ticket.fault_report_given")
        ended = given and ms(given["at"])
        yield Deadline(f"report/{back}", back, terms["report_ms"], ended, warned)


def _restore_ms(log: list[Json]) -> int:
    """As the terms in force have it: what was not told of earlier ones is owed no more."""
    changes = [entry for entry in log if entry["type"] == TERMS_CHANGED]
    return int([log[0], *changes][-1]["data"]["terms"]["restore_ms"])


def _confirm_by(log: list[Json]) -> int | None:
    restored = _first(log, "ticket.restored")
    length = log[0]["data"]["terms"]["confirm_ms"]
    return None if restored is None or length is None else ms(restored["at"]) + int(length)


def _closing(log: list[Json], until: int) -> Iterator[tuple[str, str]]:
    closed, by = [e for e in log if e["type"] == CLOSED], _confirm_by(log)
    if len(closed) > 1:
        yield "doubled deadlines", f"closed {len(closed)} times"
    if by is not None and by < until and not closed:
        yield "missed deadlines", "nobody confirmed, and it is not closed"
    if closed and closed[0]["data"]["reason"] == "unanswered" and (by is None or ms(closed[0]["at"]) < by):
        yield "told before its time", f"closed at {closed[0]['at']}"


def _silence(log: list[Json], until: int) -> Iterator[tuple[str, str]]:
    """Word that nothing changed comes neither early nor never."""
    longest, told_at = log[0]["data"]["terms"]["update_ms"], ms(log[0]["at"])
    for entry in log[1:]:
        if entry["actor"].startswith("account:"):
            continue
        if entry["type"] == "ticket.unchanged" and ms(entry["at"]) < told_at + longest:
            yield "told before its time", f"unchanged at {entry['at']}"
        told_at = ms(entry["at"])
    if _first(log, *ENDS) is None and told_at + longest < until:
        yield "silences", f"nothing since {told_at}, and it is {until}"


def _escalations(log: list[Json], until: int) -> Iterator[tuple[str, str]]:
    """Before the restoration each level is told for the first, second … time once; the last goes on in time."""
    end = _first(log, *ENDS)
    ours = [e for e in log if e["type"] == "ticket.escalated" and (end is None or e["seq"] < end["seq"])]
    told: dict[tuple[str, int], list[int]] = defaultdict(list)
    for entry in ours:
        if entry["data"]["cause"] != "mass_fault" and entry["data"]["group"] is None:
            told[entry["data"]["level"], entry["data"]["times"]].append(entry["seq"])
    yield from (("escalations doubled", f"{of} by {seqs}") for of, seqs in told.items() if len(seqs) > 1)
    if ours and end is None and ms(ours[-1]["data"]["again_at"]) < until:
        yield "escalations lost", f"{ours[-1]['seq']} was to be told again at {ours[-1]['data']['again_at']}"


def _first(log: list[Json], *types: str) -> Json | None:
    return next((entry for entry in log if entry["type"] in types), None)
