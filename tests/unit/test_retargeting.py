"""Other terms in mid-ticket: what a further report changes, what a duty manager may set, and what stays."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from services.intake.model import join
from shared.contracts import facts as f
from shared.contracts.facts import Impact
from shared.errors import IllegalMove, InvalidInput
from shared.ids import NetworkCode
from shared.testing.clock import START
from shared.tickets import model
from shared.tickets.model import Ticket, evolve
from shared.tickets.policy_file import DEFAULT, read_policies, read_policy
from shared.tickets.retargeting import Asked, by_hand, on_report
from shared.tickets.targets import ANY, Policies, Subject, set_by_hand
from tests.cases import ACTOR, MINUTE, TICKET, accepted, issued, reported, restored
from tests.unit.test_policy import EXAMPLE

HOUR_MS = 3_600_000
POLICIES = read_policies()


def opened(impact: Impact = "degraded", tier: str = "diamond", policies: Policies = POLICIES) -> Ticket:
    terms = policies.at(START).terms_of(tier, impact, reported_at=START, now=START)
    return model.opened(TICKET, reported(impact=impact, tier=tier, terms=terms), START)


def again(ticket: Ticket, said: Impact, policies: Policies = POLICIES, subject: Subject = ANY) -> list[f.TermsChanged]:
    return list(on_report(ticket, said, START + MINUTE, policies=policies, subject=subject))


def set_to(ticket: Ticket, policies: Policies = POLICIES, subject: Subject = ANY, **asked: Any) -> f.TermsChanged:
    asked_ = Asked("the customer says so", **asked)
    (changed,) = by_hand(ticket, START + MINUTE, asked=asked_, policies=policies, subject=subject)
    return changed


@pytest.fixture
def with_calendars(tmp_path: Path) -> Policies:
    """The shipped version, and the example's, valid from December on."""
    (tmp_path / "a.toml").write_text(DEFAULT.read_text())
    (tmp_path / "b.toml").write_text(EXAMPLE)
    return read_policies(tmp_path)


def test_worse_impact_counts_at_once() -> None:
    (changed,) = again(opened("degraded"), "down")
    assert (changed.impact, changed.terms.restore_ms, changed.terms.rule) == ("down", 2 * HOUR_MS, "diamond/down")


def test_worse_report_after_a_restoration_reopens_with_the_terms_of_the_worse_impact() -> None:
    ticket = opened("degraded")
    for fact in (issued(), accepted(), restored()):
        ticket = evolve(ticket, fact, START)
    for fact in join(ticket, reported(impact="down"), again(ticket, "down")):
        ticket = evolve(ticket, fact, START + MINUTE)
    assert ticket.terms is not None
    assert (ticket.status, ticket.impact, ticket.terms.restore_ms) == ("inProgress", "down", 2 * HOUR_MS)


@pytest.mark.parametrize(("was", "said"), [("down", "degraded"), ("degraded", "intermittent"), ("down", "down")])
def test_better_or_same_impact_changes_nothing_by_itself(was: Impact, said: Impact) -> None:
    assert again(opened(was), said) == []


def test_worse_impact_after_a_tier_review_goes_by_the_tier_of_the_opening() -> None:
    (changed,) = again(opened("degraded", tier="crystal"), "down")
    assert (changed.terms.restore_ms, changed.tier) == (8 * HOUR_MS, None)


def test_worse_impact_goes_by_the_version_of_the_opening_though_another_is_valid_now(with_calendars: Policies) -> None:
    ticket = opened("degraded", policies=with_calendars)
    late = START.replace(month=12, day=20)
    (changed,) = on_report(ticket, "down", late, policies=with_calendars, subject=ANY)
    assert with_calendars.at(late).version == "2026-2"
    assert changed.terms.policy == "2026-1"


def test_version_that_is_gone_from_the_file_is_replaced_by_the_one_that_was_valid_then() -> None:
    gone = replace(read_policy(), version="2025-9")
    ticket = opened("degraded", policies=Policies((gone,)))
    assert again(ticket, "down")[0].terms.policy == "2026-1"


def test_ticket_without_a_promise_gets_none_by_a_report_and_one_by_a_duty_manager() -> None:
    bare = model.opened(TICKET, reported(impact="degraded"), START)
    assert again(bare, "down") == []
    assert set_to(bare, tier="gold").terms.rule == "gold/degraded"


def test_duty_manager_sets_what_he_names_and_the_rest_stays() -> None:
    changed = set_to(opened("degraded"), tier="gold")
    assert (changed.tier, changed.impact, changed.terms.rule) == ("gold", None, "gold/degraded")
    assert set_to(opened("down"), impact="degraded").terms.restore_ms == 4 * HOUR_MS


def test_calendar_set_by_hand_stays_through_every_later_change(with_calendars: Policies) -> None:
    ticket = opened("degraded", tier="crystal", policies=with_calendars)
    other = set_to(ticket, with_calendars, policy="2026-2")
    assert (other.terms.policy, other.terms.calendar) == ("2026-2", "office")
    ticket = evolve(ticket, other, START + MINUTE)
    ticket = evolve(ticket, set_to(ticket, with_calendars, calendar="24x7"), START + 2 * MINUTE)
    (worse,) = again(ticket, "down", with_calendars)
    assert (worse.terms.calendar, worse.terms.hours, set_by_hand(worse.terms)) == (None, None, "24x7")


def test_rules_by_network_hold_for_changed_terms_too(with_calendars: Policies) -> None:
    ngari = Subject(networks=frozenset({NetworkCode("0897")}))
    changed = set_to(opened("down", tier="gold"), with_calendars, ngari, policy="2026-2")
    assert changed.terms.restore_ms == 24 * HOUR_MS


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"tier": "ruby"}, "tier: version 2026-1 knows diamond, jade"),
        ({"policy": "1999-1"}, "policy: version 1999-1 is not on file; there is 2026-1"),
        ({"calendar": "office"}, "calendar: version 2026-1 knows 24x7"),
    ],
)
def test_what_is_not_on_file_is_refused_with_what_is(asked: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        set_to(opened(), **asked)


def test_change_that_changes_nothing_is_refused() -> None:
    with pytest.raises(IllegalMove, match="hold already"):
        set_to(opened("down"), impact="down")


def test_ticket_that_is_over_keeps_its_terms() -> None:
    over = evolve(opened(), f.TicketCancelled(), START + MINUTE, actor=ACTOR)
    with pytest.raises(IllegalMove, match="its terms stand"):
        set_to(over, tier="gold")
