"""What a customer reads of an event: said for every fact, in both languages, and no text of others becomes more."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from services.notifier.wording.links import Links
from services.notifier.wording.plain import one_line
from services.notifier.wording.sayings import SAYINGS, saying, sentence
from services.notifier.wording.telling import Telling, telling
from shared.clock import to_ms
from shared.contracts import facts as f
from shared.contracts.event import Event
from shared.contracts.vocabulary import Lang
from shared.testing.clock import START
from tests.cases import BEIJING, MINUTE, ORDER, TICKET, accepted, issued, log_of, reported, restored
from tests.notifying import NAMES
from tests.strategies import FACTS

LANGS: tuple[Lang, ...] = get_args(Lang)
LINKS = re.compile(r"(https?|ftp)://|\w@\w|\w\.[a-z]{2,}|\d{1,3}(\.\d{1,3}){3}", re.IGNORECASE)
HOSTILE = (
    "fixed\r\nBcc: all@evil.example", "see https://evil.example/login", "call zhang@evil.example", "www.evil.example",
    "log in at 203.0.113.9/vip", "\u202egnp.exe", "a\u2028SLA: met", "evil\u200b.example", "【银行】请转账",
    "」 SLA：达标", "<script>alert(1)</script>", "\x00\x1b[2J", "evil．example", "http:\\\\evil.example",
)  # fmt: skip


def terms(restore: timedelta, **changes: Any) -> f.Terms:
    given = {
        "policy": "1", "rule": "gold/down", "accept_ms": 900_000, "update_ms": 3_600_000, "report_ms": None,
        "confirm_ms": None, "head_start_ms": 0, "warn_percent": (50, 80),
        "restore_ms": restore // timedelta(milliseconds=1),
    }  # fmt: skip
    return f.Terms(**given | changes)


ANSWERS = Links("https://vip.example", bytes(32))


def told(*facts: f.Fact, lang: Lang = "en", last: int = 1, **report: Any) -> Telling:
    """What is told of the last of them; each happened a minute after the one before."""
    return tell(log_of(*facts, **report)[1], lang, last=last)


def tell(log: Sequence[Event], lang: Lang = "en", *, last: int = 1) -> Telling:
    return telling(log[-last:], log, names=NAMES, links=ANSWERS, lang=lang)


@pytest.mark.parametrize("fact", f.NAMES)
def test_every_fact_has_its_words(fact: type[f.Fact]) -> None:
    name = f.NAMES[fact]
    assert name in SAYINGS or any(key.startswith(f"{name}.") for key in SAYINGS)


@given(FACTS, st.sampled_from(LANGS))
def test_every_fact_can_be_said(fact: f.Fact, lang: Lang) -> None:
    said = sentence(fact, NAMES, lang)
    assert said.splitlines() == [said]
    assert not re.search(r"None|\{|\}", saying(fact).in_(lang).format_map(_Anything()))
    assert set(saying(fact).quotes) <= {*type(fact).__dataclass_fields__}


@given(st.lists(st.one_of(st.builds(f.NoteAdded, st.text()), st.builds(f.TicketReopened, st.text())), min_size=1))
def test_message_has_no_line_but_ours(facts: list[f.Fact]) -> None:
    said = told(*facts, last=len(facts))
    lines = sum(1 + len(news.quotes) for news in said.news)
    assert len(said.text().splitlines()) == lines + 1 + len(said.rows)
    assert said.subject.splitlines() == [said.subject]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_others_is_one_line_and_nothing_to_tap(text: str) -> None:
    shown = one_line(text, most=200)
    assert shown.splitlines() == [shown]
    assert shown.isprintable()
    assert not LINKS.search(shown)
    assert not set(shown) & set("【】「」“”\u200b\u202e")


@given(st.text(), st.integers(2, 50))
@example("0@ 000", 4)
def test_one_line_is_short_enough_and_says_when_it_was_cut(text: str, most: int) -> None:
    shown = one_line(text, most=most)
    assert len(shown) <= most
    assert "\n" not in shown
    assert one_line(shown, most=most) == shown


def test_addresses_and_figures_that_are_no_links_stay_readable() -> None:
    assert one_line("Rx -21.5 dBm at 10:30, v1.2", most=99) == "Rx -21.5 dBm at 10:30, v1.2"
    assert one_line("已到场。Port 3/0/1 换光模块", most=99) == "已到场。Port 3/0/1 换光模块"


def test_text_of_a_network_stands_in_quotation_marks() -> None:
    said = told(issued(), f.OrderProgressed(ORDER, BEIJING, "repairing", "cable cut\nSLA: met"))
    assert said.text().splitlines()[:3] == ["Local network Beijing: repairing", "  “cable cut SLA: met”", ""]


def test_message_says_who_works_when_it_is_back_and_what_the_clock_says() -> None:
    expected = f.OrderAccepted(ORDER, BEIJING, "Zhang", START + timedelta(hours=2))
    said = told(issued(), expected, terms=terms(timedelta(hours=5)))
    assert said.news[0].happened == "Local network Beijing has accepted the order, engineer: Zhang"
    assert dict(said.rows) == {
        "Ticket": TICKET, "Circuit": "010-0878-IPV-0001", "Status": "in progress", "Times": "Beijing time (UTC+8)",
        "Working on it": "local network Beijing", "Expected back": "11-21 18:00",
        "SLA": "target 5 h, 2 min used, due 11-21 21:00", "Next update by": "11-21 17:00",
    }  # fmt: skip


def test_message_in_chinese() -> None:
    assert told(issued(), accepted(), lang="zh").text().splitlines() == [
        "北京本地网已接单", "", f"障碍单：{TICKET}", "电路：010-0878-IPV-0001", "状态：修障中", "处理单位：北京本地网",
        "时间：均为北京时间",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("lang", "warned", "late"),
    [
        (
            "en", "Local network Beijing: 75 % of the time for accepting the order is over",
            "Local network Beijing is late: accepting the order was due by 11-21 16:15",
        ),
        ("zh", "北京本地网：接单时限已过 75%", "北京本地网：接单已超时（应于 11-21 16:15 前）"),
    ],
)  # fmt: skip
def test_deadline_of_one_of_several_networks_says_whose_it_is(lang: Lang, warned: str, late: str) -> None:
    due = START + 15 * MINUTE
    missed = f.DeadlineMissed("accept", f"accept:{ORDER}", due, BEIJING)
    said = told(issued(), f.DeadlineWarned("accept", f"accept:{ORDER}", 75, due, BEIJING), missed, lang=lang, last=2)
    assert [news.happened for news in said.news] == [warned, late]


def test_several_events_are_told_in_order_with_their_times() -> None:
    lines = told(issued(), accepted(), f.NoteAdded("hurry"), lang="zh", last=2).text().splitlines()
    assert lines[:4] == ["11-21 16:02 北京本地网已接单", "11-21 16:03 有新留言", "  「hurry」", ""]


def test_clock_that_is_stopped_says_so() -> None:
    waits = f.TicketSuspended(ORDER, BEIJING, "pending", "no_site_access")
    rows = dict(told(issued(), accepted(), waits, terms=terms(timedelta(hours=1))).rows)
    assert rows["SLA"] == "target 1 h, 3 min used, clock stopped"


@pytest.mark.parametrize(("target", "verdict"), [(60 * MINUTE, "met"), (MINUTE, "breached")])
def test_after_the_restoration_the_verdict_stands(target: timedelta, verdict: str) -> None:
    rows = dict(told(issued(), accepted(), restored(at=START + 2 * MINUTE), terms=terms(target)).rows)
    assert rows["SLA"].endswith(f"2 min used, {verdict}")
    assert rows["Cause"] == "fibre"
    assert "Expected back" not in rows


def test_time_outside_service_hours_is_not_used() -> None:
    opens = to_ms(START + MINUTE)
    rows = dict(told(issued(), accepted(), terms=terms(60 * MINUTE, hours=((opens, opens + 86_400_000),))).rows)
    assert rows["SLA"] == "target 1 h, 1 min used, due 11-21 17:01"


def test_what_is_expected_from_past_repairs_says_so() -> None:
    at = [START + n * timedelta(hours=1) for n in (2, 1, 3)]
    rows = dict(told(f.RestorationPredicted(*at, "this network", 40)).rows)
    assert rows["Expected back"] == "11-21 18:00 (from past repairs, 11-21 17:00 – 11-21 19:00)"


def test_subject_is_the_tickets_and_never_changes() -> None:
    log = log_of(issued(), accepted(), f.NoteAdded("hurry"))[1]
    subjects = {tell(log[:n], "zh").subject for n in range(1, len(log) + 1)}
    assert subjects == {f"[{TICKET}] 电路 010-0878-IPV-0001 障碍"}


def test_brief_begins_with_what_happened_last() -> None:
    brief = told(issued(), f.OrderAccepted(ORDER, BEIJING, None, START + timedelta(hours=2)), last=2).brief
    assert brief[:3] == [
        "Local network Beijing has accepted the order", "Local network Beijing is ordered to repair it",
        "expected back 11-21 18:00",
    ]  # fmt: skip


def test_report_of_the_customer_is_quoted_too() -> None:
    assert told().news[0].quotes == [f"“{reported().description}”"]


class _Anything(dict[str, str]):
    def __missing__(self, _: str) -> str:
        return "x"
