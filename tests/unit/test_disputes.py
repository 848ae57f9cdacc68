"""What may be said against a suspension, by whom, and what a duty manager's decision leaves of it."""

import pytest

from services.dispatcher.disputes.model import dispute, may_dispute, strike_out, to_decide, uphold
from shared.auth.principal import Principal
from shared.contracts import facts as f
from shared.errors import Forbidden, IllegalMove, NotFound
from shared.ids import AccountId
from shared.testing.clock import START
from shared.tickets.model import Ticket, evolve
from tests.cases import ACCOUNT, ACTOR, BEIJING, MINUTE, ORDER, accepted, issued, log_of, restored
from tests.unit.test_sla_clock import resumed, suspended

PROVEN = 4  # the entry of the suspension in ticket()


def ticket(*more: f.Fact, suspension: f.TicketSuspended | None = None) -> Ticket:
    return log_of(issued(), accepted(), suspension or suspended(), *more)[0]


def after(ticket: Ticket, *facts: f.Fact, actor: str = "operator:dm") -> Ticket:
    for fact in facts:
        ticket = evolve(ticket, fact, ticket.updated_at + MINUTE, actor=actor)
    return ticket


def unproven() -> f.TicketSuspended:
    return f.TicketSuspended(ORDER, BEIJING, "pending", "no_site_access")


def test_clock_stopped_without_evidence_is_to_be_decided_on_and_with_evidence_is_not() -> None:
    assert [(d.suspension, d.cause, d.by) for d in to_decide(ticket(suspension=unproven()))] == [
        (PROVEN, "no_evidence", "system:clock")
    ]
    assert to_decide(ticket()) == ()


def test_wait_that_stops_no_clock_needs_no_evidence_and_is_no_case_for_a_dispute() -> None:
    held = ticket(suspension=f.TicketSuspended(ORDER, BEIJING, "held", "spares"))
    assert to_decide(held) == ()
    with pytest.raises(IllegalMove, match="stopped no clock"):
        dispute(held, START, suspension=PROVEN, reason="x")


def test_dispute_takes_the_place_of_missing_evidence() -> None:
    disputed = after(ticket(suspension=unproven()), f.SuspensionDisputed(PROVEN, "we were there"), actor=ACTOR)
    assert [(d.cause, d.by, d.reason) for d in to_decide(disputed)] == [("disputed", ACTOR, "we were there")]


@pytest.mark.parametrize("entry", [1, 2, 99])
def test_what_is_no_suspension_can_not_be_disputed(entry: int) -> None:
    with pytest.raises(NotFound, match="no suspension"):
        dispute(ticket(), START, suspension=entry, reason="x")


def test_it_is_disputed_once_and_decided_once() -> None:
    disputed = after(ticket(), f.SuspensionDisputed(PROVEN, "x"))
    with pytest.raises(IllegalMove, match="disputed already"):
        dispute(disputed, START, suspension=PROVEN, reason="again")
    upheld = after(disputed, f.SuspensionUpheld(PROVEN, "there is a photograph"))
    with pytest.raises(IllegalMove, match="was upheld"):
        dispute(upheld, START, suspension=PROVEN, reason="and again")
    with pytest.raises(IllegalMove, match="Nobody doubts"):
        uphold(upheld, START, suspension=PROVEN, reason="again")
    assert to_decide(upheld) == ()


def test_what_was_upheld_can_still_be_struck_out_but_what_was_struck_out_stays_so() -> None:
    upheld = after(ticket(), f.SuspensionDisputed(PROVEN, "x"), f.SuspensionUpheld(PROVEN, "y"))
    struck = after(upheld, *strike_out(upheld, START, suspension=PROVEN, reason="the photograph is old"))
    for decide in (dispute, strike_out, uphold):
        with pytest.raises(IllegalMove, match="was struck out"):
            decide(struck, START, suspension=PROVEN, reason="z")


def test_ticket_whose_current_suspension_is_struck_out_goes_on_running() -> None:
    struck = after(ticket(), *strike_out(ticket(), START, suspension=PROVEN, reason="nobody was there"))
    assert (struck.status, struck.suspension, struck.marks[-1].state) == ("inProgress", None, "running")


def test_suspension_struck_out_later_leaves_the_one_that_is_on() -> None:
    again = ticket(resumed(), suspended())
    struck = after(again, *strike_out(again, START, suspension=PROVEN, reason="x"))
    assert (struck.status, struck.suspension and struck.suspension.seq) == ("pending", PROVEN + 2)


def test_closed_ticket_is_decided_on_and_stays_closed() -> None:
    closed = ticket(resumed(), restored(at=START + 60 * MINUTE), f.TicketClosed("confirmed"))
    struck = after(closed, *dispute(closed, START, suspension=PROVEN, reason="x"), f.SuspensionStruckOut(PROVEN, "y"))
    assert (struck.status, struck.marks[1].struck) == ("closed", True)


def test_nothing_hangs_on_the_clock_of_a_ticket_that_was_cancelled() -> None:
    assert to_decide(ticket(f.TicketCancelled(), suspension=unproven())) == ()


def test_customer_disputes_its_own_and_a_parent_account_only_reads() -> None:
    child = AccountId("hw-power")
    parent = Principal("account", "hw-group", reads=frozenset({child}))
    assert may_dispute(Principal("account", ACCOUNT), ticket())
    assert may_dispute(Principal("operator", "noc", reads=None), ticket())
    assert not may_dispute(Principal("account", "beiyuan-bank"), ticket())
    with pytest.raises(Forbidden, match="only that account's may dispute"):
        may_dispute(parent, ticket())
