"""What is due about a ticket: found from its state alone, and never later than the log itself says."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from shared.clock import to_ms
from shared.contracts import facts as f
from shared.contracts.event import Event
from shared.testing.clock import START
from shared.tickets import model, timing
from shared.tickets.deadlines import due, look_at, restore_due_at, steps
from shared.tickets.hours import after, counted
from shared.tickets.model import Ticket
from shared.tickets.policy_file import read_policy
from tests.cases import BEIJING, MINUTE, ORDER, TICKET, accepted, issued, reported, restored
from tests.unit.test_sla_clock import BY_NETWORK, STEPS, log, resumed, suspended

TERMS = read_policy().terms_of("diamond", "down")
MIN = 60_000
ZERO = to_ms(START)


def after_these(*given: tuple[int, f.Fact]) -> Ticket:
    ticket = model.opened(TICKET, reported(terms=TERMS), START)
    for minute, fact in given:
        ticket = model.evolve(ticket, fact, START + minute * MINUTE, actor=BY_NETWORK)
    return ticket


def ahead(ticket: Ticket, kind: str) -> list[tuple[int, float]]:
    return [(s.percent, (s.at - ZERO) / MIN) for s in steps(ticket) if s.kind == kind]


def test_restoration_is_warned_of_at_its_parts_and_missed_at_the_whole() -> None:
    assert ahead(after_these(), "restore") == [(50, 60), (75, 90), (90, 108), (100, 120)]


def test_each_order_is_to_be_accepted_in_time_until_it_is() -> None:
    assert ahead(after_these((2, issued())), "accept")[-1] == (100, 17)
    assert ahead(after_these((2, issued()), (5, accepted())), "accept") == []


def test_ticket_that_waits_for_the_customer_has_no_restore_deadline_and_gets_it_back_later() -> None:
    assert ahead(after_these((10, suspended())), "restore") == []
    assert ahead(after_these((10, suspended()), (500, resumed())), "restore")[0] == (50, 550)


def test_end_of_a_pause_makes_nothing_due_at_once() -> None:
    ticket = after_these((10, suspended()), (500, resumed()))
    assert [s.kind for s in due(ticket, ZERO + 500 * MIN) if s.kind == "restore"] == []


def test_longer_target_forgets_no_pause_and_warns_anew() -> None:
    warned = f.DeadlineWarned("restore", f"restore/{TERMS.restore_ms}", 50, START)
    longer = f.TermsChanged(read_policy().terms_of("crystal", "down"), "the account was reviewed")
    ticket = after_these((10, suspended()), (40, resumed()), (90, warned), (91, longer))
    assert ahead(ticket, "restore")[0] == (50, 4 * 60 + 30)


def test_what_was_told_is_due_no_more_and_what_was_passed_over_is_not_told() -> None:
    ticket = after_these((0, f.DeadlineWarned("restore", f"restore/{TERMS.restore_ms}", 50, START)))
    assert [(s.percent) for s in due(ticket, ZERO + 110 * MIN) if s.kind == "restore"] == [90]


def test_customer_hears_at_least_every_update_interval_and_its_own_words_are_no_news() -> None:
    assert ahead(after_these(), "update") == [(100, 30)]
    assert ahead(after_these((20, f.NoteAdded("we look"))), "update") == [(100, 50)]


def test_restored_ticket_is_closed_in_time_and_owes_its_fault_report() -> None:
    ticket = after_these((1, issued()), (5, accepted()), (60, restored(at=START + 60 * MINUTE)))
    assert [s.kind for s in steps(ticket)] == ["report", "report", "report", "report", "confirm"]
    given = f.FaultReportGiven("fibre", "spliced", "Cut by roadworks; spliced.")
    assert [s.kind for s in steps(model.evolve(ticket, given, START + 61 * MINUTE))] == ["confirm"]


def test_what_was_missed_stays_due_when_it_is_over_before_anybody_looks() -> None:
    ticket = after_these((0, issued()), (20, accepted()), (130, restored(at=START + 121 * MINUTE)))
    assert [(s.kind, s.percent) for s in due(ticket, ZERO + 130 * MIN)] == [("accept", 100), ("restore", 100)]
    just_kept = after_these((0, issued()), (15, accepted()), (130, restored(at=START + 120 * MINUTE)))
    assert due(just_kept, ZERO + 130 * MIN) == []


def test_order_that_nobody_needs_any_more_is_not_late() -> None:
    ticket = after_these((0, issued()), (14, f.TicketCancelled()), (60, f.OrderStoodDown(ORDER, BEIJING, "cancelled")))
    assert steps(ticket) == []


def test_ticket_without_a_promise_is_never_due() -> None:
    assert look_at(model.opened(TICKET, reported(), START)) is None


@given(st.lists(st.tuples(st.sampled_from([0, 0, 1, 7, 13]), STEPS), max_size=14))
def test_breach_by_the_state_is_the_one_by_the_log(moves: Sequence[tuple[int, f.Fact]]) -> None:
    """Facts in any order, legal or not."""
    minute, given = 0, list[tuple[int, f.Fact]]()
    for step, fact in moves:
        minute += step
        given.append((minute, fact))
    ticket, events = after_these(*given), log(*given)
    first = reported(terms=TERMS)
    events[0] = Event(TICKET, 1, START, "ticket.reported", "account:x", first.account, "x", f.encode(first))
    found = timing.figures(events, START)
    by_log = found.promises["restore"].due_at
    assert by_log is None or restore_due_at(ticket) == by_log
    assert look_at(ticket) is None or look_at(ticket) == min(s.at for s in steps(ticket))


WINDOWS = st.lists(st.integers(1, 500), min_size=2, max_size=8).map(
    lambda gaps: tuple((sum(gaps[: 2 * i + 1]), sum(gaps[: 2 * i + 2])) for i in range(len(gaps) // 2))
)


@given(st.none() | WINDOWS, st.integers(0, 4000), st.integers(0, 4000))
def test_time_that_counts_and_the_instant_it_leads_to_agree(
    hours: tuple[tuple[int, int], ...] | None, start: int, length: int
) -> None:
    end = after(start, length, hours)
    assert counted(start, end, hours) == length
    assert length == 0 or counted(start, end - 1, hours) == length - 1


def test_clock_of_working_hours_stands_still_at_night() -> None:
    day = (ZERO, ZERO + 8 * 60 * MIN), (ZERO + 24 * 60 * MIN, ZERO + 32 * 60 * MIN)
    assert after(ZERO + 7 * 60 * MIN, 120 * MIN, day) == ZERO + 25 * 60 * MIN
    assert timedelta(milliseconds=counted(ZERO, ZERO + 25 * 60 * MIN, day)) == timedelta(hours=9)
