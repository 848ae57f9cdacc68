"""The SLA clock: what stops it and what does not, and that a second implementation finds the same on any log."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, get_args

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.clock import to_ms
from shared.contracts import facts as f
from shared.contracts.event import Event, public
from shared.ids import OrderId, order_id
from shared.testing.clock import START
from shared.tickets.promises import Kind
from shared.tickets.timing import Figures, figures
from tests.cases import ACCOUNT, ACTOR, BEIJING, CHUXIONG, MINUTE, TICKET, accepted, issued, reported, restored
from tests.independent_clock import compute

MIN = 60_000
IN_ORDER, BY_NETWORK = order_id(TICKET, BEIJING), "network:010"


def log(*steps: tuple[int, f.Fact], actor: str = BY_NETWORK, **report: Any) -> list[Event]:
    """The report at minute 0, then these facts at their minutes."""
    found = []
    for seq, (minute, fact) in enumerate([(0, reported(**report)), *steps], 1):
        name, who = f.NAMES[type(fact)], ACTOR if seq == 1 else actor
        found.append(Event(TICKET, seq, START + minute * MINUTE, name, who, ACCOUNT, "inProgress", f.encode(fact)))
    return found


def at(minute: int, *steps: tuple[int, f.Fact], actor: str = BY_NETWORK) -> Figures:
    return figures(log(*steps, actor=actor), START + minute * MINUTE)


def suspended(clock: Any = "pending", reason: Any = "no_site_access", occurred: int | None = None) -> f.TicketSuspended:
    when = None if occurred is None else START + occurred * MINUTE
    return f.TicketSuspended(IN_ORDER, BEIJING, clock, reason, "the gate is locked", when)


def resumed(occurred: int | None = None) -> f.TicketResumed:
    return f.TicketResumed(IN_ORDER, BEIJING, occurred_at=None if occurred is None else START + occurred * MINUTE)


def back(minute: int) -> f.ServiceRestored:
    return restored(at=START + minute * MINUTE)


def test_time_to_repair_is_report_to_restoration_as_the_field_says_it() -> None:
    found = at(200, (1, issued()), (5, accepted()), (100, back(90)))
    assert (found.time_to_repair, found.restored_at) == (90 * MIN, to_ms(START) + 90 * MIN)


def test_waiting_for_the_customer_stops_the_clock_and_waiting_for_spares_does_not() -> None:
    found = at(
        200, (10, suspended()), (40, resumed()), (50, suspended("held", "spares")), (70, resumed()), (100, back(100))
    )
    assert found.time_to_repair == 70 * MIN
    assert (found.pending, found.held) == ({"no_site_access": 30 * MIN}, {"spares": 20 * MIN})


def test_suspension_that_is_struck_out_stopped_nothing_and_is_still_told() -> None:
    steps = (10, suspended()), (40, resumed()), (50, f.SuspensionStruckOut(2, "the gate was open")), (100, back(100))
    found = at(200, *steps)
    assert (found.time_to_repair, found.pending) == (100 * MIN, {})
    assert [(i.start, i.reason) for i in found.intervals if i.struck] == [(to_ms(START) + 10 * MIN, "no_site_access")]


def test_pause_that_is_still_on_stops_the_clock_where_it_began() -> None:
    assert [at(minute, (10, suspended())).time_to_repair for minute in (10, 60, 600)] == [10 * MIN] * 3


def test_clock_runs_on_from_where_it_stood_when_a_pause_ends() -> None:
    steps = (10, suspended()), (500, resumed())
    assert [at(minute, *steps).time_to_repair for minute in (500, 501)] == [10 * MIN, 11 * MIN]


def test_pause_counts_from_when_the_field_says_not_from_when_the_center_heard() -> None:
    assert (
        at(200, (30, suspended(occurred=10)), (60, resumed(occurred=50)), (100, back(100))).time_to_repair == 60 * MIN
    )


def test_resumption_from_before_its_own_suspension_ends_it_where_it_began() -> None:
    found = at(200, (30, suspended(occurred=20)), (60, resumed(occurred=5)), (100, back(100)))
    assert (found.time_to_repair, found.pending) == (100 * MIN, {})


def test_pause_from_before_the_report_begins_with_the_report() -> None:
    assert at(60, (30, suspended(occurred=-20)), (40, resumed())).pending == {"no_site_access": 40 * MIN}


def test_restoration_that_did_not_hold_was_none() -> None:
    reopened = (100, f.TicketReopened("still dark"))
    found = at(300, (60, back(60)), reopened, (160, back(150)))
    assert (found.time_to_repair, found.restored_at) == (150 * MIN, to_ms(START) + 150 * MIN)
    assert at(120, (60, back(60)), reopened).time_to_repair == 120 * MIN


def test_pauses_after_the_service_was_back_lasted_nothing() -> None:
    steps = (60, suspended()), (90, resumed()), (100, suspended("held", "spares")), (120, back(10))
    found = at(200, *steps)
    assert (found.time_to_repair, found.restored_at) == (10 * MIN, to_ms(START) + 10 * MIN)
    assert (found.pending, found.held, [i.state for i in found.intervals]) == ({}, {}, ["running", "restored"])


def test_pause_in_which_the_service_came_back_ended_then() -> None:
    found = at(200, (20, suspended()), (60, resumed()), (70, suspended()), (90, back(50)))
    assert (found.time_to_repair, found.pending) == (20 * MIN, {"no_site_access": 30 * MIN})


def test_restoration_is_never_before_the_reopening_that_it_answers() -> None:
    found = at(300, (60, back(60)), (100, f.TicketReopened("still dark")), (110, suspended()), (160, back(80)))
    assert (found.time_to_repair, found.restored_at) == (100 * MIN, to_ms(START) + 100 * MIN)


def test_time_to_repair_stands_while_the_customer_thinks_and_after_the_ticket_is_closed() -> None:
    steps = (60, back(60)), (90, f.TicketClosed("confirmed"))
    assert [at(minute, *steps[: 1 + (minute > 90)]).time_to_repair for minute in (61, 89, 5000)] == [60 * MIN] * 3


@pytest.mark.parametrize("end", [f.TicketCancelled(), f.TicketRejected("not ours")])
def test_ticket_that_was_not_repaired_has_no_time_to_repair(end: f.Fact) -> None:
    assert at(60, (30, end)).time_to_repair is None


def test_response_is_the_first_acceptance_whatever_comes_later() -> None:
    assert (
        at(60, (1, issued()), (2, issued(network=CHUXIONG)), (9, accepted(network=CHUXIONG)), (12, accepted())).response
        == 9 * MIN
    )
    assert at(60, (1, issued())).response is None


def test_networks_share_is_the_time_it_had_the_order_without_what_waited_for_the_customer() -> None:
    over = f.OrderHandedOver(IN_ORDER, BEIJING, CHUXIONG, "the fault is theirs")
    found = at(100, (5, issued()), (10, suspended()), (30, resumed()), (45, over), (45, issued(network=CHUXIONG)))
    first, second = found.spells
    assert (first.end, first.ended_by, first.counted) == (to_ms(START) + 45 * MIN, "handed_over", 20 * MIN)
    assert (second.network, second.end, second.counted) == (CHUXIONG, None, 55 * MIN)


def test_stages_follow_each_other_and_end_with_the_confirmation() -> None:
    diagnosed = f.OrderProgressed(IN_ORDER, BEIJING, "diagnosed")
    found = at(
        200, (1, issued()), (6, accepted()), (30, diagnosed), (100, back(95)), (120, f.TicketClosed("confirmed"))
    )
    assert [None if n is None else n / MIN for n in found.stages.values()] == [0, 1, 5, 24, 65, 25]


def test_customers_own_words_are_no_news_to_it() -> None:
    assert at(60, (30, f.NoteAdded("hello?")), actor=ACTOR).last_heard_at == to_ms(START)
    assert at(60, (30, f.NoteAdded("we look")), actor="operator:noc").last_heard_at == to_ms(START) + 30 * MIN


GOLD = f.Terms(
    "2026-1", "gold/down", accept_ms=15 * MIN, update_ms=30 * MIN, restore_ms=60 * MIN, report_ms=600 * MIN,
    confirm_ms=None, head_start_ms=0, warn_percent=(),
)  # fmt: skip


def judged(minute: int, *steps: tuple[int, f.Fact], terms: f.Terms = GOLD, kind: Kind = "restore") -> Any:
    """Verdict, minutes used, and the minute at which it is due."""
    found = figures(log(*steps, terms=terms), START + minute * MINUTE).promises[kind]
    due = None if found.due_at is None else (found.due_at - to_ms(START)) / MIN
    return found.verdict, None if found.used is None else found.used / MIN, due


def test_promise_is_kept_to_the_last_millisecond_and_broken_by_the_next() -> None:
    assert judged(60) == ("running", 60, 60)
    assert judged(200, (70, back(60))) == ("met", 60, 60)
    late = restored(at=START + 60 * MINUTE + timedelta(milliseconds=1))
    assert judged(200, (70, late))[0] == "breached"


def test_restoration_is_due_where_its_time_was_used_up_also_when_a_pause_began_right_then() -> None:
    assert judged(100, (60, suspended())) == ("running", 60, 60)
    assert judged(100, (30, suspended())) == ("running", 30, None)


def test_first_order_that_waits_is_the_one_that_is_due() -> None:
    steps = (2, issued()), (5, issued(network=CHUXIONG))
    assert judged(6, *steps, kind="accept") == ("running", 4, 17)
    assert judged(9, *steps, (8, accepted()), kind="accept") == ("running", 6, 20)
    assert judged(99, *steps, (8, accepted()), (19, accepted(network=CHUXIONG)), kind="accept") == ("met", 14, 20)


def test_nobody_waits_for_an_order_once_the_service_is_back() -> None:
    assert judged(99, (2, issued()), (12, back(10)), kind="accept") == ("met", 8, 17)


def test_customer_is_owed_a_word_while_its_service_is_down_and_anew_when_it_reopens() -> None:
    steps = (20, f.NoteAdded("we look")), (40, back(40)), (400, f.TicketReopened("dark"))
    assert [judged(minute, *steps, kind="update") for minute in (400, 431)] == [
        ("running", 20, 430), ("breached", 31, 430),
    ]  # fmt: skip


def test_fault_report_is_due_after_the_restoration_that_stands() -> None:
    given = f.FaultReportGiven("fibre", "spliced", "cut")
    assert judged(50, kind="report") == (None, None, None)
    assert judged(50, (40, back(40)), kind="report") == ("running", 10, 640)
    assert judged(900, (40, back(40)), (700, given), kind="report") == ("breached", 660, 640)
    again = (710, f.TicketReopened("dark")), (720, back(720))
    assert judged(721, (40, back(40)), (700, given), *again, kind="report") == ("running", 1, 1320)
    assert judged(900, (40, back(40)), (41, given), (800, given), kind="report") == ("met", 1, 640)
    assert "report" not in figures(log(terms=replace(GOLD, report_ms=None)), START).promises


def test_verdict_counts_only_service_hours_and_the_time_to_repair_goes_on() -> None:
    hours = ((to_ms(START) + 10 * MIN, to_ms(START) + 40 * MIN), (to_ms(START) + 500 * MIN, to_ms(START) + 900 * MIN))
    by_day = replace(GOLD, hours=hours, calendar="office")
    assert judged(520, (600, back(520)), terms=by_day) == ("met", 50, 530)
    assert figures(log((600, back(520)), terms=by_day), START).time_to_repair == 520 * MIN


def test_terms_that_were_changed_judge_the_whole_ticket() -> None:
    longer = f.TermsChanged(replace(GOLD, restore_ms=120 * MIN), "agreed with the customer")
    assert judged(200, (90, longer), (110, back(100))) == ("met", 100, 120)
    assert judged(200, (110, back(100)), (150, longer)) == ("met", 100, 120)


def test_ticket_of_before_there_were_terms_is_judged_by_the_breach_time_it_was_opened_with() -> None:
    found = figures(log((60, back(60)), breach_at=START + 50 * MINUTE), START).promises
    assert {kind: (p.target, p.verdict) for kind, p in found.items()} == {"restore": (50 * MIN, "breached")}


def test_log_without_its_report_has_no_figures() -> None:
    with pytest.raises(ValueError, match="begins with its report"):
        figures(log((1, issued()))[1:], START)


ORDERS, NETWORKS = st.sampled_from([IN_ORDER, order_id(TICKET, CHUXIONG)]), st.sampled_from([BEIJING, CHUXIONG])
CLAIMS = st.none() | st.integers(-5, 70).map(lambda minute: START + minute * MINUTE)


@st.composite
def terms(draw: st.DrawFn) -> f.Terms:
    """Targets about as long as the tickets of these tests, round the clock or within any hours."""
    gaps = draw(st.lists(st.integers(1, 40), min_size=2, max_size=8))
    edges = [to_ms(START) + (sum(gaps[:n]) - 20) * MIN for n in range(1, len(gaps) + 1)]
    windows = tuple(zip(edges[::2], edges[1::2], strict=False))
    length = st.sampled_from([1, 7, 8, 13, 14, 20, 21]).map(lambda minutes: minutes * MIN) | st.integers(1, 60 * MIN)
    return f.Terms(
        "2026-1", "gold/down", accept_ms=draw(length), update_ms=draw(length), restore_ms=draw(length),
        report_ms=draw(st.none() | length), confirm_ms=None, head_start_ms=0, warn_percent=(50,),
        hours=draw(st.sampled_from([None, (), windows])),
    )  # fmt: skip


def _suspension(order: OrderId, network: Any, reason: Any, claim: datetime | None) -> f.TicketSuspended:
    held = reason in ("third_party", "spares", "internal")
    return f.TicketSuspended(order, network, "held" if held else "pending", reason, "seen", claim)


STEPS = st.one_of(
    st.builds(_suspension, ORDERS, NETWORKS, st.sampled_from(get_args(f.SuspendReason)), CLAIMS),
    st.builds(f.TicketResumed, ORDERS, NETWORKS, st.none(), CLAIMS),
    st.builds(f.ServiceRestored, ORDERS, NETWORKS, CLAIMS.map(lambda claim: claim or START)),
    st.sampled_from([f.TicketReopened("no"), f.TicketClosed("confirmed"), f.TicketCancelled(), f.NoteAdded("x")]),
    st.builds(lambda network: issued(network=network), NETWORKS),
    st.builds(f.OrderAccepted, ORDERS, NETWORKS),
    st.builds(f.OrderDeclined, ORDERS, NETWORKS, st.just("other"), st.none(), CLAIMS),
    st.builds(f.OrderProgressed, ORDERS, NETWORKS, st.sampled_from(["diagnosed", "on_site"])),
    st.builds(lambda o, n, c: f.OrderHandedOver(o, n, CHUXIONG, "x", None, c), ORDERS, NETWORKS, CLAIMS),
    st.builds(f.OrderStoodDown, ORDERS, NETWORKS, st.just("restored")),
    st.builds(f.SuspensionStruckOut, st.integers(1, 15), st.just("nobody was there")),
    st.builds(f.TermsChanged, terms(), st.just("agreed")),
    st.just(f.FaultReportGiven("fibre", "spliced", "cut")),
)
ACTORS = st.sampled_from([ACTOR, BY_NETWORK])


@st.composite
def logs(draw: st.DrawFn) -> list[Event]:
    """Any facts in any order, legal or not, some of them in the same millisecond; under any terms, or none."""
    found = log(terms=draw(st.none() | terms()), breach_at=draw(st.none() | st.just(START + 30 * MINUTE)))
    for fact in draw(st.lists(STEPS, max_size=14)):
        when = found[-1].at + timedelta(
            minutes=draw(st.sampled_from([0, 0, 1, 7, 13])), milliseconds=draw(st.integers(0, 3))
        )
        name, seq = f.NAMES[type(fact)], len(found) + 1
        found.append(Event(TICKET, seq, when, name, draw(ACTORS), ACCOUNT, "inProgress", f.encode(fact)))
    return found


def shown(events: Sequence[Event]) -> list[dict[str, Any]]:
    """As a customer reads them."""
    found: list[dict[str, Any]] = orjson.loads(orjson.dumps([public(event) for event in events]))
    return found


@settings(max_examples=400)
@given(logs(), st.integers(-10, 300))
def test_second_implementation_finds_the_same_figures_on_any_log(events: list[Event], minute: int) -> None:
    now = START + minute * MINUTE
    assert asdict(figures(events, now)) == compute(shown(events), to_ms(now))


@given(logs(), st.integers(0, 300))
def test_intervals_have_no_gap_and_no_overlap_and_add_up(events: list[Event], minute: int) -> None:
    found = figures(events, START + minute * MINUTE)
    assert all(i.length > 0 for i in found.intervals)
    assert all(a.end <= b.start for a, b in pairwise(found.intervals))
    if found.time_to_repair is not None:
        assert found.time_to_repair + sum(found.pending.values()) <= found.now - found.reported_at
