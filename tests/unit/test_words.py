"""Every fact can be said, in 中文 and in English."""

from typing import Any, get_args

import pytest

from services.commands.words import LINES, line
from shared.contracts import facts as f
from shared.contracts.vocabulary import STATUS, VALUES, Lang
from shared.tickets.model import Status

CODED = (f.Impact, f.Stage, f.SuspendReason, f.Cause, f.DeclineReason)


def fact(type_: str, **data: Any) -> dict[str, Any]:
    return {"type": type_, "data": data}


@pytest.mark.parametrize("type_", f.TYPES)
def test_every_fact_has_its_line(type_: str) -> None:
    assert type_ in LINES


@pytest.mark.parametrize("word", [word for kind in CODED for word in get_args(kind)])
def test_every_coded_word_is_translated(word: str) -> None:
    assert word in VALUES


def test_every_status_is_translated() -> None:
    assert set(STATUS) == set(get_args(Status))


@pytest.mark.parametrize(
    ("lang", "expected"),
    [("en", "suspended by 0878: the customer's LAN, seen there"), ("zh", "挂起：客户局域网（0878），seen there")],
)
def test_line_says_what_who_and_why(lang: Lang, expected: str) -> None:
    said = fact("ticket.suspended", network="0878", reason="customer_lan", evidence="seen there", occurred_at=None)
    assert line(said, lang) == expected


def test_what_somebody_wrote_is_not_translated() -> None:
    assert line(fact("ticket.noted", text="other"), "zh") == "留言：other"


def test_what_somebody_wrote_makes_no_line_of_its_own() -> None:
    forged = "see below\r\n08:30:00  ticket closed  [closed]\u2028 and\tmore"
    assert line(fact("ticket.noted", text=forged), "en") == ("note: see below 08:30:00 ticket closed [closed] and more")


def test_deadline_of_one_of_several_networks_says_whose_it_is() -> None:
    late = fact("ticket.deadline_missed", kind="accept", network="0878", due_at="2026-11-21T08:15:00Z")
    assert line(late, "en") == "local network 0878 is late: accepting the order"


def test_braces_in_a_text_are_only_a_text() -> None:
    assert line(fact("ticket.noted", text="{reason} {0}"), "en") == "note: {reason} {0}"


def test_fact_of_an_unknown_type_is_its_type() -> None:
    assert line(fact("ticket.sung_about"), "en") == "ticket.sung_about"
