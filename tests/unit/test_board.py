"""The figures that a demonstration shows."""

from datetime import timedelta
from typing import Any

from services.commands.demo.board import LAST, Board


def fact(ticket: str, type_: str, status: str, **data: Any) -> dict[str, Any]:
    return {"ticket": ticket, "type": type_, "status": status, "data": data}


def reported(ticket: str) -> dict[str, Any]:
    return fact(ticket, "ticket.reported", "acknowledged", reported_at="2026-11-21T08:00:00.000Z")


def restored(ticket: str, at: str) -> dict[str, Any]:
    return fact(ticket, "ticket.restored", "resolved", restored_at=at)


def board(*facts: dict[str, Any]) -> Board:
    board = Board()
    for piece in facts:
        board.see(piece)
    return board


def test_each_ticket_counts_once_with_its_latest_status() -> None:
    found = board(reported("A"), reported("B"), fact("B", "order.accepted", "inProgress"))
    assert found.counts == {"acknowledged": 1, "inProgress": 1}


def test_ticket_that_is_over_counts_once_whatever_is_said_after() -> None:
    found = board(reported("A"), fact("A", "ticket.cancelled", "cancelled"), fact("A", "order.stood_down", "cancelled"))
    assert (found.counts, found.open) == ({"cancelled": 1}, {})


def test_time_to_repair_is_the_median_from_report_to_restoration() -> None:
    ends = {"A": "2026-11-21T09:00:00.000Z", "B": "2026-11-21T10:00:00.000Z", "C": "2026-11-21T15:00:00.000Z"}
    found = board(*map(reported, ends), *(restored(ticket, at) for ticket, at in ends.items()))
    assert (found.repairs, found.median_repair) == (3, timedelta(hours=2))


def test_ticket_whose_report_was_not_seen_is_not_measured() -> None:
    assert board(restored("A", "2026-11-21T09:00:00.000Z")).median_repair is None


def test_only_the_last_facts_are_kept() -> None:
    assert len(board(*(reported(str(n)) for n in range(3 * LAST))).last) == LAST
