"""What a ticket is: the fold of its facts; and which moves it allows."""

from collections.abc import Sequence
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.clock import to_ms
from shared.contracts import facts as f
from shared.errors import IllegalMove
from shared.testing.clock import START
from shared.tickets import model
from shared.tickets.log import append, fold, open_ticket
from shared.tickets.model import ORDER_MOVES, TICKET_MOVES, Order, OrderState, Status, Suspension, Ticket
from shared.tickets.store import STATE, state_json
from tests.cases import ACTOR, BEIJING, CHUXIONG, MINUTE, ORDER, TICKET, accepted, issued, log_of, reported, restored
from tests.strategies import FACTS, INSTANTS, REPORTS

SUSPENDED = f.TicketSuspended(ORDER, BEIJING, "pending", "customer_unavailable")
HELD = f.TicketSuspended(ORDER, BEIJING, "held", "spares")
RESOLVED = (issued(), accepted(), restored())
WAY_TO: dict[Status, Sequence[f.Fact]] = {
    "acknowledged": (),
    "inProgress": (issued(), accepted()),
    "pending": (issued(), accepted(), SUSPENDED),
    "held": (issued(), accepted(), HELD),
    "resolved": RESOLVED,
    "closed": (*RESOLVED, f.RestorationConfirmed(), f.TicketClosed("confirmed")),
    "cancelled": (f.TicketCancelled(),),
    "rejected": (f.TicketRejected("not our service"),),
}
WAY_OF_ORDER_TO: dict[OrderState, Sequence[f.Fact]] = {
    "issued": (issued(),),
    "accepted": (issued(), accepted()),
    "declined": (issued(), f.OrderDeclined(ORDER, BEIJING, "no_resources")),
    "handed_over": (issued(), f.OrderHandedOver(ORDER, BEIJING, CHUXIONG, "not our segment")),
    "restored": RESOLVED,
    "stood_down": (issued(), f.OrderStoodDown(ORDER, BEIJING, "rerouted")),
}
MOVES = sorted({move for moves in TICKET_MOVES.values() for move in moves})
ORDER_VERBS = sorted({move for moves in ORDER_MOVES.values() for move in moves})
AT_WORK = {"inProgress", "pending", "held"}
POSSIBLE_FROM = {
    "accept": {"acknowledged"}, "reject": {"acknowledged"}, "route": {"acknowledged", *AT_WORK},
    "cancel": {"acknowledged", *AT_WORK}, "suspend": {"inProgress"}, "resume": {"pending", "held"}, "restore": AT_WORK,
    "confirm": {"resolved"}, "reopen": {"resolved"},
}  # fmt: skip
ORDERS_POSSIBLE_FROM = {
    "accept": {"issued"}, "decline": {"issued", "accepted"}, "hand-over": {"issued", "accepted"},
    **{move: {"accepted"} for move in ("progress", "suspend", "resume", "assist", "restore")},
    "fault-report": {"restored"},
}  # fmt: skip


def after(*facts: f.Fact) -> Ticket:
    return log_of(*facts)[0]


def order_after(*facts: f.Fact) -> Order:
    order = after(*facts).order_to(BEIJING)
    assert order is not None
    return order


@pytest.mark.parametrize("status", TICKET_MOVES)
def test_facts_lead_to_every_status(status: Status) -> None:
    ticket = after(*WAY_TO[status])
    assert ticket.status == status
    assert ticket.is_over == (status in ("closed", "cancelled", "rejected"))


@pytest.mark.parametrize("state", ORDER_MOVES)
def test_facts_lead_to_every_state_of_an_order(state: OrderState) -> None:
    order = order_after(*WAY_OF_ORDER_TO[state])
    assert order.state == state
    assert (order.state in model.LIVE) == (state in ("issued", "accepted"))


def test_every_move_is_possible_from_these_states_and_no_others() -> None:
    assert {m: {s for s, moves in TICKET_MOVES.items() if m in moves} for m in MOVES} == POSSIBLE_FROM
    assert {m: {s for s, moves in ORDER_MOVES.items() if m in moves} for m in ORDER_VERBS} == ORDERS_POSSIBLE_FROM


@pytest.mark.parametrize(("status", "move"), [(s, m) for s, moves in TICKET_MOVES.items() for m in moves])
def test_legal_move_of_a_ticket_is_let_through(status: Status, move: str) -> None:
    model.require_ticket_move(after(*WAY_TO[status]), move)


@pytest.mark.parametrize(("status", "move"), [(s, m) for s in TICKET_MOVES for m in MOVES if m not in TICKET_MOVES[s]])
def test_illegal_move_of_a_ticket_is_refused_and_the_legal_ones_are_named(status: Status, move: str) -> None:
    with pytest.raises(IllegalMove, match=f"is {status}: {move} is not possible") as refused:
        model.require_ticket_move(after(*WAY_TO[status]), move)
    assert refused.value.legal == TICKET_MOVES[status]


@pytest.mark.parametrize(("state", "move"), [(s, m) for s, moves in ORDER_MOVES.items() for m in moves])
def test_legal_move_of_an_order_is_let_through(state: OrderState, move: str) -> None:
    model.require_order_move(order_after(*WAY_OF_ORDER_TO[state]), move)


@pytest.mark.parametrize(
    ("state", "move"), [(s, m) for s in ORDER_MOVES for m in ORDER_VERBS if m not in ORDER_MOVES[s]]
)
def test_illegal_move_of_an_order_is_refused_and_the_legal_ones_are_named(state: OrderState, move: str) -> None:
    with pytest.raises(IllegalMove) as refused:
        model.require_order_move(order_after(*WAY_OF_ORDER_TO[state]), move)
    assert refused.value.legal == ORDER_MOVES[state]


@pytest.mark.parametrize("status", sorted(model.OVER))
def test_ticket_that_is_over_can_not_be_moved_any_more(status: Status) -> None:
    assert TICKET_MOVES[status] == ()
    with pytest.raises(IllegalMove, match=r"reopen is not possible\. A fault that is there is reported anew"):
        model.require_ticket_move(after(*WAY_TO[status]), "reopen")


def test_every_status_is_one_of_tm_forums() -> None:
    tmf621 = {"acknowledged", "rejected", "pending", "held", "inProgress", "resolved", "closed", "cancelled"}
    assert set(TICKET_MOVES) == tmf621


def test_reopened_ticket_is_in_progress_for_another_round() -> None:
    reopened = after(*RESOLVED, f.TicketReopened("down again"))
    assert (reopened.status, reopened.round, reopened.restored_at) == ("inProgress", 2, None)


def test_reopening_takes_back_the_fault_report_and_the_estimate() -> None:
    soon = f.OrderProgressed(ORDER, BEIJING, "testing", expected_restoration_at=START + 9 * MINUTE)
    reported_on = after(issued(), accepted(), soon, restored(), f.FaultReportGiven("fibre", "spliced", "A digger."))
    assert (reported_on.fault_report_at, reported_on.expected_restoration_at) == (
        START + 5 * MINUTE,
        START + 9 * MINUTE,
    )
    again = model.evolve(reported_on, f.TicketReopened("down again"), START + 6 * MINUTE)
    assert (again.fault_report_at, again.fault_report, again.expected_restoration_at) == (None, None, None)


def test_corrected_fault_report_was_given_when_the_first_was() -> None:
    corrections = [f.FaultReportGiven(cause, "spliced", "A digger.") for cause in ("fibre", "power")]
    ticket = after(*RESOLVED, *corrections)
    assert (ticket.fault_report_at, ticket.cause) == (START + 4 * MINUTE, "power")


@pytest.mark.parametrize(
    ("actor", "fact", "told", "news"),
    [
        ("network:010", f.NoteAdded("on the way"), 5, 5),
        (model.CLOCK, f.TicketUnchanged(START, None), 5, 0),
        (ACTOR, f.NoteAdded("still dark"), 0, 0),
        (ACTOR, f.TicketReopened("down again"), 5, 5),
        ("operator:noc", f.TicketReopened("down again"), 5, 5),
    ],
)
def test_customer_hears_of_what_others_do_and_of_its_own_reopening(
    actor: str, fact: f.Fact, told: int, news: int
) -> None:
    """In minutes. What only the clock says is heard, and no news."""
    ticket = model.evolve(after(), fact, START + 5 * MINUTE, actor=actor)
    assert (ticket.told_at, ticket.news_at) == (to_ms(START + told * MINUTE), to_ms(START + news * MINUTE))


def test_joined_report_is_counted_and_changes_nothing_of_the_first() -> None:
    ticket = after(f.ReportJoined("degraded", "slow", START))
    assert (ticket.reports, ticket.impact, ticket.description) == (2, "down", reported().description)


def test_accepted_order_starts_the_work_but_does_not_end_a_suspension() -> None:
    assert after(issued(), accepted()).status == "inProgress"
    second = (issued(network=CHUXIONG), accepted(network=CHUXIONG))
    assert after(*WAY_TO["pending"], *second).status == "pending"


def test_suspension_counts_from_when_it_happened_in_the_field() -> None:
    for said, counts in ((1, 1), (-1, 0), (60, 3)):
        fact = f.TicketSuspended(ORDER, BEIJING, "held", "spares", occurred_at=START + said * MINUTE)
        since = START + counts * MINUTE
        assert after(issued(), accepted(), fact).suspension == Suspension("held", "spares", ORDER, since, 4)


def test_restoration_ends_the_suspension_and_the_wait_in_the_queue_and_keeps_cause_and_remedy() -> None:
    ticket = after(*WAY_TO["pending"], f.TicketUnroutable("nobody is left at work"), restored(at=START + MINUTE))
    assert (ticket.suspension, ticket.unroutable, ticket.restored_at) == (None, None, START + MINUTE)
    assert (ticket.cause, ticket.remedy) == ("fibre", "spliced")


def test_ticket_says_of_its_restoration_what_the_clock_says() -> None:
    reopened = f.TicketReopened("still dark")
    assert after(*RESOLVED, reopened, restored(at=START + MINUTE)).restored_at == START + 4 * MINUTE
    assert after(*WAY_TO["pending"], restored(at=START + MINUTE)).restored_at == START + MINUTE
    assert after(issued(), accepted(), restored(at=START - MINUTE)).restored_at == START


@pytest.mark.parametrize("end", [f.TicketCancelled(), f.TicketRejected("not our service")])
def test_ticket_that_is_over_is_not_suspended_and_waits_in_no_queue(end: f.Fact) -> None:
    ticket = after(*WAY_TO["pending"], f.TicketUnroutable("no segment has a network"), end)
    assert (ticket.suspension, ticket.unroutable, ticket.closed_at) == (None, None, START + 5 * MINUTE)


def test_order_issued_again_to_a_network_takes_the_place_of_its_first() -> None:
    again = after(issued(), f.OrderDeclined(ORDER, BEIJING, "no_resources"), issued(round=2))
    assert [(order.id, order.state) for order in again.orders] == [(ORDER, "issued")]


def test_order_routes_its_round_and_ends_the_wait_in_the_queue() -> None:
    waiting = after(f.TicketUnroutable("no segment has a network"))
    assert (waiting.unroutable, waiting.routed_round) == ("no segment has a network", 1)
    assert after(f.TicketUnroutable("no segment has a network"), issued()).unroutable is None


def test_progress_names_the_faulty_segment_and_a_later_silence_keeps_it() -> None:
    found = f.OrderProgressed(ORDER, BEIJING, "diagnosed", segment="a-metro", expected_restoration_at=START + MINUTE)
    later = f.OrderProgressed(ORDER, BEIJING, "repairing"), issued(network=CHUXIONG), accepted(network=CHUXIONG)
    ticket = after(issued(), accepted(), found, *later)
    assert (ticket.fault_segment, ticket.expected_restoration_at) == ("a-metro", START + MINUTE)
    assert ticket.orders[0].stage == "repairing"


def test_ticket_stays_part_of_its_mass_fault_whatever_else_it_is_escalated_for() -> None:
    mass = f.TicketEscalated("duty_manager", "mass_fault", "one cable", ("duty_manager",), group="MF1")
    assert after(mass, f.TicketEscalated("province", "breach", "late", ("province",))).group == "MF1"


def test_note_changes_nothing_but_the_log() -> None:
    before, later = after(), after(f.NoteAdded("we are waiting"))
    assert (later.seq, later.updated_at) == (before.seq + 1, START + MINUTE)
    assert model._with(later, seq=before.seq, updated_at=before.updated_at) == before


def test_evolving_leaves_the_ticket_before_as_it_was() -> None:
    before = after(issued())
    copy = STATE.validate_json(state_json(before))
    model.evolve(before, accepted(), START)
    assert before == copy


@given(REPORTS, st.lists(st.tuples(FACTS, INSTANTS), max_size=8))
def test_folding_any_log_makes_the_ticket_it_was_recorded_from(
    report: f.FaultReported, steps: list[tuple[f.Fact, datetime]]
) -> None:
    ticket, first = open_ticket(TICKET, report, at=START, actor=ACTOR)
    entries = [first]
    for fact, at in steps:
        ticket, more = append(ticket, entries[-1].hash, [fact], at=at, actor=ACTOR)
        entries += more
        assert fold(entries) == ticket


@given(REPORTS, st.lists(FACTS, max_size=8))
def test_any_ticket_is_stored_and_loaded_unchanged(report: f.FaultReported, facts: list[f.Fact]) -> None:
    ticket, first = open_ticket(TICKET, report, at=START, actor=ACTOR)
    ticket, _ = append(ticket, first.hash, facts, at=START, actor=ACTOR)
    assert STATE.validate_json(state_json(ticket)) == ticket
