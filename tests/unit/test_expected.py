"""When an open ticket is expected back: somebody always says so, and what has passed is not said again."""

from datetime import timedelta

from shared.contracts import facts as f
from shared.testing.clock import START
from shared.tickets.expected import expected
from shared.tickets.view import TicketView, ticket_view
from tests.cases import BEIJING, CHUXIONG, MINUTE, ORDER, issued, restored
from tests.unit.test_deadlines import after_these

SOON = START + 40 * MINUTE
GUESS = f.RestorationPredicted(START + 90 * MINUTE, START + 60 * MINUTE, START + 200 * MINUTE, "network+segment", 41)
BY_THEM = f.OrderAccepted(ORDER, BEIJING, expected_restoration_at=SOON)


def test_what_was_promised_is_expected_until_anybody_says_more() -> None:
    found = expected(after_these())
    assert found
    assert (found.at, found.basis, found.earliest) == (START + timedelta(hours=2), "target", None)


def test_networks_own_estimate_stands_before_any_prediction() -> None:
    found = expected(after_these((1, issued()), (2, GUESS), (3, BY_THEM)))
    assert found
    assert (found.at, found.basis) == (SOON, "estimate")


def test_estimate_that_has_passed_makes_way_for_the_prediction_and_is_said_to_be_overdue() -> None:
    late = f.RestorationPredicted(GUESS.expected_at, SOON, GUESS.latest_at, "network", 50, overdue_since=SOON)
    found = expected(after_these((1, issued()), (3, BY_THEM), (40, late)))
    assert found
    assert (found.at, found.basis, found.overdue_since) == (GUESS.expected_at, "network", SOON)


def test_new_estimate_stands_again() -> None:
    late = f.RestorationPredicted(GUESS.expected_at, SOON, GUESS.latest_at, "network", 50, overdue_since=SOON)
    anew = f.OrderProgressed(ORDER, BEIJING, "repairing", expected_restoration_at=START + 70 * MINUTE)
    found = expected(after_these((1, issued()), (3, BY_THEM), (40, late), (41, anew)))
    assert found
    assert (found.at, found.basis, found.overdue_since) == (START + 70 * MINUTE, "estimate", None)


def test_estimate_of_a_network_that_hands_over_holds_no_longer() -> None:
    over = f.OrderHandedOver(ORDER, BEIJING, CHUXIONG, "not ours")
    found = expected(after_these((1, issued()), (3, BY_THEM), (5, over)))
    assert found
    assert found.basis == "target"


def test_nothing_is_expected_once_the_service_is_back() -> None:
    assert expected(after_these((1, issued()), (2, GUESS), (30, restored()))) is None


def test_view_of_a_ticket_shows_it_with_its_range_and_its_ground() -> None:
    shown = ticket_view(after_these((1, issued()), (2, GUESS)))
    assert shown["expected_restoration"]["basis"] == "network+segment"
    view = TicketView.model_validate(shown).expected_restoration
    assert view
    assert (view.at, view.from_, view.to, view.samples) == (
        GUESS.expected_at,
        GUESS.earliest_at,
        GUESS.latest_at,
        41,
    )
