"""The judge of deadlines itself: whatever is missed, doubled or early is found, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.chaos.outside.due import came_due, judge, ms
from tests.chaos.outside.ledger import Json

BEGAN = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
TERMS = {
    "accept_ms": 10_000, "update_ms": 60_000, "restore_ms": 40_000, "report_ms": None, "confirm_ms": 5_000,
    "warn_percent": [50],
}  # fmt: skip


def moment(second: float) -> str:
    return (BEGAN + timedelta(seconds=second)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def entry(second: float, type: str, actor: str = "system:clock", **data: object) -> Json:
    return {"at": moment(second), "type": type, "actor": actor, "data": data}


def log_of(*entries: Json) -> list[Json]:
    reported = entry(0, "ticket.reported", "account:grid", reported_at=moment(0), terms=TERMS)
    return [{**found, "seq": seq} for seq, found in enumerate((reported, *entries), 1)]


def restore(second: float, percent: int = 100) -> Json:
    said = {"deadline": "restore/40000", "due_at": moment(40)}
    if percent == 100:
        return entry(second, "ticket.deadline_missed", **said)
    return entry(second, "ticket.deadline_warned", percent=percent, **said)


def escalated(second: float, times: int, again: float) -> Json:
    said = {"level": "network", "times": times, "cause": "breach", "group": None}
    return entry(second, "ticket.escalated", again_at=moment(again), **said)


def broken(*entries: Json, until: float) -> set[str]:
    found = judge({"VT261121-7K3QM9XA": log_of(*entries)}, ms(moment(until)))
    return {promise for promise, instances in found if instances}


ISSUED = entry(1, "order.issued", "system:dispatcher", order="O", network="0878")
ACCEPTED = entry(2, "order.accepted", "network:0878", order="O")
RESTORED = entry(30, "ticket.restored", "network:0878", restored_at=moment(30))
CLOSED = entry(35, "ticket.closed", reason="unanswered")


@pytest.mark.parametrize(
    ("entries", "until"),
    [
        ([ISSUED, ACCEPTED, restore(20, 50), restore(40)], 41),
        ([ISSUED, ACCEPTED, restore(41)], 42),  # nothing ran at 20 s: the furthest is told
        ([ISSUED, ACCEPTED, restore(20, 50), RESTORED, CLOSED], 99),
        ([restore(20, 50), escalated(20, 1, 25), escalated(25, 2, 30)], 29),
    ],
)
def test_kept_deadlines_are_not_called_broken(entries: list[Json], until: float) -> None:
    assert broken(*entries, until=until) == set()


@pytest.mark.parametrize(
    ("promise", "entries", "until"),
    [
        ("missed deadlines", [ISSUED, ACCEPTED, restore(20, 50)], 41),
        ("missed deadlines", [ISSUED, ACCEPTED], 21),
        ("missed deadlines", [ISSUED], 12),
        ("missed deadlines", [ISSUED, entry(12, "order.accepted", "network:0878", order="O")], 13),
        ("missed deadlines", [ISSUED, ACCEPTED, restore(20, 50), RESTORED], 36),
        ("doubled deadlines", [ISSUED, ACCEPTED, restore(40), restore(41)], 42),
        ("doubled deadlines", [ISSUED, ACCEPTED, restore(20, 50), RESTORED, CLOSED, CLOSED], 36),
        ("told before its time", [restore(39)], 39),
        ("told before its time", [entry(59, "ticket.unchanged")], 1),
        ("told before its time", [RESTORED, entry(34, "ticket.closed", reason="unanswered")], 34),
        ("silences", [restore(20, 50)], 81),
        ("escalations lost", [escalated(20, 1, 25)], 26),
        ("escalations doubled", [escalated(20, 1, 25), escalated(20, 1, 25)], 21),
    ],
)
def test_broken_deadline_is_found(promise: str, entries: list[Json], until: float) -> None:
    assert promise in broken(*entries, until=until)


def test_shorter_time_to_restore_is_the_one_that_counts() -> None:
    worse = entry(3, "ticket.terms_changed", "account:grid", terms={**TERMS, "restore_ms": 20_000})
    told = entry(20, "ticket.deadline_missed", deadline="restore/20000", due_at=moment(20))
    assert broken(ISSUED, ACCEPTED, worse, told, until=41) == set()
    assert broken(ISSUED, ACCEPTED, worse, restore(40), until=41) == {"missed deadlines"}


def test_every_deadline_that_came_due_is_counted() -> None:
    log = log_of(ISSUED, restore(20, 50), RESTORED)
    assert came_due({"one": log}, ms(moment(99))) == [ms(moment(11)), ms(moment(35))]
