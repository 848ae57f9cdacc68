"""Who is told when: the matrix over a ticket's state, what people may do about it, and who is on duty."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from services.dispatcher.deadlines.steps import what_is_due
from services.dispatcher.escalation import commands
from services.dispatcher.escalation.duty import is_on_duty, on_duty
from services.dispatcher.escalation.rules import DEFAULT, read_escalation
from shared.contracts import facts as f
from shared.errors import Forbidden, IllegalMove, NotFound, TooManyRequests
from shared.registry.model import ContactPoint
from shared.testing.clock import START
from shared.tickets import model
from shared.tickets.model import CLOCK, Ticket
from shared.tickets.policy_file import read_policy
from tests.cases import BEIJING, CHUXIONG, MINUTE, TICKET, accepted, issued, reported, restored

ROOT = Path(__file__).parents[2]
RULES = read_escalation()
BY_NETWORK = "network:010"


def ticket_of(tier: str, *given: tuple[float, f.Fact]) -> Ticket:
    """Reported at 0; then these facts, each at its minute."""
    terms = read_policy().terms_of(tier, "down")
    ticket = model.opened(TICKET, reported(terms=terms, tier=tier), START)
    for minute, fact in given:
        ticket = model.evolve(ticket, fact, START + minute * MINUTE, actor=BY_NETWORK)
    return ticket


def ticked(ticket: Ticket, *minutes: float) -> tuple[Ticket, list[f.TicketEscalated]]:
    """The ticket after a tick at each of these minutes, and what was escalated."""
    told: list[f.TicketEscalated] = []
    for minute in minutes:
        now = START + minute * MINUTE
        for fact in what_is_due(ticket, now, RULES):
            ticket = model.evolve(ticket, fact, now, actor=CLOCK)
            told += [fact] if isinstance(fact, f.TicketEscalated) else []
    return ticket, told


def levels(told: Sequence[f.TicketEscalated]) -> list[tuple[str, int]]:
    return [(fact.level, fact.times) for fact in told]


def test_order_that_nobody_accepts_is_told_to_its_network_alone() -> None:
    ticket = ticket_of("gold", (0, issued()), (1, issued(network=CHUXIONG)), (2, accepted()))
    _, told = ticked(ticket, 31.5)
    assert told == [
        f.TicketEscalated(
            "network", "breach", "the time to accept the order in local network 0878 is over", ("duty_manager",), 1,
            START + 46.5 * MINUTE, (CHUXIONG,),
        )
    ]  # fmt: skip


def test_two_orders_that_are_late_at_once_are_one_escalation() -> None:
    _, told = ticked(ticket_of("gold", (0, issued()), (0, issued(network=CHUXIONG))), 31)
    assert [fact.networks for fact in told] == [(BEIJING, CHUXIONG)]


def test_restoration_climbs_with_the_time_that_is_over_and_by_tier() -> None:
    at_work = (0, issued()), (1, accepted())
    assert levels(ticked(ticket_of("diamond", *at_work), 60)[1]) == [("network", 1)]
    assert levels(ticked(ticket_of("diamond", *at_work), 90)[1]) == [("province", 1)]
    assert levels(ticked(ticket_of("diamond", *at_work), 120)[1]) == [("headquarters", 1)]
    assert levels(ticked(ticket_of("crystal", *at_work), 8 * 60 * 0.75)[1]) == [("network", 1)]
    assert levels(ticked(ticket_of("crystal", *at_work), 8 * 60)[1]) == [("province", 1)]


def test_account_manager_and_customer_are_told_where_the_tier_says_so() -> None:
    at_work = (0, issued()), (1, accepted())
    assert ticked(ticket_of("diamond", *at_work), 120)[1][0].to == ("headquarters", "account_manager", "customer")
    assert ticked(ticket_of("crystal", *at_work), 480)[1][0].to == ("province", "account_manager")


def test_nobodys_answer_is_repeated_and_then_climbs_and_at_the_top_goes_on() -> None:
    ticket, told = ticked(ticket_of("gold", (0, issued())), *range(30, 300))
    assert levels(told)[:6] == [
        ("network", 1), ("network", 2), ("province", 1), ("province", 2), ("headquarters", 1), ("headquarters", 2),
    ]  # fmt: skip
    assert {fact.level for fact in ticked(ticket, *range(300, 900))[1]} == {"headquarters"}


def test_what_waits_for_an_answer_is_not_told_again_by_something_of_the_same_level() -> None:
    """An order that nobody accepts: its deadline and the restoration's come due between the repetitions."""
    ticket = ticket_of("diamond", (0, issued()))
    seen: list[tuple[int, str, int]] = []
    for minute in range(300):
        ticket, told = ticked(ticket, minute)
        seen += [(minute, fact.level, fact.times) for fact in told]
    assert seen == [
        (12, "network", 1), (27, "network", 2), (42, "province", 1), (72, "province", 2),
        (102, "headquarters", 1), (162, "headquarters", 2), (222, "headquarters", 3), (282, "headquarters", 4),
    ]  # fmt: skip


def test_what_is_acknowledged_is_not_told_again_until_something_new_is_due() -> None:
    ticket, told = ticked(ticket_of("diamond", (0, issued()), (1, accepted())), 60)
    assert ticket.open_escalation
    ticket = model.evolve(
        ticket, f.EscalationAcknowledged(ticket.open_escalation.seq), START + 61 * MINUTE, actor=BY_NETWORK
    )
    ticket, told = ticked(ticket, *range(62, 90))
    assert (ticket.open_escalation, told) == (None, [])
    assert levels(ticked(ticket, 90)[1]) == [("province", 1)]


def test_restoration_ends_the_escalation_also_when_it_does_not_hold() -> None:
    ticket, _ = ticked(ticket_of("gold", (0, issued())), 30)
    for minute, fact in ((40, accepted()), (44, restored(at=START + 44 * MINUTE)), (44.5, f.TicketReopened("no"))):
        ticket = model.evolve(ticket, fact, START + minute * MINUTE, actor=BY_NETWORK)
    assert ticket.open_escalation is None
    assert ticked(ticket, *range(45, 60))[1] == []


def test_end_of_a_pause_escalates_nothing_that_was_not_due_before_it() -> None:
    waiting = f.TicketSuspended(issued().order, BEIJING, "pending", "customer_power", None, None)
    ticket = ticket_of("diamond", (0, issued()), (1, accepted()), (50, waiting), (500, f.TicketResumed()))
    assert ticked(ticket, 500, 505, 509)[1] == []
    assert levels(ticked(ticket, 510)[1]) == [("network", 1)]


def test_missed_fault_report_is_told_once_and_is_open_until_it_is_given() -> None:
    ticket = ticket_of("diamond", (0, issued()), (1, accepted()), (30, restored(at=START + 30 * MINUTE)))
    ticket, told = ticked(ticket, 24 * 60 + 30, 24 * 60 + 300, 48 * 60)
    assert [(fact.level, fact.again_at, fact.networks) for fact in told] == [("network", None, (BEIJING,))]
    assert ticket.open_escalation
    report = f.FaultReportGiven("fibre", "spliced", "Cut by roadworks.")
    assert model.evolve(ticket, report, START + 50 * 60 * MINUTE).open_escalation is None


def test_correction_after_its_due_date_makes_no_report_late() -> None:
    back = (30, restored(at=START + 30 * MINUTE))
    ticket = ticket_of("diamond", (0, issued()), (1, accepted()), back)
    report = f.FaultReportGiven("fibre", "spliced", "Cut by roadworks.")
    for day in (0.5, 30):
        ticket = model.evolve(ticket, report, START + day * 24 * 60 * MINUTE, actor=BY_NETWORK)
    assert not any(isinstance(fact, f.DeadlineMissed) for fact in what_is_due(ticket, START + timedelta(31), RULES))


def test_breach_that_is_found_after_the_service_is_back_is_said_and_escalates_nothing() -> None:
    ticket = ticket_of("diamond", (0, issued()), (1, accepted()), (130, restored(at=START + 130 * MINUTE)))
    facts = what_is_due(ticket, START + 131 * MINUTE, RULES)
    assert [type(fact) for fact in facts] == [f.DeadlineMissed]


def test_second_chase_is_told_to_the_network_and_one_late_in_the_target_to_the_province() -> None:
    chase = partial(commands.chase, text="Where does it stay?", rules=RULES)
    ticket = ticket_of("gold", (0, issued()), (1, accepted()))
    (first,) = chase(ticket, START + 5 * MINUTE)
    assert first == f.TicketChased("Where does it stay?", (BEIJING,))
    ticket = model.evolve(ticket, first, START + 5 * MINUTE)
    _, told = chase(ticket, START + 15 * MINUTE)
    assert isinstance(told, f.TicketEscalated)
    assert (told.level, told.cause, told.networks) == ("network", "chase", (BEIJING,))
    _, late = chase(ticket, START + 225 * MINUTE)
    assert isinstance(late, f.TicketEscalated)
    assert late.level == "province"


def test_chase_comes_once_in_ten_minutes_and_while_the_service_is_down() -> None:
    ticket = ticket_of("gold", (0, issued()), (5, f.TicketChased()))
    with pytest.raises(TooManyRequests) as refused:
        commands.chase(ticket, START + 14 * MINUTE, text=None, rules=RULES)
    assert refused.value.retry_after_s == 60
    back = ticket_of("gold", (0, issued()), (1, accepted()), (9, restored(at=START + 9 * MINUTE)))
    with pytest.raises(IllegalMove) as over:
        commands.chase(back, START + 14 * MINUTE, text=None, rules=RULES)
    assert over.value.legal == ("confirm", "reopen")


def test_network_acknowledges_what_was_told_to_it_and_nothing_above_its_head() -> None:
    ticket, _ = ticked(ticket_of("gold", (0, issued()), (0, issued(network=CHUXIONG)), (1, accepted())), 30)
    assert ticket.open_escalation
    answer = partial(commands.acknowledge, ticket, START, seq=ticket.open_escalation.seq, note=None)
    assert answer(network=CHUXIONG) == (f.EscalationAcknowledged(ticket.open_escalation.seq, None),)
    with pytest.raises(Forbidden):
        answer(network=BEIJING)
    higher, _ = ticked(ticket, 45, 60)
    assert higher.open_escalation
    with pytest.raises(Forbidden):
        commands.acknowledge(higher, START, seq=higher.open_escalation.seq, note=None, network=CHUXIONG)


def test_what_was_never_escalated_told_again_since_or_answered_can_not_be_acknowledged() -> None:
    answer = partial(commands.acknowledge, now=START, note=None, network=None)
    with pytest.raises(NotFound):
        answer(ticket_of("gold"), seq=1)
    ticket, _ = ticked(ticket_of("gold", (0, issued())), 30)
    assert ticket.escalation
    seq = ticket.escalation.seq
    with pytest.raises(IllegalMove, match=f"last by entry {seq}"):
        answer(ticket, seq=seq - 1)
    for end in (f.EscalationAcknowledged(seq), f.TicketCancelled()):
        with pytest.raises(IllegalMove, match=r"acknowledged already|cancelled"):
            answer(model.evolve(ticket, end, START), seq=seq)


def test_by_hand_any_level_is_told_and_repeated_like_the_others() -> None:
    escalate = partial(commands.escalate, reason="The ministry called", tell=["customer"], rules=RULES)
    (told,) = escalate(ticket_of("gold", (0, issued())), START + MINUTE, level="headquarters")
    assert told == f.TicketEscalated(
        "headquarters", "by_hand", "The ministry called", ("headquarters", "customer"), 1, START + 61 * MINUTE,
        (BEIJING,),
    )  # fmt: skip


def test_default_is_the_file_that_operators_are_given() -> None:
    assert (ROOT / "deploy/config/escalation.toml").read_text() == DEFAULT.read_text()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("percent = 75", "percent = 101", "escalate.0.percent: Input should be less than or equal to 100"),
        ('deadline = "accept"', 'deadline = "update"', "escalate.0.deadline: Input should be 'accept', 'restore' or"),
        ('level = "network"', 'level = "city"', "escalate.0.level: Input should be 'network', 'province' or"),
        (
            'tiers = ["diamond", "jade"]',
            'tiers = ["dimond"]',
            "escalate.0.tiers: dimond: none of the SLA policy's tiers (diamond, jade, platinum, gem)",
        ),
        ('tell = ["account_manager"]', 'tell = ["mayor"]', "tell.0: Input should be 'account_manager' or 'customer'"),
        ("again_minutes = 60", "again_minutes = 60\ntimes = 3", "levels.headquarters.times: Extra inputs"),
        ("times = 2", "", "levels.network.times: Field required"),
        ("chases = 2", "chases = 2\npercent = 4", "chase.escalate.0: needs either chases or percent"),
    ],
)
def test_mistake_in_the_file_is_named_by_line_and_field(tmp_path: Path, before: str, after: str, said: str) -> None:
    text, path = DEFAULT.read_text(), tmp_path / "escalation.toml"
    assert before in text
    path.write_text(text.replace(before, after, 1))
    with pytest.raises(ValueError, match=", line ") as wrong:
        read_escalation(path, tiers=["diamond", "jade", "platinum", "gem"])
    assert said in str(wrong.value)
    assert str(path) in str(wrong.value)


@pytest.mark.parametrize(
    ("window", "at", "expected"),
    [
        (None, "2026-11-21T20:00", True),
        ("24x7", "2026-11-21T20:00", True),
        ("Mon-Fri 08:30-17:30", "2026-11-20T17:29", True),
        ("Mon-Fri 08:30-17:30", "2026-11-20T17:30", False),
        ("Mon-Fri 08:30-17:30", "2026-11-21T09:00", False),
        ("Sat,Sun 00:00-24:00", "2026-11-22T23:59", True),
        ("Fri-Mon 18:00-08:00", "2026-11-24T07:59", True),
        ("Fri-Mon 18:00-08:00", "2026-11-24T18:00", False),
        ("Mon-Fri 08:30-17:30; Sat 09:00-12:00", "2026-11-21T09:00", True),
        ("working days", "2026-11-21T03:00", True),
    ],
)
def test_duty_is_by_the_window_in_china(window: str | None, at: str, expected: bool) -> None:
    now = datetime.fromisoformat(at).replace(tzinfo=UTC) - timedelta(hours=8)
    assert is_on_duty(window, now) is expected


def test_where_the_roster_has_a_gap_everybody_is_named() -> None:
    day, week_end = (
        ContactPoint("day", window="Mon-Fri 08:30-17:30"),
        ContactPoint("week end", window="Sat 09:00-12:00"),
    )
    assert on_duty([day, week_end], datetime(2026, 11, 20, 2, tzinfo=UTC)) == [day]
    assert on_duty([day, week_end], datetime(2026, 11, 20, 20, tzinfo=UTC)) == [day, week_end]
