"""What a row of an incident history means for a ticket."""

from typing import get_args

import pytest

from services.commands.replay.mapping import (
    AWAITING,
    MEANS,
    MOVES,
    Meaning,
    Nothing,
    Place,
    State,
    Step,
    Steps,
    Unmapped,
    meaning,
    place_of,
    shortest,
)
from services.dispatcher.model import CLOCK
from shared.tickets.model import TICKET_MOVES, Status

PLACES: tuple[Place, ...] = get_args(Place)
STATES: tuple[State, ...] = get_args(State)
STATUS: dict[Place, Status] = {
    "reported": "acknowledged",
    "working": "inProgress",
    "reopened": "inProgress",
    "restored": "resolved",
    "closed": "closed",
    **{place: CLOCK[reason] for place, reason in AWAITING.items()},
}
REPORT, ACCEPT, PROGRESS, RESUME = Step("report"), Step("accept"), Step("progress"), Step("resume")
RESTORE, CONFIRM, REOPEN = Step("restore"), Step("confirm"), Step("reopen")
ASK_CUSTOMER, ASK_VENDOR = Step("suspend", "customer_unavailable"), Step("suspend", "third_party")
ASK_INSIDE = Step("suspend", "internal")


def steps(found: Meaning) -> tuple[Step, ...]:
    assert isinstance(found, Steps)
    return found.steps


def walk(place: Place, taken: tuple[Step, ...]) -> Place:
    for step in taken:
        place = MOVES[place][step]
    return place


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("New", (REPORT,)),
        ("Active", (REPORT, ACCEPT)),
        ("Awaiting User Info", (REPORT, ACCEPT, ASK_CUSTOMER)),
        ("Awaiting Vendor", (REPORT, ACCEPT, ASK_VENDOR)),
        ("Awaiting Problem", (REPORT, ACCEPT, ASK_INSIDE)),
        ("Awaiting Evidence", (REPORT, ACCEPT, ASK_INSIDE)),
        ("Resolved", (REPORT, ACCEPT, RESTORE)),
        ("Closed", (REPORT, ACCEPT, RESTORE, CONFIRM)),
    ],
)
def test_incident_may_begin_in_any_state(state: State, expected: tuple[Step, ...]) -> None:
    assert steps(meaning("nowhere", state)) == expected


@pytest.mark.parametrize(
    ("place", "state", "expected"),
    [
        ("reported", "Active", (ACCEPT,)),
        ("reported", "Resolved", (ACCEPT, RESTORE)),
        ("reported", "Awaiting User Info", (ACCEPT, ASK_CUSTOMER)),
        ("working", "Awaiting Vendor", (ASK_VENDOR,)),
        ("working", "Resolved", (RESTORE,)),
        ("awaiting_customer", "Active", (RESUME,)),
        ("awaiting_customer", "Resolved", (RESTORE,)),
        ("awaiting_customer", "Awaiting Problem", (RESUME, ASK_INSIDE)),
        ("awaiting_third_party", "Awaiting Evidence", (RESUME, ASK_INSIDE)),
        ("restored", "Closed", (CONFIRM,)),
        ("restored", "Active", (REOPEN, ACCEPT)),
        ("restored", "Awaiting User Info", (REOPEN, ACCEPT, ASK_CUSTOMER)),
    ],
)
def test_later_row_takes_the_fewest_legal_steps(place: Place, state: State, expected: tuple[Step, ...]) -> None:
    assert steps(meaning(place, state)) == expected


@pytest.mark.parametrize("place", ["working", *AWAITING])
def test_row_without_a_change_is_progress_while_a_network_works(place: Place) -> None:
    (state, *_) = [state for state, goal in MEANS.items() if goal == place]
    assert meaning(place, state) == Steps((PROGRESS,), place)


@pytest.mark.parametrize(("place", "state"), [("reported", "New"), ("restored", "Resolved"), ("closed", "Closed")])
def test_row_without_a_change_is_nothing_while_nobody_works(place: Place, state: State) -> None:
    assert meaning(place, state) == Nothing()


def test_late_row_of_an_earlier_state_is_not_mapped() -> None:
    assert meaning("restored", "New") == Unmapped("New after the ticket was restored")


@pytest.mark.parametrize("state", ["New", "Active", "Awaiting User Info", "Resolved"])
def test_closed_ticket_stays_closed(state: State) -> None:
    assert isinstance(meaning("closed", state), Unmapped)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("place", PLACES)
def test_every_meaning_ends_where_the_row_says(place: Place, state: State) -> None:
    match meaning(place, state):
        case Steps(taken, end):
            moving = tuple(step for step in taken if step != PROGRESS)
            assert walk(place, moving) == end == MEANS[state]
        case Nothing():
            assert place == MEANS[state]
        case Unmapped():
            assert shortest(place, MEANS[state]) is None


@pytest.mark.parametrize("place", [place for place in PLACES if place not in ("nowhere", "reopened")])
def test_every_step_is_legal_where_it_is_taken(place: Place) -> None:
    assert {step.verb for step in MOVES[place]} <= set(TICKET_MOVES[STATUS[place]])


@pytest.mark.parametrize("place", [place for place in PLACES if place != "nowhere"])
def test_place_is_read_back_from_the_ticket(place: Place) -> None:
    order_state = "accepted" if place == "working" else "issued"
    assert place_of(STATUS[place], suspended_for=AWAITING.get(place), order_state=order_state) == place


def test_ticket_that_somebody_cancelled_is_no_place_of_an_incident() -> None:
    assert place_of("cancelled", suspended_for=None, order_state="stood_down") is None
