"""When customers are asked, and until when: decided on the closed ticket alone."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from services.dispatcher.follow_up import model
from services.dispatcher.follow_up.rules import DEFAULT, read_follow_up
from services.dispatcher.follow_up.surveying import quarter_before
from shared import answer_link
from shared.contracts import facts as f
from shared.contracts import satisfaction as sat
from shared.errors import IllegalMove
from shared.ids import TicketId
from shared.testing.clock import START
from shared.tickets.model import Ticket, evolve
from tests.cases import ACTOR, TICKET, accepted, issued, log_of, restored

RULES = read_follow_up()
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
YES, NO = sat.SatisfactionAnswered(True, 5), sat.SatisfactionAnswered(False, 1, "it took two days")
ROOT = Path(__file__).parents[2]


def closed() -> Ticket:
    """At 16:05 in the customers' zone, on a Saturday."""
    ticket, _ = log_of(issued(), accepted(), restored(), f.RestorationConfirmed(), f.TicketClosed("confirmed"))
    return ticket


def after(ticket: Ticket, now: datetime, *facts: f.Fact) -> Ticket:
    for fact in facts:
        ticket = evolve(ticket, fact, now, actor=ACTOR)
    return ticket


def run(ticket: Ticket, until: datetime) -> tuple[Ticket, list[f.Fact]]:
    """Looks when it says it is to be looked at."""
    said: list[f.Fact] = []
    while (at := model.look_at(ticket, RULES)) is not None and at <= until:
        facts = model.due(ticket, at, rules=RULES)
        assert facts, "a look that finds nothing comes again for ever"
        said += facts
        ticket = after(ticket, at, *facts)
    return ticket, said


def test_question_waits_for_the_customers_day() -> None:
    asked = model.look_at(closed(), RULES)
    assert asked is not None
    assert asked.isoformat() == "2026-11-22T01:00:00+00:00"  # 09:00 in Shanghai; closed at 16:05, four hours are 20:05
    assert model.due(closed(), asked - timedelta(milliseconds=1), rules=RULES) == ()


def test_customer_who_says_nothing_is_asked_again_and_then_counted_as_not_answered() -> None:
    ticket, said = run(closed(), START + 30 * DAY)
    assert [type(fact) for fact in said] == [sat.FollowUpAsked] * 3 + [sat.FollowUpUnanswered]
    assert [fact.times for fact in said if isinstance(fact, sat.FollowUpAsked)] == [1, 2, 3]
    assert ticket.follow_up.satisfied is None


def test_satisfied_customer_is_left_alone() -> None:
    ticket = after(closed(), START + DAY, *model.answer(closed(), START + DAY, said=YES, rules=RULES))
    assert run(ticket, START + 100 * DAY)[1] == []


def test_dissatisfied_customer_has_a_case_with_an_owner_and_a_deadline_that_is_said_again_and_again() -> None:
    said, opened = model.answer(closed(), START + DAY, said=NO, rules=RULES)
    assert opened == sat.FollowUpOpened("account_manager", START + DAY + 72 * HOUR)
    ticket, late = run(after(closed(), START + DAY, said, opened), START + 7 * DAY)
    assert [type(fact) for fact in late] == [sat.FollowUpLate] * 4
    assert ticket.follow_up.satisfied is False


def test_case_stays_open_until_the_customer_is_satisfied_whatever_is_done() -> None:
    ticket = after(closed(), START, *model.answer(closed(), START, said=NO, rules=RULES))
    worked = model.work(ticket, START + HOUR, text="A second path is ordered.", owner="noc", ask=True, rules=RULES)
    ticket = after(ticket, START + HOUR, *worked)
    assert [type(fact) for fact in worked] == [sat.FollowUpWorked, sat.FollowUpAsked]
    ticket = after(ticket, START + 2 * HOUR, *model.answer(ticket, START + 2 * HOUR, said=NO, rules=RULES))
    assert ticket.follow_up.owner == "noc"
    assert sat.FollowUpAsked not in map(type, run(ticket, START + 7 * DAY)[1])  # it has answered
    ticket = after(ticket, START + 3 * HOUR, *model.answer(ticket, START + 3 * HOUR, said=YES, rules=RULES))
    assert model.look_at(ticket, RULES) is None


def test_customer_who_is_dissatisfied_after_all_has_a_case_like_any_other() -> None:
    unheard, _ = run(closed(), START + 30 * DAY)
    ticket = after(unheard, START + 31 * DAY, *model.answer(unheard, START + 31 * DAY, said=NO, rules=RULES))
    assert set(map(type, run(ticket, START + 35 * DAY)[1])) == {sat.FollowUpLate}


def test_case_that_was_late_and_is_worked_on_is_late_for_the_first_time_again() -> None:
    late, _ = run(after(closed(), START, *model.answer(closed(), START, said=NO, rules=RULES)), START + 7 * DAY)
    assert late.follow_up.late > 1
    worked = model.work(late, START + 7 * DAY, text="Done.", owner=None, ask=False, rules=RULES)
    _, said = run(after(late, START + 7 * DAY, *worked), START + 12 * DAY)
    assert [fact.times for fact in said if isinstance(fact, sat.FollowUpLate)][:2] == [1, 2]


def test_case_that_is_worked_on_without_end_asks_without_end() -> None:
    ticket = after(closed(), START, *model.answer(closed(), START, said=NO, rules=RULES))
    asked = model.work(ticket, START, text="Done.", owner=None, ask=True, rules=RULES)
    _, said = run(after(ticket, START, *asked), START + 40 * DAY)
    assert not any(isinstance(fact, sat.FollowUpUnanswered) for fact in said)
    assert sum(isinstance(fact, sat.FollowUpAsked) for fact in said) > 10


def test_nobody_is_asked_about_a_ticket_that_is_not_closed() -> None:
    resolved, _ = log_of(issued(), accepted(), restored())
    cancelled, _ = log_of(f.TicketCancelled())
    assert [model.look_at(ticket, RULES) for ticket in (resolved, cancelled)] == [None, None]
    with pytest.raises(IllegalMove):
        model.answer(resolved, START, said=YES, rules=RULES)
    with pytest.raises(IllegalMove):
        model.work(closed(), START, text="x", owner=None, ask=False, rules=RULES)


def test_link_answers_one_ticket_until_its_time_is_over() -> None:
    key, until = b"k" * 32, 1000
    token = answer_link.make(TICKET, until, key=key)
    assert answer_link.read(token, 999, key=key) == TICKET
    assert answer_link.read(token, until, key=key) is None


@pytest.mark.parametrize("forged", ["", "a.b", "VT261121-7K3QM9XA.1000.", "VT261121-7K3QM9XA.x.y", "é.1.2"])
def test_forged_link_names_nothing(forged: str) -> None:
    token = answer_link.make(TicketId("VT261121-7K3QM9XA"), 1000, key=b"k" * 32)
    for text in (forged, token[:-1] + "-", token.replace("1000", "9999"), "x" + token):
        assert answer_link.read(text, 0, key=b"k" * 32) is None
    assert answer_link.read(token, 0, key=b"o" * 32) is None


def test_quarter_is_that_of_the_customers_calendar() -> None:
    zone = RULES.zone
    assert [quarter_before(at, zone)[0] for at in (START, datetime.fromisoformat("2026-12-31T17:00:00+00:00"))] == [
        "2026-Q3", "2026-Q4",
    ]  # fmt: skip
    _, begin, end = quarter_before(datetime.fromisoformat("2027-01-15T00:00:00+00:00"), zone)
    assert (begin.isoformat(), end.isoformat()) == ("2026-10-01T00:00:00+08:00", "2027-01-01T00:00:00+08:00")


def test_file_to_be_copied_is_the_default() -> None:
    assert (ROOT / "deploy/config/follow-up.toml").read_text() == DEFAULT.read_text()


@pytest.mark.parametrize(
    ("before", "after_", "said"),
    [
        ('"09:00", "18:00"', '"18:00", "09:00"', "must begin before it ends"),
        ("Asia/Shanghai", "Asia/Nowhere", "time_zone: .*no time zone"),
        ('owner = "account_manager"', 'owner = "somebody"', r"case\.owner"),
        ("reminders = 2", "reminders = -1", "reminders"),
    ],
)
def test_what_is_wrong_with_the_rules_is_named(tmp_path: Path, before: str, after_: str, said: str) -> None:
    file = tmp_path / "follow-up.toml"
    file.write_text(DEFAULT.read_text().replace(before, after_, 1))
    with pytest.raises(ValueError, match=said):
        read_follow_up(file)
