"""An SMS: segments as networks count them, and a text that keeps the ticket's number and the most important."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.channels.sms.number import objection
from services.notifier.channels.sms.segments import ALPHABET, EXTENSION, Size, size
from services.notifier.channels.sms.text import short
from shared.contracts import facts as f
from shared.contracts.satisfaction import FollowUpAsked
from shared.contracts.vocabulary import Lang
from shared.testing.clock import START
from tests.cases import BEIJING, ORDER, TICKET, issued, log_of
from tests.unit.test_wording import HOSTILE, LINKS, tell, terms

LATER = START + timedelta(hours=2)


def message(*facts: f.Fact, lang: Lang = "zh", most: int = 3, signature: str = "", last: int = 1, **report: Any) -> str:
    telling = tell(log_of(*facts, **report)[1], lang, last=last)
    return short(telling, most_segments=most, signature=signature)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Size("gsm-7", 0, 1)), ("a" * 160, Size("gsm-7", 160, 1)), ("a" * 161, Size("gsm-7", 161, 2)),
        ("a" * 306, Size("gsm-7", 306, 2)), ("a" * 307, Size("gsm-7", 307, 3)), ("€" * 80, Size("gsm-7", 160, 1)),
        ("a" * 159 + "€", Size("gsm-7", 161, 2)), ("@£$¥èéùìòÇ\nØøÅå", Size("gsm-7", 15, 1)),
        ("à la carte {x}", Size("gsm-7", 16, 1)), ("ç", Size("ucs-2", 1, 1)), ("“hi”", Size("ucs-2", 4, 1)),
        ("中" * 70, Size("ucs-2", 70, 1)), ("中" * 71, Size("ucs-2", 71, 2)), ("中" * 134, Size("ucs-2", 134, 2)),
        ("中" * 135, Size("ucs-2", 135, 3)), ("😀" * 35, Size("ucs-2", 70, 1)), ("😀" * 36, Size("ucs-2", 72, 2)),
    ],
)  # fmt: skip
def test_segments_as_the_standard_counts_them(text: str, expected: Size) -> None:
    assert size(text) == expected


def test_nothing_is_split_in_the_middle_of_a_character() -> None:
    assert size("a" * 152 + "€" + "a" * 152).segments == 3  # 306 septets would fit two, but for the escape
    assert size("中" * 66 + "😀" + "中" * 66).segments == 3


def test_alphabet_has_its_128_places() -> None:
    assert len(ALPHABET) == 127  # the escape is the 128th
    assert len(EXTENSION) == 10
    assert not ALPHABET & EXTENSION


def test_message_says_first_what_matters_most() -> None:
    accepted = f.OrderAccepted(ORDER, BEIJING, "张工", LATER)
    assert message(issued(), accepted, terms=terms(timedelta(hours=5))) == (
        f"{TICKET} 北京本地网已接单，工程师：张工；预计 11-21 18:00 恢复；SLA 11-21 21:00 到时；电路 010-0878-IPV-0001"
    )


def test_circuit_that_was_named_is_not_named_again() -> None:
    assert message(most=9).count("010-0878-IPV-0001") == 1
    assert message(issued(), most=9).count("010-0878-IPV-0001") == 1


def test_english_message_needs_no_wide_characters() -> None:
    text = message(issued(), f.OrderProgressed(ORDER, BEIJING, "repairing", "cable “cut” – both"), lang="en")
    assert size(text).encoding == "gsm-7"
    assert text.endswith("; \"cable 'cut' - both\"")


def test_question_comes_with_its_link_or_without_any() -> None:
    link = "https://vip.example/v1/satisfaction?token="
    assert link in message(FollowUpAsked(1, START), most=5)
    assert "https" not in message(FollowUpAsked(1, START), most=1)


def test_signature_goes_before_it_and_counts() -> None:
    text = message(f.NoteAdded("长" * 500), signature="【运营商】", most=1)
    assert text.startswith(f"【运营商】{TICKET} 有新留言")
    assert size(text) == Size("ucs-2", 70, 1)


@given(st.text(), st.sampled_from(["zh", "en"]), st.integers(1, 4), st.integers(1, 4))
def test_message_is_never_too_long_nor_without_its_ticket(text: str, lang: Lang, most: int, last: int) -> None:
    made = message(*[f.NoteAdded(text)] * 4, f.TicketRejected(text), lang=lang, most=most, last=last)
    assert size(made).segments <= most
    assert made.startswith(TICKET)
    assert made.splitlines() == [made]


def test_what_does_not_fit_is_left_out_and_what_follows_may_still_fit() -> None:
    text = message(issued(), f.OrderAccepted(ORDER, BEIJING, "张" * 30, LATER), most=1)
    assert text == f"{TICKET} 北京本地网已接单，工程师：{'张' * 30}"
    assert "预计 11-21 18:00 恢复" in message(issued(), f.OrderAccepted(ORDER, BEIJING, "张" * 30, LATER), most=2)


def test_several_events_are_told_the_newest_first() -> None:
    text = message(issued(), f.OrderAccepted(ORDER, BEIJING), last=2)
    assert text.startswith(f"{TICKET} 北京本地网已接单；已派单至北京本地网；")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_text_of_others_is_quoted_harmless_and_last(hostile: str) -> None:
    text = message(issued(), f.OrderProgressed(ORDER, BEIJING, "repairing", hostile), signature="【运营商】")
    assert text.splitlines() == [text]
    assert not LINKS.search(text)
    assert (text.count("【"), text.count("」")) == (1, 1)
    assert text.endswith("」")


def test_words_of_others_are_cut_short_rather_than_left_out() -> None:
    text = message(f.NoteAdded("请" * 300), most=2)
    assert re.search("；「请{20,}…$", text)
    assert size(text) == Size("ucs-2", 134, 2)


@pytest.mark.parametrize("number", ["+8613800138000", "+85291234567"])
def test_international_numbers_of_allowed_countries_are_taken(number: str) -> None:
    assert objection(number, ["+86", "+852"]) is None


@pytest.mark.parametrize(
    "number",
    ["", "13800138000", "008613800138000", "+86 138 0013 8000", "+0123456789", "+86", "+861380013800000000",
     "+8613800138000\n", "+86１３８００１３８０００", "tel:+8613800138000", "+1900555012345", "+8613800138000,+1"],
)  # fmt: skip
def test_other_numbers_are_refused(number: str) -> None:
    assert objection(number, ["+86"])
